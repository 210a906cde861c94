-- name: provision_tenant
-- The tenant's first row, once.
INSERT INTO score_head (tenant)
VALUES ($1)
ON CONFLICT (tenant) DO NOTHING;

-- name: head
-- Where the score log stands, for readers.
SELECT origin, position, oldest
FROM score_head
WHERE tenant = $1;

-- name: lock_head
-- The lock that every change of scores goes through. What is read after it, in statements of its own, is up to date.
SELECT
FROM score_head
WHERE tenant = current_setting('andon.tenant')
FOR UPDATE;

-- name: version_state
-- Last entry and progress of one version, and epochs held until the transaction ends. No row: it is not the active one.
WITH held AS (
    SELECT resource, epoch
    FROM lease
    WHERE tenant = $1 AND resource = ANY($4::text[])
    FOR SHARE
)
SELECT head.oldest, fold.scored_position, fold.switched, fold.switch_phase, fold.switch_series, fold.switch_start,
    fold.switch_entries, fold.switch_chart, ARRAY(SELECT resource FROM held ORDER BY resource) AS resources,
    ARRAY(SELECT epoch FROM held ORDER BY resource) AS epochs, progress.partition, progress.epoch, progress.owner,
    progress.position, progress.through, progress.next_offset, progress.watermark_us, progress.case_count,
    progress.event_count
FROM fold
JOIN indicator_system AS active
    ON active.tenant = fold.tenant AND active.name = fold.system_name AND active.version = fold.version
    AND active.state = 2
JOIN score_head AS head ON head.tenant = fold.tenant
LEFT JOIN progress
    ON progress.tenant = fold.tenant AND progress.system_name = fold.system_name AND progress.version = fold.version
WHERE fold.tenant = $1 AND fold.system_name = $2 AND fold.version = $3
ORDER BY progress.partition;

-- name: progress
-- How far each partition of one version was folded.
SELECT partition, epoch, owner, position, through, next_offset, watermark_us, case_count, event_count
FROM progress
WHERE tenant = $1 AND system_name = $2 AND version = $3
ORDER BY partition;

-- name: progress_of_active
-- How far every partition of every version that is scored by was folded, and who owns it now.
SELECT active.name AS system_name, active.version, fold.partition_count, fold.switched, progress.partition,
    coalesce(lease.epoch, progress.epoch) AS epoch, coalesce(lease.replica::text, progress.owner) AS owner,
    progress.position, progress.through, progress.watermark_us, progress.case_count, progress.event_count
FROM indicator_system AS active
LEFT JOIN fold
    ON fold.tenant = active.tenant AND fold.system_name = active.name AND fold.version = active.version
LEFT JOIN progress
    ON progress.tenant = fold.tenant AND progress.system_name = fold.system_name AND progress.version = fold.version
LEFT JOIN lease
    ON lease.tenant = progress.tenant AND lease.resource = 'partition/' || progress.partition
WHERE active.tenant = $1 AND active.state = 2 AND ($2 = '' OR active.name = $2) AND ($3 = '' OR active.name LIKE $3)
ORDER BY active.name, progress.partition;

-- name: commit_step
-- One step, whole, if the version is as the caller believes; null: it is not, and nothing is changed.
SELECT commit_step(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
    $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48,
    $49, $50, $51, $52, $53, $54, $55, $56, $57, $58
);

-- name: announce
-- Makes every replica look for active systems after one changed.
SELECT pg_notify('scoring_systems', $1);

-- name: keep_snapshot
-- The state of a partition, from which recovery starts.
INSERT INTO snapshot (
    tenant, system_name, version, partition, position, through, next_offset, watermark_us, event_count, fold
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant, system_name, version, partition) DO UPDATE
SET position = EXCLUDED.position,
    through = EXCLUDED.through,
    next_offset = EXCLUDED.next_offset,
    watermark_us = EXCLUDED.watermark_us,
    event_count = EXCLUDED.event_count,
    fold = EXCLUDED.fold,
    create_time = now();

-- name: snapshot
-- Where the recovery of a partition starts.
SELECT position, through, next_offset, watermark_us, event_count, fold
FROM snapshot
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND partition = $4;

-- name: case_pages
-- Which cases of a partition have left memory, by page.
SELECT number, hashes
FROM case_page
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND partition = $4
ORDER BY number;

-- name: case_page_contents
-- Pages of cases that come back.
SELECT number, content
FROM case_page
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND partition = $4 AND number = ANY($5::integer[]);

-- name: add_case_page
-- Cases that leave memory.
INSERT INTO case_page (tenant, system_name, version, partition, number, hashes, content)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: thin_case_pages
-- What is left of pages after some of their cases came back; the contents stay as they are.
UPDATE case_page
SET hashes = one.hashes
FROM unnest($5::integer[], $6::bytea[]) AS one (number, hashes)
WHERE case_page.tenant = $1 AND case_page.system_name = $2 AND case_page.version = $3 AND case_page.partition = $4
    AND case_page.number = one.number;

-- name: drop_case_pages
-- Pages of which every case came back.
DELETE FROM case_page
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND partition = $4 AND number = ANY($5::integer[]);

-- name: forget_case_pages
-- Pages that belong to a state that cannot be read any more.
DELETE FROM case_page
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND partition = $4;

-- name: book_checkpoint
-- What a book held after an entry of the log: where it is opened from.
SELECT scored_position, body
FROM book_checkpoint
WHERE tenant = $1 AND system_name = $2 AND version = $3;

-- name: store_book_checkpoint
-- The same, unless another replica's is newer.
INSERT INTO book_checkpoint (tenant, system_name, version, scored_position, body)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, system_name, version) DO UPDATE
SET scored_position = EXCLUDED.scored_position,
    body = EXCLUDED.body
WHERE book_checkpoint.scored_position < EXCLUDED.scored_position;

-- name: recall_windows
-- What a step needs of windows that have left memory: statistics (1), scores (2), signals (3); of series, all since.
SELECT 1 AS kind, stored.series, stored.window_start, stored.window_end, stored.body
FROM unnest($4::text[], $5::bigint[]) AS wanted (series, window_start)
JOIN window_statistics AS stored
    ON stored.tenant = $1 AND stored.system_name = $2 AND stored.version = $3 AND stored.series = wanted.series
    AND stored.window_start = wanted.window_start
UNION ALL
SELECT 2, '', 0, 0, score.body
FROM unnest($6::text[], $7::bigint[]) AS wanted (series, window_start)
JOIN score
    ON score.tenant = $1 AND score.series = wanted.series AND score.window_start = wanted.window_start
UNION ALL
SELECT 3, '', 0, 0, signal.body
FROM unnest($6::text[], $7::bigint[]) AS wanted (series, window_start)
JOIN signal
    ON signal.tenant = $1 AND signal.series = wanted.series AND signal.window_start = wanted.window_start
UNION ALL
SELECT 2, '', 0, 0, score.body
FROM unnest($8::text[], $9::bigint[]) AS drawn (series, since)
JOIN score
    ON score.tenant = $1 AND score.series = drawn.series AND score.window_start >= drawn.since AND score.present
UNION ALL
SELECT 3, '', 0, 0, signal.body
FROM unnest($8::text[], $9::bigint[]) AS drawn (series, since)
JOIN signal
    ON signal.tenant = $1 AND signal.series = drawn.series AND signal.window_start >= drawn.since;

-- name: scores_of_slices
-- Every score of series whose keys end like one of these, for slices that are dropped.
SELECT body
FROM score
WHERE tenant = $1 AND process = $2 AND system = $3 AND NOT whole AND present AND series ~ ANY($4::text[]);

-- name: signals_of_slices
-- The same of active signals.
SELECT body
FROM signal
WHERE tenant = $1 AND process = $2 AND system = $3 AND NOT whole AND standing AND series ~ ANY($4::text[]);

-- name: store_dropped_slices
-- Slices of a version that have too many combinations of values: these, and no others.
WITH gone AS (
    DELETE FROM dropped_slice
    WHERE tenant = $1 AND system_name = $2 AND version = $3 AND dimensions <> ALL($4::text[])
)
INSERT INTO dropped_slice (tenant, system_name, version, dimensions, combinations_max)
SELECT $1, $2, $3, one.dimensions, $5
FROM unnest($4::text[]) AS one (dimensions)
ON CONFLICT (tenant, system_name, version, dimensions) DO NOTHING;

-- name: dropped_slices
-- Of every version that is scored by.
SELECT dropped.system_name, dropped.dimensions, dropped.combinations_max, dropped.drop_time
FROM dropped_slice AS dropped
JOIN indicator_system AS active
    ON active.tenant = dropped.tenant AND active.name = dropped.system_name AND active.version = dropped.version
    AND active.state = 2
WHERE dropped.tenant = $1
ORDER BY dropped.system_name, dropped.dimensions;

-- name: move_switch
-- How far the switch to a version has come, and the last entry of the log that is its own.
UPDATE fold
SET switch_phase = $4,
    switch_series = $5,
    switch_start = $6,
    switch_entries = $7,
    switch_chart = $8
WHERE tenant = $1 AND system_name = $2 AND version = $3;

-- name: forget_staged
-- What a switch has staged, where it has to begin again.
WITH entries AS (
    DELETE FROM staged_entry WHERE tenant = $1 AND system_name = $2 AND version = $3
), scores AS (
    DELETE FROM staged_score WHERE tenant = $1 AND system_name = $2 AND version = $3
), signals AS (
    DELETE FROM staged_signal WHERE tenant = $1 AND system_name = $2 AND version = $3
)
DELETE FROM staged_chart_state
WHERE tenant = $1 AND system_name = $2 AND version = $3;

-- name: statistics_after
-- Statistics of the next windows of a version, in the order of a switch.
SELECT series, window_start, window_end, body
FROM window_statistics
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND (series, window_start) > ($4, $5)
ORDER BY series, window_start
LIMIT $6;

-- name: scores_after
-- Scores of the next windows of a system, in the order of a switch; series end before $4.
SELECT series, window_start, body
FROM score
WHERE tenant = $1 AND (series, window_start) > ($2, $3) AND series < $4
ORDER BY series, window_start
LIMIT $5;

-- name: signals_between
-- Signals of the windows after one up to another, in the order of a switch.
SELECT body
FROM signal
WHERE tenant = $1 AND (series, window_start) > ($2, $3) AND (series, window_start) <= ($4, $5);

-- name: starts_after
-- Starts of the next windows that any of these series has a score in, or will have.
SELECT DISTINCT met.window_start
FROM unnest($4::text[]) AS one (series)
CROSS JOIN LATERAL (
    (
        SELECT window_start
        FROM score
        WHERE tenant = $1 AND series = one.series AND window_start > $5
        ORDER BY window_start
        LIMIT $6
    )
    UNION ALL
    (
        SELECT window_start
        FROM staged_score
        WHERE tenant = $1 AND system_name = $2 AND version = $3 AND series = one.series AND window_start > $5
        ORDER BY window_start
        LIMIT $6
    )
) AS met
ORDER BY met.window_start
LIMIT $6;

-- name: scores_between
-- Scores of these series in the windows after a start up to another; staged: they are not published yet.
SELECT false AS staged, score.body
FROM unnest($4::text[]) AS one (series)
JOIN score
    ON score.tenant = $1 AND score.series = one.series AND score.window_start > $5 AND score.window_start <= $6
UNION ALL
SELECT true, staged_score.body
FROM unnest($4::text[]) AS one (series)
JOIN staged_score
    ON staged_score.tenant = $1 AND staged_score.system_name = $2 AND staged_score.version = $3
    AND staged_score.series = one.series AND staged_score.window_start > $5 AND staged_score.window_start <= $6;

-- name: stage_entries
-- Entries of the score log that a switch will publish, in this order.
INSERT INTO staged_entry (tenant, system_name, version, number, scores, signals, change)
SELECT $1, $2, $3, $4 + one.place, one.scores, one.signals, one.change
FROM unnest($5::bytea[], $6::bytea[], $7::bytea[]) WITH ORDINALITY AS one (scores, signals, change, place);

-- name: stage_scores
-- Scores that a switch will publish.
INSERT INTO staged_score (
    tenant, system_name, version, series, window_start, window_end, indicator, window_kind, whole, present, complete,
    body, digest, revision
)
SELECT $1, $2, $3, one.*
FROM unnest(
    $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::smallint[], $9::boolean[], $10::boolean[], $11::boolean[],
    $12::bytea[], $13::bytea[], $14::bigint[]
) AS one;

-- name: stage_signals
-- Signals that a switch will publish.
INSERT INTO staged_signal (
    tenant, system_name, version, name, series, window_start, window_end, indicator, window_kind, whole, standing, body,
    digest
)
SELECT $1, $2, $3, one.*
FROM unnest(
    $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::smallint[], $10::boolean[], $11::boolean[],
    $12::bytea[], $13::bytea[]
) AS one;

-- name: stage_chart_states
-- States of charts that a switch will publish.
INSERT INTO staged_chart_state (tenant, system_name, version, series, through_us, judged, body)
SELECT $1, $2, $3, one.*
FROM unnest($4::text[], $5::bigint[], $6::boolean[], $7::bytea[]) AS one
ON CONFLICT (tenant, system_name, version, series, through_us) DO UPDATE
SET judged = EXCLUDED.judged,
    body = EXCLUDED.body;

-- name: publish_staged_entries
-- The staged entries become the next ones of the log, and the version is scored by from the last of them on; says which.
WITH last AS (
    SELECT position
    FROM score_head
    WHERE tenant = $1
), published AS (
    INSERT INTO score_log (tenant, position, system_name, version, scores, signals, change, traceparent)
    SELECT $1, last.position + row_number() OVER (ORDER BY one.number), $2, $3, one.scores, one.signals, one.change, $4
    FROM staged_entry AS one
    CROSS JOIN last
    WHERE one.tenant = $1 AND one.system_name = $2 AND one.version = $3
    RETURNING position
), moved AS (
    UPDATE score_head
    SET position = (SELECT max(position) FROM published)
    WHERE tenant = $1
    RETURNING position
)
UPDATE fold
SET scored_position = moved.position,
    switched = true,
    switch_phase = 0,
    switch_series = '',
    switch_start = 0,
    switch_entries = 0,
    switch_chart = ''
FROM moved
WHERE fold.tenant = $1 AND fold.system_name = $2 AND fold.version = $3
RETURNING moved.position;

-- name: publish_staged_history
-- The staged scores are said from this time on.
INSERT INTO score_history (tenant, series, window_start, revision, score_time, present, body)
SELECT $1, series, window_start, revision, $4, present, body
FROM staged_score
WHERE tenant = $1 AND system_name = $2 AND version = $3
ON CONFLICT (tenant, series, window_start, revision) DO NOTHING;

-- name: publish_staged_scores
-- The staged scores are the current ones.
WITH staged AS (
    DELETE FROM staged_score
    WHERE tenant = $1 AND system_name = $2 AND version = $3
    RETURNING *
)
INSERT INTO score (
    tenant, process, system, series, window_start, window_end, indicator, window_kind, whole, present, complete, body,
    digest
)
SELECT $1, split_part($2, '/', 2), split_part($2, '/', 4), series, window_start, window_end, indicator, window_kind,
    whole, present, complete, body, digest
FROM staged
ON CONFLICT (tenant, series, window_start) DO UPDATE
SET window_end = EXCLUDED.window_end,
    present = EXCLUDED.present,
    complete = EXCLUDED.complete,
    body = EXCLUDED.body,
    digest = EXCLUDED.digest;

-- name: publish_staged_signals
-- The staged signals are the current ones.
WITH staged AS (
    DELETE FROM staged_signal
    WHERE tenant = $1 AND system_name = $2 AND version = $3
    RETURNING *
)
INSERT INTO signal (
    tenant, process, system, name, series, window_start, window_end, indicator, window_kind, whole, standing, body,
    digest
)
SELECT $1, split_part($2, '/', 2), split_part($2, '/', 4), name, series, window_start, window_end, indicator,
    window_kind, whole, standing, body, digest
FROM staged
ON CONFLICT (tenant, name) DO UPDATE
SET standing = EXCLUDED.standing,
    body = EXCLUDED.body,
    digest = EXCLUDED.digest;

-- name: publish_staged_chart_states
-- The staged states are those that charts are drawn from.
WITH staged AS (
    DELETE FROM staged_chart_state
    WHERE tenant = $1 AND system_name = $2 AND version = $3
    RETURNING *
), entries AS (
    DELETE FROM staged_entry
    WHERE tenant = $1 AND system_name = $2 AND version = $3
)
INSERT INTO chart_state (tenant, system_name, version, series, through_us, judged, body)
SELECT tenant, system_name, version, series, through_us, judged, body
FROM staged
ON CONFLICT (tenant, system_name, version, series, through_us) DO UPDATE
SET judged = EXCLUDED.judged,
    body = EXCLUDED.body;

-- name: announce_entry
-- Wakes those who follow the score log in other processes.
SELECT pg_notify('scoring_log', $2::bigint || ' ' || $1);

-- name: entries_of_version
-- What a replica must apply to catch up with its own version.
SELECT position, step, scores, signals, change
FROM score_log
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND position > $4
ORDER BY position;

-- name: entries
-- The score log for those who follow it: whole entries, at least one, up to about so many bytes.
SELECT position, system_name, version, scores, signals, traceparent, committed_at
FROM (
    SELECT position, system_name, version, scores, signals, traceparent, committed_at,
        sum(octet_length(scores) + octet_length(signals)) OVER (ORDER BY position)
            - octet_length(scores) - octet_length(signals) AS bytes_before
    FROM score_log
    WHERE tenant = $1 AND position > $2
    ORDER BY position
    LIMIT $3
) AS next
WHERE bytes_before < $4
ORDER BY position;

-- name: begin_fold
-- Notes from which place of ingest's log on a version may replace its predecessor; the first to say so wins.
INSERT INTO fold (tenant, system_name, version, partition_count, switch_position, switched, scored_position)
SELECT $1, $2, $3, $4, $5, false, coalesce(max(position), 0)
FROM score_log
WHERE tenant = $1 AND system_name = $2 AND version = $3
ON CONFLICT (tenant, system_name, version) DO NOTHING;

-- name: fold
-- How one version is being folded.
SELECT partition_count, switch_position, switched, scored_position
FROM fold
WHERE tenant = $1 AND system_name = $2 AND version = $3;

-- name: scores_ending_after
-- Scores of the windows that are in memory, for a book that is opened.
SELECT body
FROM score
WHERE tenant = $1 AND process = $2 AND system = $3 AND window_end > $4;

-- name: signals_ending_after
-- The same of signals, retracted ones too.
SELECT body
FROM signal
WHERE tenant = $1 AND process = $2 AND system = $3 AND window_end > $4;

-- name: list_series
-- A page of series that have a score now, or ever had one: from each to the next by index, however many windows they have.
WITH RECURSIVE met AS (
    (
        SELECT series, process, system, indicator, window_kind, whole
        FROM score
        WHERE tenant = $1 AND series > $2 AND series < $3 AND cardinality($8::text[]) = 0
        ORDER BY series
        LIMIT 1
    )
    UNION ALL
    SELECT next.series, next.process, next.system, next.indicator, next.window_kind, next.whole
    FROM met
    CROSS JOIN LATERAL (
        SELECT series, process, system, indicator, window_kind, whole
        FROM score
        WHERE tenant = $1 AND series > met.series AND series < $3
        ORDER BY series
        LIMIT 1
    ) AS next
), page AS (
    SELECT wanted.series
    FROM (
        SELECT series, process, system, indicator, window_kind, whole
        FROM met
        UNION ALL
        SELECT one.series, one.process, one.system, one.indicator, one.window_kind, one.whole
        FROM unnest($8::text[]) AS named (series)
        CROSS JOIN LATERAL (
            SELECT series, process, system, indicator, window_kind, whole
            FROM score
            WHERE tenant = $1 AND series = named.series AND series > $2
            LIMIT 1
        ) AS one
    ) AS wanted
    CROSS JOIN LATERAL (
        SELECT
        FROM score
        WHERE tenant = $1 AND series = wanted.series AND (present OR NOT $10)
        LIMIT 1
    ) AS scored
    WHERE ($4 = '' OR process = $4) AND ($5 = '' OR system = $5)
        AND (cardinality($6::text[]) = 0 OR indicator = ANY($6))
        AND (cardinality($7::smallint[]) = 0 OR window_kind = ANY($7))
        AND (NOT $9 OR whole)
    LIMIT $11
)
SELECT series
FROM page
ORDER BY series;

-- name: list_scores
-- Current scores of these series, which are in order, by series and window.
WITH page AS (
    SELECT one.series, one.window_start, one.body
    FROM unnest($2::text[]) AS wanted (series)
    CROSS JOIN LATERAL (
        SELECT series, window_start, body
        FROM score
        WHERE tenant = $1 AND series = wanted.series AND present AND (series, window_start) > ($3, $4::bigint)
            AND window_start >= $5 AND window_start < $6
        ORDER BY window_start
        LIMIT $7
    ) AS one
    LIMIT $7
)
SELECT body
FROM page
ORDER BY series, window_start;

-- name: list_scores_as_of
-- The same as they were at an instant.
WITH page AS (
    SELECT one.series, one.window_start, one.body
    FROM unnest($2::text[]) AS wanted (series)
    CROSS JOIN LATERAL (
        SELECT series, window_start, body
        FROM (
            SELECT DISTINCT ON (window_start) series, window_start, body, present
            FROM score_history
            WHERE tenant = $1 AND series = wanted.series AND (series, window_start) > ($3, $4::bigint)
                AND window_start >= $5 AND window_start < $6 AND score_time <= $8
            ORDER BY window_start, revision DESC
        ) AS latest
        WHERE present
        ORDER BY window_start
        LIMIT $7
    ) AS one
    LIMIT $7
)
SELECT body
FROM page
ORDER BY series, window_start;

-- name: last_scores
-- Of each of these series the last score of a window that starts before an instant.
SELECT last.body
FROM unnest($2::text[]) WITH ORDINALITY AS wanted (series, place)
CROSS JOIN LATERAL (
    SELECT body
    FROM score
    WHERE tenant = $1 AND score.series = wanted.series AND present AND window_start < $3
    ORDER BY window_start DESC
    LIMIT 1
) AS last
ORDER BY wanted.place;

-- name: list_signals
-- A page of signals of any time, by name.
SELECT body
FROM signal
WHERE tenant = $1 AND name > $2
    AND ($3 = '' OR process = $3) AND ($4 = '' OR system = $4)
    AND (cardinality($5::text[]) = 0 OR indicator = ANY($5))
    AND (cardinality($6::smallint[]) = 0 OR window_kind = ANY($6))
    AND (cardinality($7::text[]) = 0 OR series = ANY($7))
    AND (NOT $8 OR whole)
    AND ($9 OR standing)
ORDER BY name
LIMIT $10;

-- name: list_signals_within
-- The same of a span: the index by time finds it, and what lies outside of it is not read.
WITH inside AS MATERIALIZED (
    SELECT name, body
    FROM signal
    WHERE tenant = $1 AND window_start >= $11 AND window_start < $12 AND name > $2
        AND ($3 = '' OR process = $3) AND ($4 = '' OR system = $4)
        AND (cardinality($5::text[]) = 0 OR indicator = ANY($5))
        AND (cardinality($6::smallint[]) = 0 OR window_kind = ANY($6))
        AND (cardinality($7::text[]) = 0 OR series = ANY($7))
        AND (NOT $8 OR whole)
        AND ($9 OR standing)
)
SELECT body
FROM inside
ORDER BY name
LIMIT $10;

-- name: score_at
-- The score of a series in the window that holds an instant.
SELECT body
FROM score
WHERE tenant = $1 AND series = $2 AND present AND window_start <= $3 AND window_end > $3
ORDER BY window_start DESC
LIMIT 1;

-- name: scores_of_series
-- The windows of one series that start within a span, in time order.
SELECT body
FROM score
WHERE tenant = $1 AND series = $2 AND present AND window_start >= $3 AND window_start < $4
ORDER BY window_start;

-- name: signals_of_series
-- The standing signals of one series in windows that start within a span, in time order.
SELECT body
FROM signal
WHERE tenant = $1 AND series = $2 AND standing AND window_start >= $3 AND window_start < $4
ORDER BY window_start, name;

-- name: chart_states
-- The last state of a chart, the last through an instant, and the first through another or later. The latter two are
-- with limits only where the chart has limits: its first points have them, too, though they came before.
WITH state AS (
    SELECT through_us, judged, body
    FROM chart_state
    WHERE tenant = $1 AND system_name = $2 AND version = $3 AND series = $4
), present AS (
    SELECT through_us, judged, body
    FROM chart_state
    WHERE tenant = $1 AND system_name = $2 AND version = $3 AND series = $4
    ORDER BY through_us DESC
    LIMIT 1
)
(
    SELECT 'present' AS place, through_us, body
    FROM present
)
UNION ALL
(
    SELECT 'start', state.through_us, state.body
    FROM state
    JOIN present ON present.judged = state.judged
    WHERE state.through_us <= $5
    ORDER BY state.through_us DESC
    LIMIT 1
)
UNION ALL
(
    SELECT 'end', state.through_us, state.body
    FROM state
    JOIN present ON present.judged = state.judged
    WHERE state.through_us >= $6
    ORDER BY state.through_us
    LIMIT 1
);

-- name: window_at
-- The window of a kind that holds an instant.
SELECT window_start, window_end
FROM score
WHERE tenant = $1 AND process = $2 AND system = $3 AND window_kind = $4 AND present
    AND window_start <= $5 AND window_end > $5
ORDER BY window_start DESC
LIMIT 1;

-- name: window_latest
-- The latest complete window of a kind, or the latest of all where none is complete: each from the end of an index.
SELECT window_start, window_end
FROM (
    (
        SELECT window_start, window_end, complete
        FROM score
        WHERE tenant = $1 AND process = $2 AND system = $3 AND window_kind = $4 AND present AND complete
        ORDER BY window_start DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT window_start, window_end, complete
        FROM score
        WHERE tenant = $1 AND process = $2 AND system = $3 AND window_kind = $4 AND present
        ORDER BY window_start DESC
        LIMIT 1
    )
) AS latest
ORDER BY complete DESC
LIMIT 1;

-- name: scores_of_window
-- The whole scores of one window.
SELECT body
FROM score
WHERE tenant = $1 AND process = $2 AND system = $3 AND window_kind = $4 AND window_start = $5 AND whole AND present;

-- name: observations_of_window
-- Pages that may say something about a window, in the order of their steps.
SELECT partition, page
FROM observation
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND anchor_min < $5 AND anchor_max >= $4
ORDER BY partition, id;

-- name: observations_of_span
-- The same of any span, some pages at a time.
SELECT partition, id, page
FROM observation
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND anchor_min < $5 AND anchor_max >= $4
    AND (partition, id) > ($6, $7::bigint)
ORDER BY partition, id
LIMIT $8;

-- name: create_system
-- A new version as a draft; versions are counted under the tenant's lock.
INSERT INTO indicator_system (tenant, name, version, state, spec, etag)
SELECT $1, $2, coalesce(max(version), 0) + 1, 1, $3, $4
FROM indicator_system
WHERE tenant = $1 AND name = $2
RETURNING name, version, state, spec, etag, create_time, activate_time;

-- name: system_version
-- One version of a system.
SELECT name, version, state, spec, etag, create_time, activate_time
FROM indicator_system
WHERE tenant = $1 AND name = $2 AND version = $3;

-- name: system_current
-- The active version, else the newest.
SELECT name, version, state, spec, etag, create_time, activate_time
FROM indicator_system
WHERE tenant = $1 AND name = $2
ORDER BY (state = 2) DESC, version DESC
LIMIT 1;

-- name: active_systems
-- Every version that is scored by; where names are given, of these systems only.
SELECT name, version, state, spec, etag, create_time, activate_time
FROM indicator_system
WHERE tenant = $1 AND state = 2 AND ($2::text[] IS NULL OR name = ANY($2))
ORDER BY name;

-- name: active_versions
-- Which versions are scored by, each with what tells two documents apart; the documents themselves are read when they are needed.
SELECT name, version, md5(spec) AS digest
FROM indicator_system
WHERE tenant = $1 AND state = 2
ORDER BY name;

-- name: other_active_count
-- How many other systems are scored by.
SELECT count(*) AS others
FROM indicator_system
WHERE tenant = $1 AND state = 2 AND name <> $2;

-- name: list_systems
-- A page of versions, newest first within a name; of all, or of those that are scored by.
SELECT name, version, state, spec, etag, create_time, activate_time
FROM indicator_system
WHERE tenant = $1 AND ($2 = '' OR name LIKE $2) AND (name > $3 OR (name = $3 AND version < $4))
    AND (NOT $5 OR state = 2)
ORDER BY name, version DESC
LIMIT $6;

-- name: retire_active
-- The active version makes room.
UPDATE indicator_system
SET state = 3, etag = $3
WHERE tenant = $1 AND name = $2 AND state = 2;

-- name: activate
-- A version becomes the one that is scored by.
UPDATE indicator_system
SET state = 2, etag = $4, activate_time = now()
WHERE tenant = $1 AND name = $2 AND version = $3
RETURNING name, version, state, spec, etag, create_time, activate_time;

-- name: forget_fold
-- A version that is activated again catches up in silence before it is scored by.
WITH charts AS (
    DELETE FROM chart_state WHERE tenant = $1 AND system_name = $2 AND version = $3
), staged_entries AS (
    DELETE FROM staged_entry WHERE tenant = $1 AND system_name = $2 AND version = $3
), staged_scores AS (
    DELETE FROM staged_score WHERE tenant = $1 AND system_name = $2 AND version = $3
), staged_signals AS (
    DELETE FROM staged_signal WHERE tenant = $1 AND system_name = $2 AND version = $3
), staged_states AS (
    DELETE FROM staged_chart_state WHERE tenant = $1 AND system_name = $2 AND version = $3
)
DELETE FROM fold
WHERE tenant = $1 AND system_name = $2 AND version = $3;

-- name: first_answer
-- What a request was answered when it came first.
SELECT method, fingerprint, answer
FROM request
WHERE tenant = $1 AND request_id = $2 AND create_time > now() - interval '24 hours';

-- name: keep_answer
-- Remembers an answer for a day.
INSERT INTO request (tenant, request_id, method, fingerprint, answer)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, request_id) DO UPDATE
SET method = EXCLUDED.method, fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, create_time = now();

-- name: forget_answers
-- Answers that nobody can ask for any more.
DELETE FROM request
WHERE tenant = $1 AND create_time <= now() - interval '24 hours';

-- name: contents
-- How many scores and active signals there are, and the sum of their digests.
SELECT score_count, signal_count, content
FROM score_head
WHERE tenant = $1;

-- name: log_edge
-- Through which entry a batch of the score log is old, and needed by none of the versions that are scored by.
WITH checkpoint AS (
    SELECT active.name AS system_name, active.version, coalesce(book_checkpoint.scored_position, 0) AS position
    FROM indicator_system AS active
    LEFT JOIN book_checkpoint
        ON book_checkpoint.tenant = active.tenant AND book_checkpoint.system_name = active.name
        AND book_checkpoint.version = active.version
    WHERE active.tenant = $1 AND active.state = 2
), needed AS (
    SELECT min(entry.position) AS position
    FROM checkpoint
    CROSS JOIN LATERAL (
        SELECT score_log.position
        FROM score_log
        WHERE score_log.tenant = $1 AND score_log.system_name = checkpoint.system_name
            AND score_log.version = checkpoint.version AND score_log.position > checkpoint.position
        ORDER BY score_log.position
        LIMIT 1
    ) AS entry
), oldest AS (
    SELECT score_log.position, score_log.committed_at
    FROM score_log
    WHERE score_log.tenant = $1
    ORDER BY score_log.position
    LIMIT $3
)
SELECT max(oldest.position) AS edge
FROM oldest
CROSS JOIN needed
WHERE oldest.committed_at < $2 AND oldest.position < coalesce(needed.position, oldest.position + 1);

-- name: stale_versions
-- Retired versions that could only go on from entries that are about to go.
SELECT DISTINCT progress.system_name, progress.version
FROM progress
JOIN indicator_system AS retired
    ON retired.tenant = progress.tenant AND retired.name = progress.system_name
    AND retired.version = progress.version AND retired.state <> 2
LEFT JOIN book_checkpoint
    ON book_checkpoint.tenant = progress.tenant AND book_checkpoint.system_name = progress.system_name
    AND book_checkpoint.version = progress.version
WHERE progress.tenant = $1 AND coalesce(book_checkpoint.scored_position, 0) < $2;

-- name: forget_version
-- Everything that a version's fold was going to go on from; activated again, it starts with the log.
WITH folds AS (
    DELETE FROM fold WHERE tenant = $1 AND system_name = $2 AND version = $3
), snapshots AS (
    DELETE FROM snapshot WHERE tenant = $1 AND system_name = $2 AND version = $3
), books AS (
    DELETE FROM book_checkpoint WHERE tenant = $1 AND system_name = $2 AND version = $3
), windows AS (
    DELETE FROM window_statistics WHERE tenant = $1 AND system_name = $2 AND version = $3
), charts AS (
    DELETE FROM chart_state WHERE tenant = $1 AND system_name = $2 AND version = $3
), staged_entries AS (
    DELETE FROM staged_entry WHERE tenant = $1 AND system_name = $2 AND version = $3
), staged_scores AS (
    DELETE FROM staged_score WHERE tenant = $1 AND system_name = $2 AND version = $3
), staged_signals AS (
    DELETE FROM staged_signal WHERE tenant = $1 AND system_name = $2 AND version = $3
), staged_states AS (
    DELETE FROM staged_chart_state WHERE tenant = $1 AND system_name = $2 AND version = $3
), pages AS (
    DELETE FROM case_page WHERE tenant = $1 AND system_name = $2 AND version = $3
), observations AS (
    DELETE FROM observation WHERE tenant = $1 AND system_name = $2 AND version = $3
), floors AS (
    DELETE FROM observation_floor WHERE tenant = $1 AND system_name = $2 AND version = $3
), cases AS (
    DELETE FROM open_case WHERE tenant = $1 AND system_name = $2 AND version = $3
)
DELETE FROM progress
WHERE tenant = $1 AND system_name = $2 AND version = $3;

-- name: trim_log
-- Entries through the edge go, and the oldest cursor moves there; says how many.
WITH gone AS (
    DELETE FROM score_log
    WHERE tenant = $1 AND position <= $2
    RETURNING position
), head AS (
    UPDATE score_head
    SET oldest = $2
    WHERE tenant = $1
)
SELECT count(*) AS gone
FROM gone;

-- name: trim_history
-- A batch of steps in order of time makes the revisions before theirs go; says how many statements it looked at.
WITH due AS (
    SELECT score_time
    FROM score_history
    WHERE tenant = $1 AND score_time < $2
        AND score_time > coalesce((SELECT history_since FROM score_head WHERE tenant = $1), '-infinity')
    ORDER BY score_time
    LIMIT $3
), edge AS (
    SELECT max(score_time) AS until, count(*) AS looked_at
    FROM due
), gone AS (
    DELETE FROM score_history AS old
    USING score_history AS newer, edge
    WHERE newer.tenant = $1 AND newer.score_time <= edge.until
        AND newer.score_time > coalesce((SELECT history_since FROM score_head WHERE tenant = $1), '-infinity')
        AND old.tenant = $1 AND old.series = newer.series AND old.window_start = newer.window_start
        AND old.revision < newer.revision
), head AS (
    UPDATE score_head
    SET history_since = edge.until
    FROM edge
    WHERE tenant = $1 AND edge.until IS NOT NULL
)
SELECT looked_at
FROM edge;

-- name: history_since
-- The earliest instant that scores can be read as of. Null: any.
SELECT history_since
FROM score_head
WHERE tenant = $1;

-- name: trim_observations
-- A batch of pages that lie behind the watermark and were kept long ago goes; says how many.
WITH horizon AS (
    SELECT active.name AS system_name, active.version, min(progress.watermark_us) - $2::bigint AS since
    FROM indicator_system AS active
    JOIN fold ON fold.tenant = active.tenant AND fold.system_name = active.name AND fold.version = active.version
    JOIN progress
        ON progress.tenant = fold.tenant AND progress.system_name = fold.system_name
        AND progress.version = fold.version
    WHERE active.tenant = $1 AND active.state = 2
    GROUP BY active.name, active.version, fold.partition_count
    HAVING count(progress.watermark_us) >= fold.partition_count
), due AS (
    SELECT observation.system_name, observation.version, observation.partition, observation.id
    FROM horizon
    JOIN observation
        ON observation.tenant = $1 AND observation.system_name = horizon.system_name
        AND observation.version = horizon.version AND observation.anchor_max < horizon.since
    WHERE observation.kept_at < $3
    LIMIT $4
), gone AS (
    DELETE FROM observation
    USING due
    WHERE observation.tenant = $1 AND observation.system_name = due.system_name
        AND observation.version = due.version AND observation.partition = due.partition AND observation.id = due.id
    RETURNING observation.system_name, observation.version
), floors AS (
    INSERT INTO observation_floor (tenant, system_name, version, since)
    SELECT $1, horizon.system_name, horizon.version, horizon.since
    FROM horizon
    WHERE EXISTS (
        SELECT FROM gone WHERE gone.system_name = horizon.system_name AND gone.version = horizon.version
    )
    ON CONFLICT (tenant, system_name, version) DO UPDATE
    SET since = greatest(observation_floor.since, EXCLUDED.since)
)
SELECT count(*) AS gone
FROM gone;

-- name: observed_since
-- From which start on windows have all their observations. No row: all windows have.
SELECT since
FROM observation_floor
WHERE tenant = $1 AND system_name = $2 AND version = $3;

-- name: store_failure
-- This replica cannot score this version: the first failure's time stays until it can.
INSERT INTO fold_failure (tenant, system_name, version, replica, error, incident)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, system_name, version, replica) DO UPDATE
SET error = EXCLUDED.error, incident = EXCLUDED.incident;

-- name: clear_failure
-- It can again. Failures of replicas that are gone go with it.
DELETE FROM fold_failure
WHERE tenant = $1 AND system_name = $2 AND version = $3
    AND (replica = $4 OR NOT EXISTS (SELECT FROM replica AS live WHERE live.replica::text = fold_failure.replica));

-- name: system_states
-- Every version that is scored by, and the longest failure of a replica that is alive.
SELECT DISTINCT ON (active.name)
    active.name, active.version, failed.replica, failed.error, failed.incident, failed.failed_at
FROM indicator_system AS active
LEFT JOIN (
    SELECT fold_failure.*
    FROM fold_failure
    JOIN replica AS live ON live.replica::text = fold_failure.replica
    WHERE fold_failure.tenant = $1
) AS failed
    ON failed.system_name = active.name AND failed.version = active.version
WHERE active.tenant = $1 AND active.state = 2
ORDER BY active.name, failed.failed_at;

-- name: overview
-- Of each of these series the latest scores (1), the active signals from the first of them on (2), and the latest notes
-- of its scopes (3).
WITH latest AS MATERIALIZED (
    SELECT wanted.place, wanted.series, recent.window_start, recent.body
    FROM unnest($2::text[]) WITH ORDINALITY AS wanted (series, place)
    CROSS JOIN LATERAL (
        SELECT window_start, body
        FROM score
        WHERE tenant = $1 AND score.series = wanted.series AND present
        ORDER BY window_start DESC
        LIMIT $3
    ) AS recent
), shown AS (
    SELECT place, series, min(window_start) AS since
    FROM latest
    GROUP BY place, series
)
SELECT 1 AS kind, place, body
FROM latest
UNION ALL
SELECT 2, shown.place, active.body
FROM shown
CROSS JOIN LATERAL (
    SELECT body
    FROM signal
    WHERE tenant = $1 AND signal.series = shown.series AND window_start >= shown.since AND standing
    -- By index, series by series: a join would read the signals of all of them.
    ORDER BY window_start
) AS active
UNION ALL
SELECT 3, scoped.place, recent.body
FROM unnest($4::text[], $5::bigint[]) AS scoped (scope, place)
CROSS JOIN LATERAL (
    SELECT body
    FROM annotation
    WHERE tenant = $1 AND annotation.scope = scoped.scope
    ORDER BY start_us DESC, id DESC
    LIMIT $6
) AS recent;

-- name: add_annotation
-- A note.
INSERT INTO annotation (tenant, id, scope, start_us, end_us, body)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: list_annotations
-- A page of notes of some scopes (none: of all), by scope and time.
SELECT id, scope, start_us, end_us, body
FROM annotation
WHERE tenant = $1 AND (cardinality($2::text[]) = 0 OR scope = ANY($2)) AND start_us < $4 AND end_us >= $3
    AND (scope, start_us, id) > ($5, $6::bigint, $7::uuid)
ORDER BY scope, start_us, id
LIMIT $8;

-- name: annotation_exists
-- Whether there is this note.
SELECT true AS found
FROM annotation
WHERE tenant = $1 AND id = $2;

-- name: delete_annotation
-- A note goes for good.
DELETE FROM annotation
WHERE tenant = $1 AND id = $2;

-- name: waiting_backtests
-- How many back-tests have not ended.
SELECT count(*) AS waiting
FROM backtest
WHERE tenant = $1 AND state <= 2;

-- name: add_backtest
-- One that waits.
INSERT INTO backtest (tenant, id, system_name, version, state, request)
VALUES ($1, $2, $3, $4, 1, $5)
RETURNING id, system_name, version, state, attempt, request, progress, event_count, error, report, create_time, end_time;

-- name: backtest
-- One back-test.
SELECT id, system_name, version, state, attempt, request, progress, event_count, error, report, create_time, end_time
FROM backtest
WHERE tenant = $1 AND id = $2;

-- name: list_backtests
-- A page, newest first, without reports.
SELECT id, system_name, version, state, attempt, request, progress, event_count, error, ''::bytea AS report, create_time,
    end_time
FROM backtest
WHERE tenant = $1 AND (create_time, id) < ($2, $3::uuid)
ORDER BY create_time DESC, id DESC
LIMIT $4;

-- name: start_backtest
-- The oldest that has not ended begins, once more where its replica is gone.
UPDATE backtest
SET state = 2, attempt = attempt + 1, progress = 0, event_count = 0
WHERE tenant = $1 AND id = (
    SELECT id
    FROM backtest
    WHERE tenant = $1 AND state <= 2
    ORDER BY create_time, id
    LIMIT 1
)
RETURNING id, system_name, version, state, attempt, request, progress, event_count, error, report, create_time, end_time;

-- name: advance_backtest
-- How far it is, if it is still this attempt's; no row: it was cancelled, or another replica has it.
UPDATE backtest
SET progress = $4, event_count = $5
WHERE tenant = $1 AND id = $2 AND attempt = $3 AND state = 2
RETURNING id;

-- name: end_backtest
-- Done (3) or failed (4).
UPDATE backtest
SET state = $4::smallint, progress = CASE WHEN $4::smallint = 3 THEN 1 ELSE progress END, error = $5, report = $6,
    end_time = clock_timestamp()
WHERE tenant = $1 AND id = $2 AND attempt = $3 AND state = 2;

-- name: cancel_backtest
-- One that has not ended.
UPDATE backtest
SET state = 5, end_time = clock_timestamp()
WHERE tenant = $1 AND id = $2 AND state <= 2;

-- name: expire_backtests
-- Those that ended go but for the newest.
DELETE FROM backtest
WHERE tenant = $1 AND state > 2 AND id NOT IN (
    SELECT id
    FROM backtest
    WHERE tenant = $1 AND state > 2
    ORDER BY create_time DESC, id DESC
    LIMIT $2
);

-- name: active_alarm_count
-- Windows with an active signal of one system that end in a span; null: none of its versions is scored by.
SELECT CASE WHEN EXISTS (
    SELECT
    FROM indicator_system
    WHERE tenant = $1 AND name = 'processes/' || $2 || '/indicatorSystems/' || $3 AND state = 2
) THEN (
    SELECT count(DISTINCT (series, window_start))
    FROM signal
    WHERE tenant = $1 AND process = $2 AND system = $3 AND standing AND window_end > $4 AND window_end <= $5
) END AS alarms;

-- name: signal_by_name
-- One signal.
SELECT body
FROM signal
WHERE tenant = $1 AND name = $2;

-- name: store_verdict
-- What a reviewer says of a signal now.
INSERT INTO signal_verdict (tenant, signal, reviewer, verdict, series, window_start, body)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, signal, reviewer) DO UPDATE
SET verdict = EXCLUDED.verdict, body = EXCLUDED.body, verdict_time = clock_timestamp();

-- name: list_verdicts
-- A page, newest first; of one signal, or of all.
SELECT signal, reviewer, verdict_time, body
FROM signal_verdict
WHERE tenant = $1 AND ($2 = '' OR signal = $2)
    -- The index is entered at the time; of an alternative alone it would be read from its beginning.
    AND verdict_time <= $3 AND (verdict_time < $3 OR (signal, reviewer) > ($4, $5))
ORDER BY verdict_time DESC, signal, reviewer
LIMIT $6;

-- name: verdicts_of_signals
-- Every verdict of some signals.
SELECT signal, verdict
FROM signal_verdict
WHERE tenant = $1 AND signal = ANY($2::text[]);

-- name: monitor_counts
-- Of each of these series, with the size of its phase I: complete windows after it in a span, those with an active
-- signal, and those of them that most reviewers call true (balance above 0) or false (below 0).
SELECT wanted.place, judged.windows, alarmed.alarms, alarmed.true_alarms, alarmed.false_alarms
FROM unnest($2::text[], $3::integer[]) WITH ORDINALITY AS wanted (series, baseline_windows, place)
LEFT JOIN LATERAL (
    SELECT window_start
    FROM score
    WHERE tenant = $1 AND series = wanted.series AND present
    ORDER BY window_start
    OFFSET wanted.baseline_windows
    LIMIT 1
) AS first_judged ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS windows
    FROM score
    WHERE tenant = $1 AND series = wanted.series AND present AND complete
        AND window_start >= greatest($4, first_judged.window_start) AND window_start < $5
        AND first_judged.window_start IS NOT NULL
) AS judged
CROSS JOIN LATERAL (
    SELECT count(*) AS alarms, count(*) FILTER (WHERE balance > 0) AS true_alarms,
        count(*) FILTER (WHERE balance < 0) AS false_alarms
    FROM (
        SELECT signal.window_start,
            coalesce(sum(CASE WHEN signal_verdict.verdict = 2 THEN -1 ELSE 1 END)
                FILTER (WHERE signal_verdict.verdict IS NOT NULL), 0) AS balance
        FROM signal
        LEFT JOIN signal_verdict ON signal_verdict.tenant = $1 AND signal_verdict.signal = signal.name
        WHERE signal.tenant = $1 AND signal.series = wanted.series AND signal.standing
            AND signal.window_start >= $4 AND signal.window_start < $5
        GROUP BY signal.window_start
    ) AS windows
) AS alarmed
ORDER BY wanted.place;

-- name: system_current_version
-- Number of the version that a system is scored by, else of its newest.
SELECT version
FROM indicator_system
WHERE tenant = $1 AND name = $2
ORDER BY (state = 2) DESC, version DESC
LIMIT 1;

-- name: log_weight_change
-- Weights that a version has and the one before it had not.
INSERT INTO weight_change (tenant, system_name, version, body)
VALUES ($1, $2, $3, $4);

-- name: list_weight_changes
-- A page of those of a system, newest first.
SELECT body
FROM weight_change
WHERE tenant = $1 AND system_name = $2 AND version < $3
ORDER BY version DESC
LIMIT $4;

-- name: create_clause
-- A new clause; nothing is returned where it exists.
INSERT INTO clause (tenant, name, body, etag)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, name) DO NOTHING
RETURNING name, body, etag, create_time, update_time;

-- name: clause
-- One clause.
SELECT name, body, etag, create_time, update_time
FROM clause
WHERE tenant = $1 AND name = $2;

-- name: clauses_after
-- Clauses after a name, in order.
SELECT name, body, etag, create_time, update_time
FROM clause
WHERE tenant = $1 AND name > $2
ORDER BY name
LIMIT $3;

-- name: replace_clause
-- A new version of a clause.
UPDATE clause
SET body = $3, etag = $4, update_time = now()
WHERE tenant = $1 AND name = $2
RETURNING name, body, etag, create_time, update_time;

-- name: clear_open_cases
-- The clocks of some partitions go: all of them are written again.
DELETE FROM open_case
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND partition = ANY($4::integer[]);

-- name: store_open_cases
-- Clocks that run, each once.
INSERT INTO open_case (
    tenant, system_name, version, partition, case_id, indicator, opened_us, risk_us, due_us, slice
)
SELECT $1, $2, $3, one.partition, one.case_id, one.indicator, one.opened_us, one.risk_us, one.due_us,
    ARRAY(SELECT jsonb_array_elements_text(one.slice::jsonb))
FROM unnest($4::integer[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[])
    AS one (partition, case_id, indicator, opened_us, risk_us, due_us, slice)
ON CONFLICT (tenant, system_name, version, case_id, indicator) DO UPDATE
SET partition = EXCLUDED.partition,
    opened_us = EXCLUDED.opened_us,
    risk_us = EXCLUDED.risk_us,
    due_us = EXCLUDED.due_us,
    slice = EXCLUDED.slice;

-- name: remove_open_cases
-- Clocks that have stopped.
DELETE FROM open_case
USING unnest($4::text[], $5::text[]) AS one (case_id, indicator)
WHERE open_case.tenant = $1 AND open_case.system_name = $2 AND open_case.version = $3
    AND open_case.case_id = one.case_id AND open_case.indicator = one.indicator;

-- name: append_case_changes
-- What a step changes of clocks, as entries of their log, once; the head of the tenant is locked.
WITH head AS (
    UPDATE score_head
    SET case_position = case_position + cardinality($5::bytea[])
    WHERE tenant = $1 AND NOT EXISTS (SELECT FROM case_change WHERE tenant = $1 AND step = $4)
    RETURNING case_position - cardinality($5::bytea[]) AS before
)
INSERT INTO case_change (tenant, position, system_name, version, step, body)
SELECT $1, head.before + one.place, $2, $3, $4, one.body
FROM head
CROSS JOIN unnest($5::bytea[]) WITH ORDINALITY AS one (body, place);

-- name: case_log_head
-- Where the log of changes of clocks stands.
SELECT origin, case_position AS position, case_oldest AS oldest
FROM score_head
WHERE tenant = $1;

-- name: case_changes
-- Entries of the log of changes of clocks, in order.
SELECT position, system_name, version, body
FROM case_change
WHERE tenant = $1 AND position > $2
ORDER BY position
LIMIT $3;

-- name: list_open_cases
-- A page of clocks by the moment at which they become late.
SELECT case_id, indicator, opened_us, risk_us, due_us, slice
FROM open_case
WHERE tenant = $1 AND system_name = $2 AND version = $3 AND due_us <= $4
    AND (due_us, case_id, indicator) > ($5::bigint, $6::text, $7::text)
    AND (cardinality($8::text[]) = 0 OR indicator = ANY($8)) AND slice @> $9::text[]
ORDER BY due_us, case_id, indicator
LIMIT $10;

-- name: count_open_cases
-- How many clocks are late, at risk and on time at a moment.
SELECT count(*) FILTER (WHERE due_us <= $4) AS late, count(*) FILTER (WHERE due_us > $4 AND risk_us <= $4) AS at_risk,
    count(*) FILTER (WHERE due_us > $4 AND risk_us > $4) AS on_time
FROM open_case
WHERE tenant = $1 AND system_name = $2 AND version = $3
    AND (cardinality($5::text[]) = 0 OR indicator = ANY($5)) AND slice @> $6::text[];

-- name: trim_case_changes
-- A batch of old entries of the log of changes of clocks goes; says how many.
WITH due AS (
    SELECT position, committed_at
    FROM case_change
    WHERE tenant = $1
    ORDER BY position
    LIMIT $3
), gone AS (
    DELETE FROM case_change
    USING due
    WHERE case_change.tenant = $1 AND case_change.position = due.position AND due.committed_at < $2
    RETURNING case_change.position
), head AS (
    UPDATE score_head
    SET case_oldest = greatest(case_oldest, (SELECT max(position) FROM gone))
    WHERE tenant = $1 AND EXISTS (SELECT FROM gone)
)
SELECT count(*) AS gone
FROM gone;
