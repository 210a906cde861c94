-- Open cases by the moment at which they become late, and the log of what changes of them.

-- One row per open case and target. Times in microseconds since 1970 UTC. slice: "dimension=value", unknown ones left out.
CREATE TABLE open_case (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    partition integer NOT NULL,
    case_id text COLLATE "C" NOT NULL,
    indicator text COLLATE "C" NOT NULL,
    opened_us bigint,
    risk_us bigint NOT NULL,
    due_us bigint NOT NULL,
    slice text[] NOT NULL,
    PRIMARY KEY (tenant, system_name, version, case_id, indicator)
);
CREATE INDEX open_case_by_due ON open_case (tenant, system_name, version, due_us, case_id, indicator);

ALTER TABLE open_case ENABLE ROW LEVEL SECURITY;
ALTER TABLE open_case FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON open_case USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));

-- Positions are taken under the lock of the tenant's head. step: a repeated commit appends nothing.
ALTER TABLE score_head ADD COLUMN case_position bigint NOT NULL DEFAULT 0, ADD COLUMN case_oldest bigint NOT NULL DEFAULT 0;

CREATE TABLE case_change (
    tenant text NOT NULL,
    position bigint NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    step uuid NOT NULL,
    body bytea NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, position)
);
CREATE INDEX case_change_by_step ON case_change (tenant, step);

ALTER TABLE case_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_change FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON case_change USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
