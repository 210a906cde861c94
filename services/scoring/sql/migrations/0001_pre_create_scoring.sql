-- What scoring keeps: indicator systems, how far each was folded, its scores and signals, and the log of their changes.

-- One row per tenant; its lock orders every change, so positions are gapless and become visible in order.
CREATE TABLE score_head (
    tenant text PRIMARY KEY,
    origin uuid NOT NULL DEFAULT gen_random_uuid(),
    position bigint NOT NULL DEFAULT 0,
    oldest bigint NOT NULL DEFAULT 0
);

CREATE TABLE score_log (
    tenant text NOT NULL,
    position bigint NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    scores bytea NOT NULL,
    signals bytea NOT NULL,
    parts bytea NOT NULL,
    traceparent text NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, position)
);
CREATE INDEX score_log_by_system ON score_log (tenant, system_name, position);

-- state: 1 draft, 2 active, 3 retired, as in the contract.
CREATE TABLE indicator_system (
    tenant text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    state smallint NOT NULL,
    spec bytea NOT NULL,
    etag text NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    activate_time timestamptz,
    PRIMARY KEY (tenant, name, version)
);
CREATE UNIQUE INDEX indicator_system_active ON indicator_system (tenant, name) WHERE state = 2;

-- First answers, so that a repeated request has no second effect.
CREATE TABLE request (
    tenant text NOT NULL,
    request_id text NOT NULL,
    method text NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, request_id)
);

-- How one version of a system is being folded. `scored_position` is the last entry of the score log that is its own;
-- `switch_position` is the commit of ingest's log up to which it catches up in silence before it replaces its predecessor.
CREATE TABLE fold (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    partition_count integer NOT NULL,
    switch_position bigint NOT NULL,
    switched boolean NOT NULL,
    scored_position bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, system_name, version)
);

-- How far each partition was folded, and by whom; a write under an older epoch is refused.
CREATE TABLE progress (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    partition integer NOT NULL,
    epoch bigint NOT NULL,
    owner text NOT NULL,
    position bigint NOT NULL,
    through text NOT NULL,
    next_offset bigint NOT NULL,
    watermark_us bigint,
    case_count bigint NOT NULL,
    event_count bigint NOT NULL,
    PRIMARY KEY (tenant, system_name, version, partition)
) WITH (fillfactor = 50);

-- State of a partition at one moment: recovery starts here and replays what came after.
CREATE TABLE snapshot (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    through text NOT NULL,
    next_offset bigint NOT NULL,
    watermark_us bigint,
    event_count bigint NOT NULL,
    scored_position bigint NOT NULL,
    fold bytea NOT NULL,
    parts bytea NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, system_name, version, partition)
);

-- Which case lay in which window, as pages of the fold steps that said so; of several rows of a case the last one counts.
CREATE TABLE observation (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    partition integer NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    anchor_min bigint NOT NULL,
    anchor_max bigint NOT NULL,
    page bytea NOT NULL,
    PRIMARY KEY (tenant, system_name, version, partition, id)
);

-- Current scores. present: at least one case was observed. digest: SHA-256 of what must not depend on arrival.
CREATE TABLE score (
    tenant text NOT NULL,
    series text COLLATE "C" NOT NULL,
    window_start bigint NOT NULL,
    window_end bigint NOT NULL,
    process text NOT NULL,
    system text NOT NULL,
    indicator text NOT NULL,
    window_kind smallint NOT NULL,
    whole boolean NOT NULL,
    present boolean NOT NULL,
    complete boolean NOT NULL,
    body bytea NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (tenant, series, window_start)
);
CREATE INDEX score_by_window ON score (tenant, process, system, window_kind, window_start);

-- Every statement of a score ever made, for reads as of a past instant.
CREATE TABLE score_history (
    tenant text NOT NULL,
    series text COLLATE "C" NOT NULL,
    window_start bigint NOT NULL,
    revision bigint NOT NULL,
    score_time timestamptz NOT NULL,
    present boolean NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, series, window_start, revision)
);

CREATE TABLE signal (
    tenant text NOT NULL,
    name text COLLATE "C" NOT NULL,
    series text COLLATE "C" NOT NULL,
    window_start bigint NOT NULL,
    window_end bigint NOT NULL,
    process text NOT NULL,
    system text NOT NULL,
    indicator text NOT NULL,
    window_kind smallint NOT NULL,
    whole boolean NOT NULL,
    standing boolean NOT NULL,
    body bytea NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX signal_by_series ON signal (tenant, series, window_start);

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

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'score_head', 'score_log', 'indicator_system', 'request', 'fold', 'progress', 'snapshot', 'observation',
        'score', 'score_history', 'signal'
    ]
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''andon.tenant'', true))'
            ' WITH CHECK (tenant = current_setting(''andon.tenant'', true))', name
        );
    END LOOP;
END
$$;
