-- Segments whose events lie in files of an archive. What finds events by id and case stays here.

-- When events of the source leave the database, in microseconds after their commit; 0: never; null: as the service says.
ALTER TABLE source ADD COLUMN archive_after_us bigint;

-- Files of the archive; `commit_first` and `commit_last` are positions.
CREATE TABLE archive_file (
    tenant text NOT NULL,
    file_id bigint GENERATED ALWAYS AS IDENTITY,
    key text NOT NULL,
    commit_first bigint NOT NULL,
    commit_last bigint NOT NULL,
    segment_count bigint NOT NULL,
    event_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    sha256 bytea NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, file_id),
    UNIQUE (tenant, key)
);

ALTER TABLE archive_file ENABLE ROW LEVEL SECURITY;
ALTER TABLE archive_file FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON archive_file USING (tenant = current_setting('andon.tenant', true));

-- Where the events of a segment are that has none itself.
ALTER TABLE segment
    ADD COLUMN archive_file bigint,
    ADD COLUMN archive_group integer;
-- What may be due, however much is archived.
CREATE INDEX segment_not_archived ON segment (tenant, position) WHERE archive_file IS NULL;
