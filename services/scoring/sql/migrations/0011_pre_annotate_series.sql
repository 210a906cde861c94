-- Notes that people pin to a time of a series, an indicator, a system or a process. body: the message of the contract.
CREATE TABLE annotation (
    tenant text NOT NULL,
    id uuid NOT NULL,
    scope text COLLATE "C" NOT NULL,
    start_us bigint NOT NULL,
    end_us bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX annotation_by_scope ON annotation (tenant, scope, start_us, id);

ALTER TABLE annotation ENABLE ROW LEVEL SECURITY;
ALTER TABLE annotation FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON annotation USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
