-- Clauses of policies, regulations and standards. `body`: a message of the contract, without what the server sets.
CREATE TABLE clause (
    tenant text NOT NULL,
    name text NOT NULL,
    body bytea NOT NULL,
    etag text NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, name)
);

ALTER TABLE clause ENABLE ROW LEVEL SECURITY;
ALTER TABLE clause FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON clause USING (tenant = current_setting('andon.tenant', true));
