-- What lists of problems are ordered and filtered by, and how many problems are in each state.

-- NULL: a row of before; the owner of the tenant fills them in once (head.listed).
ALTER TABLE problem
    ADD COLUMN owner text,
    ADD COLUMN start_us bigint,
    ADD COLUMN end_us bigint,
    ADD COLUMN opened_us bigint,
    ADD COLUMN snoozed_until_us bigint,
    ADD COLUMN origin integer,
    ADD COLUMN slice text[],
    -- Each begins with the tenant, so that no search reads what others have.
    ADD COLUMN terms text[];
CREATE INDEX problem_by_open_time ON problem (tenant, opened_us DESC, name);
CREATE INDEX problem_live_by_due ON problem (tenant, due_us, name) WHERE live AND due_us IS NOT NULL;
CREATE INDEX problem_by_term ON problem USING gin (terms);

ALTER TABLE head ADD COLUMN listed boolean NOT NULL DEFAULT false;

CREATE TABLE state_count (
    tenant text NOT NULL,
    process text NOT NULL,
    system text NOT NULL,
    state integer NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (tenant, process, system, state)
);

ALTER TABLE state_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE state_count FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON state_count USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
