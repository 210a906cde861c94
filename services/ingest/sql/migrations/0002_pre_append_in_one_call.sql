-- One commit in one round trip: its transaction begins and ends with the statement that calls `commit_entry`. The log and
-- the registry are written by a function each, which know nothing of each other.

CREATE TYPE log_segment AS (
    partition integer,
    first_offset bigint,
    event_count integer,
    time_min_us bigint,
    time_max_us bigint,
    id_hashes bytea,
    case_hashes bytea,
    events bytea
);

-- What the log keeps of one commit.
CREATE TYPE log_entry AS (
    ends_at bigint,
    next_offsets bigint[],
    sources text[],
    times_max_us bigint[],
    traceparents text[],
    segments log_segment[]
);

CREATE TYPE source_count AS (source text, accepted bigint, duplicate bigint, quarantined bigint);
CREATE TYPE reason_count AS (source text, reason text, quarantined bigint);
CREATE TYPE sealed_event AS (
    quarantine_id text,
    source text,
    batch_index integer,
    field text,
    reason text,
    sealed bytea
);
CREATE TYPE first_answer AS (request_id uuid, fingerprint bytea, answer bytea);

-- What the registry records of one commit.
CREATE TYPE receipt AS (
    counts source_count[],
    reasons reason_count[],
    refused sealed_event[],
    method text,
    answers first_answer[],
    new_sources text[]
);

-- Whether the log still ends here; if so, nobody else appends until this transaction is over.
CREATE FUNCTION lock_log(of_tenant text, ends_at bigint) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    -- Waits for another writer, and then finds the row only if the log ends here still.
    PERFORM FROM head
    WHERE tenant = of_tenant AND position = ends_at
    FOR UPDATE;
    RETURN FOUND;
END
$$;

-- Appends to a locked log.
CREATE FUNCTION append_entry(of_tenant text, entry log_entry) RETURNS timestamptz
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    new_position bigint := entry.ends_at + 1;
    made_at timestamptz;
BEGIN
    WITH moved AS (
        UPDATE head
        SET position = new_position, next_offsets = entry.next_offsets,
            event_count = event_count
                + (SELECT coalesce(sum(written.event_count), 0) FROM unnest(entry.segments) AS written)
        WHERE tenant = of_tenant
    ), stored AS (
        INSERT INTO segment (tenant, position, partition, first_offset, event_count, time_min_us, time_max_us,
                             id_hashes, case_hashes, events)
        SELECT of_tenant, new_position, written.*
        FROM unnest(entry.segments) AS written
    )
    INSERT INTO commit (tenant, position, byte_count, sources, times_max_us, committed_at, traceparents)
    SELECT of_tenant, new_position,
           (SELECT coalesce(sum(octet_length(written.events)), 0) FROM unnest(entry.segments) AS written),
           entry.sources, entry.times_max_us, clock_timestamp(), entry.traceparents
    RETURNING committed_at INTO made_at;

    IF new_position % 256 = 0 THEN
        INSERT INTO watermark (tenant, position, source, time_max_us)
        SELECT of_tenant, new_position, known.source, max(known.us)
        FROM (
            SELECT source, time_max_us AS us
            FROM watermark
            WHERE tenant = of_tenant AND position = new_position - 256
            UNION ALL
            SELECT came.source, came.us
            FROM commit CROSS JOIN unnest(sources, times_max_us) AS came (source, us)
            WHERE tenant = of_tenant AND position > new_position - 256 AND position <= new_position
        ) AS known
        GROUP BY known.source;
    END IF;

    -- Wakes those who follow this log in other processes.
    PERFORM pg_notify('andon_ingest', new_position || ' ' || of_tenant);
    RETURN made_at;
END
$$;

-- Whether one of these request ids was answered within 24 hours.
CREATE FUNCTION answered_before(of_tenant text, request_ids uuid[]) RETURNS boolean
LANGUAGE sql
STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM request
        WHERE tenant = of_tenant AND request_id = ANY (request_ids) AND answered_at > now() - interval '24 hours'
    )
$$;

-- Records what came of one commit: counts, new sources, refused events, first answers.
CREATE FUNCTION record_receipt(
    of_tenant text, at_position bigint, given receipt,
    dedup_horizon_us bigint, time_earliest_us bigint, future_tolerance_us bigint
) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO intake AS known (tenant, source, accepted_count, duplicate_count, quarantined_count)
    SELECT of_tenant, came.source, came.accepted, came.duplicate, came.quarantined
    FROM unnest(given.counts) AS came
    ON CONFLICT (tenant, source) DO UPDATE
    SET accepted_count = known.accepted_count + EXCLUDED.accepted_count,
        duplicate_count = known.duplicate_count + EXCLUDED.duplicate_count,
        quarantined_count = known.quarantined_count + EXCLUDED.quarantined_count;

    IF cardinality(given.new_sources) > 0 THEN
        INSERT INTO source (tenant, source, kind, title_en, title_zh, dedup_horizon_us, time_earliest_us,
                            future_tolerance_us, resources_are_not_persons, personal_attributes)
        SELECT of_tenant, unknown.name, 1, '', '', record_receipt.dedup_horizon_us, record_receipt.time_earliest_us,
               record_receipt.future_tolerance_us, false, '{}'
        FROM unnest(given.new_sources) AS unknown (name)
        ON CONFLICT (tenant, source) DO NOTHING;
    END IF;

    IF cardinality(given.refused) > 0 THEN
        INSERT INTO intake_reason AS known (tenant, source, reason, quarantined_count)
        SELECT of_tenant, came.source, came.reason, came.quarantined
        FROM unnest(given.reasons) AS came
        ON CONFLICT (tenant, source, reason) DO UPDATE
        SET quarantined_count = known.quarantined_count + EXCLUDED.quarantined_count;
        -- The same event refused again for the same reason is the same entry.
        INSERT INTO quarantine (tenant, quarantine_id, position, source, batch_index, field, reason, sealed)
        SELECT of_tenant, bad.quarantine_id, at_position, bad.source, bad.batch_index, bad.field, bad.reason, bad.sealed
        FROM unnest(given.refused) AS bad
        ON CONFLICT (tenant, quarantine_id) DO NOTHING;
    END IF;

    IF cardinality(given.answers) > 0 THEN
        -- An id whose 24 hours are over may be used again.
        INSERT INTO request AS known (tenant, request_id, method, fingerprint, answer)
        SELECT of_tenant, one.request_id, given.method, one.fingerprint, one.answer
        FROM unnest(given.answers) AS one
        ON CONFLICT (tenant, request_id) DO UPDATE
        SET method = EXCLUDED.method, fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, answered_at = now();
    END IF;
END
$$;

-- Appends an entry and records its receipt, if the log still ends where the caller believes and none of the request ids
-- was answered within 24 hours. Otherwise nothing is changed, and the answer is null.
CREATE FUNCTION commit_entry(
    of_tenant text, entry log_entry, given receipt,
    dedup_horizon_us bigint, time_earliest_us bigint, future_tolerance_us bigint
) RETURNS timestamptz
LANGUAGE plpgsql
AS $$
DECLARE
    made_at timestamptz;
BEGIN
    PERFORM set_config('andon.tenant', of_tenant, true);
    IF NOT lock_log(of_tenant, entry.ends_at) THEN
        RETURN NULL;
    END IF;
    IF cardinality(given.answers) > 0
        AND answered_before(of_tenant, ARRAY(SELECT one.request_id FROM unnest(given.answers) AS one)) THEN
        RETURN NULL;
    END IF;
    made_at := append_entry(of_tenant, entry);
    PERFORM record_receipt(of_tenant, entry.ends_at + 1, given, dedup_horizon_us, time_earliest_us, future_tolerance_us);
    RETURN made_at;
END
$$;
