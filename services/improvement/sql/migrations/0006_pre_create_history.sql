-- What happened to each problem, by the revision that it made; rows are only added.
CREATE TABLE problem_history (
    tenant text NOT NULL,
    problem text NOT NULL,
    revision bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, problem, revision)
);

ALTER TABLE problem_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE problem_history FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON problem_history USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
