-- States of charts are stored, so that a part of a chart is drawn at the cost of that part.

-- Of each chart, the last state of every 64 windows, and the first with limits. judged: phase I is over.
CREATE TABLE chart_state (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    series text COLLATE "C" NOT NULL,
    through_us bigint NOT NULL,
    judged boolean NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, system_name, version, series, through_us)
);
ALTER TABLE chart_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE chart_state FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON chart_state USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));

-- Replicas of the release before store no states: without this function they wait until they are replaced.
DROP FUNCTION commit_step(
    text, text, integer, bigint, boolean, text[], bigint[], integer[], bigint[], text[], bigint[], text[],
    bigint[], bigint[], bigint[], bigint[], bytea[], bytea[], bytea[], text, boolean, integer[], bigint[],
    bigint[], bytea[], text[], bigint[], bigint[], text[], smallint[], boolean[], boolean[], boolean[], bytea[],
    bytea[], bigint[], timestamptz, text[], text[], bigint[], bigint[], text[], smallint[], boolean[],
    boolean[], bytea[], bytea[], uuid, text[], bigint[], bigint[], bytea[]
);

-- Commits a step if the version is scored by and its last entry is where the caller believes, and if the caller holds
-- these leases until then. Otherwise nothing is changed, and the answer is null; else it is the last position.
CREATE FUNCTION commit_step(
    of_tenant text, of_system text, of_version integer, ends_at bigint, is_switched boolean,
    held_resources text[], held_epochs bigint[],
    partitions integer[], epochs bigint[], owners text[], positions bigint[], throughs text[], next_offsets bigint[],
    watermarks_us bigint[], case_counts bigint[], event_counts bigint[],
    entry_scores bytea[], entry_signals bytea[], entry_changes bytea[], of_trace text, switches boolean,
    observed_partitions integer[], anchors_min bigint[], anchors_max bigint[], pages bytea[],
    score_series text[], score_starts bigint[], score_ends bigint[], score_indicators text[], score_kinds smallint[],
    score_wholes boolean[], score_presents boolean[], score_completes boolean[], score_bodies bytea[],
    score_digests bytea[], score_revisions bigint[], stated_at timestamptz,
    signal_names text[], signal_series text[], signal_starts bigint[], signal_ends bigint[], signal_indicators text[],
    signal_kinds smallint[], signal_wholes boolean[], signal_standings boolean[], signal_bodies bytea[],
    signal_digests bytea[],
    of_step uuid, left_series text[], left_starts bigint[], left_ends bigint[], left_bodies bytea[],
    drawn_series text[], drawn_kepts bigint[], chart_series text[], chart_throughs bigint[], chart_judged boolean[],
    chart_bodies bytea[]
) RETURNS bigint
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    of_process CONSTANT text := split_part(of_system, '/', 2);
    own_name CONSTANT text := split_part(of_system, '/', 4);
    entry_count CONSTANT integer := cardinality(entry_scores);
    last_position bigint;
BEGIN
    PERFORM set_config('andon.tenant', of_tenant, true);
    -- Waits for whoever changes scores. Each statement below sees what was there when it began, so it is up to date.
    SELECT position INTO last_position
    FROM score_head
    WHERE tenant = of_tenant
    FOR UPDATE;

    PERFORM
    FROM fold
    JOIN indicator_system AS active
        ON active.tenant = fold.tenant AND active.name = fold.system_name AND active.version = fold.version
        AND active.state = 2
    WHERE fold.tenant = of_tenant AND fold.system_name = of_system AND fold.version = of_version
        AND fold.scored_position = ends_at AND fold.switched = is_switched;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    -- No newer owner can take over before this ends.
    IF (
        WITH held AS (
            SELECT lease.resource
            FROM lease
            JOIN unnest(held_resources, held_epochs) AS own (resource, epoch)
                ON own.resource = lease.resource AND own.epoch = lease.epoch
            WHERE lease.tenant = of_tenant
            FOR SHARE OF lease
        )
        SELECT count(*)
        FROM held
    ) < cardinality(held_resources) THEN
        RETURN NULL;
    END IF;

    INSERT INTO progress (
        tenant, system_name, version, partition, epoch, owner, position, through, next_offset, watermark_us,
        case_count, event_count
    )
    SELECT of_tenant, of_system, of_version, moved.*
    FROM unnest(
        partitions, epochs, owners, positions, throughs, next_offsets, watermarks_us, case_counts, event_counts
    ) AS moved
    ON CONFLICT (tenant, system_name, version, partition) DO UPDATE
    SET epoch = EXCLUDED.epoch,
        owner = EXCLUDED.owner,
        position = EXCLUDED.position,
        through = EXCLUDED.through,
        next_offset = EXCLUDED.next_offset,
        watermark_us = EXCLUDED.watermark_us,
        case_count = EXCLUDED.case_count,
        event_count = EXCLUDED.event_count;
    IF entry_count = 0 THEN
        PERFORM pg_notify('scoring_log', ' ' || of_tenant);
        RETURN last_position;
    END IF;

    INSERT INTO score_log (tenant, position, system_name, version, step, scores, signals, change, traceparent)
    SELECT of_tenant, last_position + one.place, of_system, of_version, of_step, one.scores, one.signals, one.change,
        of_trace
    FROM unnest(entry_scores, entry_signals, entry_changes) WITH ORDINALITY AS one (scores, signals, change, place);

    last_position := last_position + entry_count;
    UPDATE score_head
    SET position = last_position
    WHERE tenant = of_tenant;

    UPDATE fold
    SET scored_position = last_position, switched = switched OR switches
    WHERE tenant = of_tenant AND system_name = of_system AND version = of_version;

    IF cardinality(pages) > 0 THEN
        INSERT INTO observation (tenant, system_name, version, partition, anchor_min, anchor_max, page)
        SELECT of_tenant, of_system, of_version, one.*
        FROM unnest(observed_partitions, anchors_min, anchors_max, pages) AS one;
    END IF;

    IF cardinality(score_series) > 0 THEN
        INSERT INTO score_history (tenant, series, window_start, revision, score_time, present, body)
        SELECT of_tenant, one.series, one.window_start, one.revision, stated_at, one.present, one.body
        FROM unnest(score_series, score_starts, score_revisions, score_presents, score_bodies)
            AS one (series, window_start, revision, present, body)
        ON CONFLICT (tenant, series, window_start, revision) DO NOTHING;

        INSERT INTO score (
            tenant, process, system, series, window_start, window_end, indicator, window_kind, whole, present, complete,
            body, digest
        )
        SELECT of_tenant, of_process, own_name, one.*
        FROM unnest(
            score_series, score_starts, score_ends, score_indicators, score_kinds, score_wholes, score_presents,
            score_completes, score_bodies, score_digests
        ) AS one
        ON CONFLICT (tenant, series, window_start) DO UPDATE
        SET window_end = EXCLUDED.window_end,
            present = EXCLUDED.present,
            complete = EXCLUDED.complete,
            body = EXCLUDED.body,
            digest = EXCLUDED.digest;
    END IF;

    IF cardinality(signal_names) > 0 THEN
        INSERT INTO signal (
            tenant, process, system, name, series, window_start, window_end, indicator, window_kind, whole, standing,
            body, digest
        )
        SELECT of_tenant, of_process, own_name, one.*
        FROM unnest(
            signal_names, signal_series, signal_starts, signal_ends, signal_indicators, signal_kinds, signal_wholes,
            signal_standings, signal_bodies, signal_digests
        ) AS one
        ON CONFLICT (tenant, name) DO UPDATE
        SET standing = EXCLUDED.standing,
            body = EXCLUDED.body,
            digest = EXCLUDED.digest;
    END IF;

    -- Nothing is left of a window without a body.
    IF array_position(left_bodies, NULL) IS NOT NULL THEN
        DELETE FROM window_statistics
        USING unnest(left_series, left_starts, left_bodies) AS one (series, window_start, body)
        WHERE window_statistics.tenant = of_tenant AND window_statistics.system_name = of_system
            AND window_statistics.version = of_version AND window_statistics.series = one.series
            AND window_statistics.window_start = one.window_start AND one.body IS NULL;
    END IF;
    IF cardinality(left_series) > 0 THEN
        INSERT INTO window_statistics (tenant, system_name, version, series, window_start, window_end, body)
        SELECT of_tenant, of_system, of_version, one.*
        FROM unnest(left_series, left_starts, left_ends, left_bodies) AS one (series, window_start, window_end, body)
        WHERE one.body IS NOT NULL
        ON CONFLICT (tenant, system_name, version, series, window_start) DO UPDATE
        SET body = EXCLUDED.body;
    END IF;

    -- A chart that was drawn again has no other states from there on.
    IF cardinality(drawn_series) > 0 THEN
        DELETE FROM chart_state
        USING unnest(drawn_series, drawn_kepts) AS one (series, kept)
        WHERE chart_state.tenant = of_tenant AND chart_state.system_name = of_system
            AND chart_state.version = of_version AND chart_state.series = one.series
            AND chart_state.through_us > one.kept;
    END IF;
    IF cardinality(chart_series) > 0 THEN
        INSERT INTO chart_state (tenant, system_name, version, series, through_us, judged, body)
        SELECT of_tenant, of_system, of_version, one.*
        FROM unnest(chart_series, chart_throughs, chart_judged, chart_bodies) AS one
        ON CONFLICT (tenant, system_name, version, series, through_us) DO UPDATE
        SET judged = EXCLUDED.judged,
            body = EXCLUDED.body;
    END IF;

    -- Wakes those who follow this log in other processes.
    PERFORM pg_notify('scoring_log', last_position || ' ' || of_tenant);
    RETURN last_position;
END
$$;
