-- Benchmarks. `document`: a message of the contract, without what the server sets.
CREATE TABLE benchmark (
    tenant text NOT NULL,
    name text NOT NULL,
    document bytea NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, name)
);

ALTER TABLE benchmark ENABLE ROW LEVEL SECURITY;
ALTER TABLE benchmark FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON benchmark USING (tenant = current_setting('andon.tenant', true));
