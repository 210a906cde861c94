-- Problems as they stand, the signals they rest on, and the log that is followed.

-- Where each tenant's problem log ends, and how far scoring's log was followed. Locked by every change.
CREATE TABLE head (
    tenant text PRIMARY KEY CHECK (tenant <> ''),
    origin uuid NOT NULL DEFAULT gen_random_uuid(),
    position bigint NOT NULL DEFAULT 0,
    oldest_position bigint NOT NULL DEFAULT 0,
    signals_through text NOT NULL DEFAULT '',
    settled_position bigint NOT NULL DEFAULT -1
);

-- `body` is the contract's Problem.
CREATE TABLE problem (
    tenant text NOT NULL,
    name text NOT NULL,
    process text NOT NULL,
    system text NOT NULL,
    indicator text NOT NULL,
    state integer NOT NULL,
    severity double precision NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX problem_by_severity ON problem (tenant, severity DESC, name);

-- Adverse signals that have not been retracted; `body` is scoring's Signal.
CREATE TABLE signal (
    tenant text NOT NULL,
    name text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- One row per change, whole: the problems as they were after it.
CREATE TABLE problem_log (
    tenant text NOT NULL,
    position bigint NOT NULL,
    changes bytea NOT NULL,
    committed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, position)
);

-- First answers to mutations that carried a request id, for 24 hours.
CREATE TABLE request (
    tenant text NOT NULL,
    request_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, request_id)
);
CREATE INDEX request_by_age ON request (tenant, answered_at);

ALTER TABLE head ENABLE ROW LEVEL SECURITY;
ALTER TABLE head FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON head USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE problem ENABLE ROW LEVEL SECURITY;
ALTER TABLE problem FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON problem USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE signal ENABLE ROW LEVEL SECURITY;
ALTER TABLE signal FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON signal USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE problem_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE problem_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON problem_log USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE request ENABLE ROW LEVEL SECURITY;
ALTER TABLE request FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON request USING (tenant = current_setting('andon.tenant', true));
