-- Who is alive and who owns what (see services/runtime/sql/ownership.sql).

-- Which processes are alive. Names processes, not tenants, so it has no row-level security.
CREATE TABLE replica (
    replica uuid PRIMARY KEY,
    backend_pid integer NOT NULL,
    backend_start timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);

-- Who owns a resource. The epoch grows with every acquisition; a writer with an older epoch is fenced off.
CREATE TABLE lease (
    tenant text NOT NULL CHECK (tenant <> ''),
    resource text NOT NULL,
    epoch bigint NOT NULL,
    replica uuid NOT NULL,
    acquired_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, resource)
);

ALTER TABLE lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE lease FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON lease USING (tenant = current_setting('andon.tenant', true));
