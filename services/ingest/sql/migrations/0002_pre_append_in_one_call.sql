-- One commit in one round trip: its transaction begins and ends with the statement that calls this.

-- Appends a commit if the log still ends where the caller believes, sources are as the caller knows them and none of
-- the request ids was answered within 24 hours. Otherwise nothing is changed, and the answer is null.
CREATE FUNCTION append_commit(
    of_tenant text, ends_at bigint, known_revision bigint,
    new_offsets bigint[], new_watermark_us bigint,
    accepted_count integer, duplicate_count integer, quarantined_count integer, byte_count bigint,
    traceparents text[],
    tally_sources text[], tally_accepted bigint[], tally_duplicate bigint[], tally_quarantined bigint[],
    partitions integer[], first_offsets bigint[], event_counts integer[], times_min_us bigint[], times_max_us bigint[],
    id_hashes bytea[], case_hashes bytea[], events bytea[],
    reason_sources text[], reasons text[], reason_counts bigint[],
    refused_ids text[], refused_sources text[], refused_indexes integer[], refused_fields text[],
    refused_reasons text[], refused_sealed bytea[],
    request_method text, request_ids uuid[], fingerprints bytea[], answers bytea[],
    unknown_sources text[], dedup_horizon_us bigint, time_earliest_us bigint, future_tolerance_us bigint
) RETURNS timestamptz
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    new_position bigint := ends_at + 1;
    made_at timestamptz;
BEGIN
    PERFORM set_config('andon.tenant', of_tenant, true);
    -- Waits for whoever appends, and then finds the row only if the log ends here still.
    PERFORM FROM head
    WHERE tenant = of_tenant AND position = ends_at AND sources_revision = known_revision
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    IF cardinality(request_ids) > 0 THEN
        PERFORM FROM request
        WHERE tenant = of_tenant AND request_id = ANY (request_ids) AND answered_at > now() - interval '24 hours';
        IF FOUND THEN
            RETURN NULL;
        END IF;
        -- An id whose 24 hours are over may be used anew.
        INSERT INTO request AS known (tenant, request_id, method, fingerprint, answer)
        SELECT of_tenant, given.id, request_method, given.mark, given.first_answer
        FROM unnest(request_ids, fingerprints, answers) AS given (id, mark, first_answer)
        ON CONFLICT (tenant, request_id) DO UPDATE
        SET method = EXCLUDED.method, fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, answered_at = now();
    END IF;

    IF cardinality(unknown_sources) > 0 THEN
        INSERT INTO source (tenant, source, kind, title_en, title_zh, dedup_horizon_us, time_earliest_us,
                            future_tolerance_us, resources_are_not_persons, personal_attributes)
        SELECT of_tenant, unknown.name, 1, '', '', append_commit.dedup_horizon_us, append_commit.time_earliest_us,
               append_commit.future_tolerance_us, false, '{}'
        FROM unnest(unknown_sources) AS unknown (name)
        ON CONFLICT (tenant, source) DO NOTHING;
    END IF;

    IF cardinality(refused_ids) > 0 THEN
        INSERT INTO intake_reason AS known (tenant, source, reason, quarantined_count)
        SELECT of_tenant, came.came_from, came.why, came.how_many
        FROM unnest(reason_sources, reasons, reason_counts) AS came (came_from, why, how_many)
        ON CONFLICT (tenant, source, reason) DO UPDATE
        SET quarantined_count = known.quarantined_count + EXCLUDED.quarantined_count;
        -- The same event refused again for the same reason is the same entry.
        INSERT INTO quarantine (tenant, quarantine_id, position, source, batch_index, field, reason, sealed)
        SELECT of_tenant, bad.id, new_position, bad.came_from, bad.at, bad.which, bad.why, bad.content
        FROM unnest(refused_ids, refused_sources, refused_indexes, refused_fields, refused_reasons, refused_sealed)
            AS bad (id, came_from, at, which, why, content)
        ON CONFLICT (tenant, quarantine_id) DO NOTHING;
    END IF;

    WITH moved AS (
        UPDATE head
        SET position = new_position, next_offsets = new_offsets,
            event_count = event_count + append_commit.accepted_count,
            watermark_us = GREATEST(watermark_us, new_watermark_us)
        WHERE tenant = of_tenant
        RETURNING watermark_us
    ), counted AS (
        INSERT INTO intake AS known (tenant, source, accepted_count, duplicate_count, quarantined_count)
        SELECT of_tenant, came.came_from, came.accepted, came.duplicate, came.quarantined
        FROM unnest(tally_sources, tally_accepted, tally_duplicate, tally_quarantined)
            AS came (came_from, accepted, duplicate, quarantined)
        ON CONFLICT (tenant, source) DO UPDATE
        SET accepted_count = known.accepted_count + EXCLUDED.accepted_count,
            duplicate_count = known.duplicate_count + EXCLUDED.duplicate_count,
            quarantined_count = known.quarantined_count + EXCLUDED.quarantined_count
    ), kept AS (
        INSERT INTO segment (tenant, position, partition, first_offset, event_count, time_min_us, time_max_us,
                             id_hashes, case_hashes, events)
        SELECT of_tenant, new_position, made.*
        FROM unnest(partitions, first_offsets, event_counts, times_min_us, times_max_us, append_commit.id_hashes,
                    append_commit.case_hashes, append_commit.events) AS made
    )
    INSERT INTO commit (tenant, position, accepted_count, duplicate_count, quarantined_count, byte_count, watermark_us,
                        committed_at, traceparents)
    SELECT of_tenant, new_position, append_commit.accepted_count, append_commit.duplicate_count,
           append_commit.quarantined_count, append_commit.byte_count, moved.watermark_us, clock_timestamp(),
           append_commit.traceparents
    FROM moved
    RETURNING committed_at INTO made_at;

    -- Wakes those who follow this log in other processes.
    PERFORM pg_notify('andon_ingest', new_position || ' ' || of_tenant);
    RETURN made_at;
END
$$;
