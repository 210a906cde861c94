-- Versions that a replica cannot score because of a defect.
CREATE TABLE fold_failure (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    replica text NOT NULL,
    error text NOT NULL,
    incident text NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, system_name, version, replica)
);

ALTER TABLE fold_failure ENABLE ROW LEVEL SECURITY;
ALTER TABLE fold_failure FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON fold_failure USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
