-- Intakes that a defect stopped. `position`: of scoring's log, where it failed; an intake that gets past it is cured.
CREATE TABLE intake_failure (
    tenant text PRIMARY KEY,
    replica text NOT NULL,
    error text NOT NULL,
    incident text NOT NULL,
    position bigint NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE intake_failure ENABLE ROW LEVEL SECURITY;
ALTER TABLE intake_failure FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON intake_failure USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
