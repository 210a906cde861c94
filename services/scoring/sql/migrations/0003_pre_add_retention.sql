-- How long things are kept. history_since: reads as of an instant before it would miss revisions; null: all are kept.
ALTER TABLE score_head ADD COLUMN history_since timestamptz;
CREATE INDEX score_history_by_time ON score_history (tenant, score_time);

ALTER TABLE observation ADD COLUMN kept_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX observation_by_anchor ON observation (tenant, system_name, version, anchor_max);

-- Windows that start at `since` or later still have all their observations.
CREATE TABLE observation_floor (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    since bigint NOT NULL,
    PRIMARY KEY (tenant, system_name, version)
);

ALTER TABLE observation_floor ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation_floor FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON observation_floor USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
