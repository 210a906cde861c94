-- The log: one gapless sequence of commits for each tenant, and the segments that they wrote.

-- Where each tenant's log ends. Locked by every commit, so that positions are gapless and become visible in order.
CREATE TABLE head (
    tenant text PRIMARY KEY CHECK (tenant <> ''),
    origin uuid NOT NULL DEFAULT gen_random_uuid(),
    position bigint NOT NULL DEFAULT 0,
    oldest_position bigint NOT NULL DEFAULT 0,
    next_offsets bigint[] NOT NULL,
    event_count bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 40);

-- What one commit brought, whether or not it wrote a segment. `sources` are those whose events it wrote, with the
-- latest time of each one's events. Times of events are microseconds since 1970, UTC.
CREATE TABLE commit (
    tenant text NOT NULL,
    position bigint NOT NULL,
    byte_count bigint NOT NULL,
    sources text[] NOT NULL,
    times_max_us bigint[] NOT NULL,
    committed_at timestamptz NOT NULL,
    traceparents text[] NOT NULL,
    PRIMARY KEY (tenant, position)
);

-- The latest event time of every source through every 256th position, so that it is known at any position from at
-- most 255 commits.
CREATE TABLE watermark (
    tenant text NOT NULL,
    position bigint NOT NULL,
    source text NOT NULL,
    time_max_us bigint NOT NULL,
    PRIMARY KEY (tenant, position, source)
);

-- The events of one commit in one partition: an Arrow IPC stream, with the hashes of its event ids (one for each
-- event, in order) and of its cases (sorted, each once), 8 bytes each.
CREATE TABLE segment (
    tenant text NOT NULL,
    position bigint NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    event_count integer NOT NULL,
    time_min_us bigint NOT NULL,
    time_max_us bigint NOT NULL,
    id_hashes bytea NOT NULL,
    case_hashes bytea NOT NULL,
    events bytea NOT NULL,
    PRIMARY KEY (tenant, position, partition, first_offset)
);

-- The events are compressed already, and hashes do not compress.
ALTER TABLE segment ALTER COLUMN events SET STORAGE EXTERNAL;
ALTER TABLE segment ALTER COLUMN id_hashes SET STORAGE EXTERNAL;
ALTER TABLE segment ALTER COLUMN case_hashes SET STORAGE EXTERNAL;

-- The registry: sources, counts, refused events and answers.

-- Where events come from, and how they are admitted.
CREATE TABLE source (
    tenant text NOT NULL,
    source text NOT NULL,
    kind integer NOT NULL,
    title_en text NOT NULL,
    title_zh text NOT NULL,
    dedup_horizon_us bigint NOT NULL,
    time_earliest_us bigint NOT NULL,
    future_tolerance_us bigint NOT NULL,
    resources_are_not_persons boolean NOT NULL,
    personal_attributes text[] NOT NULL,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source)
);

-- What came in since ever. An empty source: events that named none, or an invalid one.
CREATE TABLE intake (
    tenant text NOT NULL,
    source text NOT NULL,
    accepted_count bigint NOT NULL,
    duplicate_count bigint NOT NULL,
    quarantined_count bigint NOT NULL,
    PRIMARY KEY (tenant, source)
) WITH (fillfactor = 40);

CREATE TABLE intake_reason (
    tenant text NOT NULL,
    source text NOT NULL,
    reason text NOT NULL,
    quarantined_count bigint NOT NULL,
    PRIMARY KEY (tenant, source, reason)
) WITH (fillfactor = 40);

-- Refused events. `sealed` is the event as it was sent, encrypted: it may hold personal data.
CREATE TABLE quarantine (
    tenant text NOT NULL,
    quarantine_id text NOT NULL,
    position bigint NOT NULL,
    source text NOT NULL,
    batch_index integer NOT NULL,
    field text NOT NULL,
    reason text NOT NULL,
    sealed bytea NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, quarantine_id)
);
CREATE INDEX quarantine_in_order ON quarantine (tenant, position, quarantine_id);

-- First answers to mutations that carried a request id, for 24 hours.
CREATE TABLE request (
    tenant text NOT NULL,
    request_id uuid NOT NULL,
    method text NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, request_id)
);
CREATE INDEX request_by_age ON request (tenant, answered_at);

ALTER TABLE head ENABLE ROW LEVEL SECURITY;
ALTER TABLE head FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON head USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE commit ENABLE ROW LEVEL SECURITY;
ALTER TABLE commit FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON commit USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE watermark ENABLE ROW LEVEL SECURITY;
ALTER TABLE watermark FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON watermark USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE segment ENABLE ROW LEVEL SECURITY;
ALTER TABLE segment FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON segment USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE source ENABLE ROW LEVEL SECURITY;
ALTER TABLE source FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON source USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE intake ENABLE ROW LEVEL SECURITY;
ALTER TABLE intake FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON intake USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE intake_reason ENABLE ROW LEVEL SECURITY;
ALTER TABLE intake_reason FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON intake_reason USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE quarantine FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quarantine USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE request ENABLE ROW LEVEL SECURITY;
ALTER TABLE request FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON request USING (tenant = current_setting('andon.tenant', true));
