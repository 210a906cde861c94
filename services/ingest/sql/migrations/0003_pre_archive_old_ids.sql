-- Event ids that are older than what processes remember, so that a file loaded again changes nothing however late.

-- Through which position the ids of a log are archived.
CREATE TABLE id_archive (
    tenant text PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
);

-- The days of event time that have archived ids. A day's ids are cut into 2^slot_bits blocks by the upper bits of their
-- hashes, about a thousand ids each.
CREATE TABLE id_day (
    tenant text NOT NULL,
    day integer NOT NULL,
    slot_bits integer NOT NULL,
    id_count bigint NOT NULL,
    PRIMARY KEY (tenant, day)
);

-- Hashes in ascending order, 8 bytes each, and the position of the commit that holds each event, 8 bytes each.
CREATE TABLE id_block (
    tenant text NOT NULL,
    day integer NOT NULL,
    slot bigint NOT NULL,
    hashes bytea NOT NULL,
    positions bytea NOT NULL,
    PRIMARY KEY (tenant, day, slot)
);

-- Hashes do not compress.
ALTER TABLE id_block ALTER COLUMN hashes SET STORAGE EXTERNAL;

ALTER TABLE id_archive ENABLE ROW LEVEL SECURITY;
ALTER TABLE id_archive FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON id_archive USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE id_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE id_day FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON id_day USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE id_block ENABLE ROW LEVEL SECURITY;
ALTER TABLE id_block FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON id_block USING (tenant = current_setting('andon.tenant', true));
