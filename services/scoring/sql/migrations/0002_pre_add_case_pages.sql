-- Cases at rest that left memory, as pages of columns. hashes: of the ids of those that are still away, 8 bytes each.
CREATE TABLE case_page (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    partition integer NOT NULL,
    number integer NOT NULL,
    hashes bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant, system_name, version, partition, number)
);
-- Contents are compressed already.
ALTER TABLE case_page ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE case_page ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_page FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON case_page USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
