-- Weights that AdjustWeights changed, one row for each version that it made. body: the message of the contract.
CREATE TABLE weight_change (
    tenant text NOT NULL,
    system_name text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, system_name, version)
);

ALTER TABLE weight_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE weight_change FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON weight_change USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
