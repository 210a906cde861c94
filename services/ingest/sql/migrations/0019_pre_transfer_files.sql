-- Files that are uploaded in chunks and read by the service. What they hold and what is said of them is encrypted.

-- `request` and `report` are messages of the contract; `reader` is the process that reads it, until `reader_until`.
CREATE TABLE transfer (
    tenant text NOT NULL,
    transfer_id text NOT NULL,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    state smallint NOT NULL,
    byte_count bigint NOT NULL,
    uploaded_bytes bigint NOT NULL DEFAULT 0,
    request bytea NOT NULL,
    report bytea NOT NULL,
    reader uuid,
    reader_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, transfer_id),
    UNIQUE (tenant, sequence)
);

ALTER TABLE transfer ENABLE ROW LEVEL SECURITY;
ALTER TABLE transfer FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON transfer USING (tenant = current_setting('andon.tenant', true));

-- What is still to be read, however many transfers are over.
CREATE INDEX transfer_open ON transfer (tenant, state, sequence) WHERE state IN (1, 2);

-- Deleted when the transfer is over.
CREATE TABLE transfer_chunk (
    tenant text NOT NULL,
    transfer_id text NOT NULL,
    begin_byte bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant, transfer_id, begin_byte)
);

ALTER TABLE transfer_chunk ENABLE ROW LEVEL SECURITY;
ALTER TABLE transfer_chunk FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON transfer_chunk USING (tenant = current_setting('andon.tenant', true));
