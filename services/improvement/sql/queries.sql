-- name: create_head
-- A tenant's first call begins its log.
INSERT INTO head (tenant)
VALUES ($1)
ON CONFLICT (tenant) DO NOTHING;

-- name: read_head
-- Where the log begins and ends, and how far signals were followed.
SELECT origin, position, oldest_position, signals_through, settled_position, scores_through, indexed,
    digest, live_count, total_count, listed
FROM head
WHERE tenant = $1;

-- name: lock_head
-- The same, held in place until this change is through.
SELECT origin, position, oldest_position, signals_through, settled_position, scores_through, indexed,
    digest, live_count, total_count, listed
FROM head
WHERE tenant = $1
FOR UPDATE;

-- name: append
-- One entry of the problem log; the head moves with it and those who follow are notified.
WITH moved AS (
    UPDATE head
    SET position = $2, digest = $4, live_count = $5, total_count = $6
    WHERE tenant = $1
), notified AS (
    SELECT pg_notify('andon_improvement', $1)
)
INSERT INTO problem_log (tenant, position, changes, committed_at)
SELECT $1, $2, $3, clock_timestamp()
FROM notified;

-- name: store_cursor
-- How far scoring's log was followed; `settled_position` never goes back.
UPDATE head
SET signals_through = $2, settled_position = GREATEST(settled_position, $3), scores_through = $4
WHERE tenant = $1;

-- name: store_problem
-- A problem as it is now.
INSERT INTO problem (tenant, name, process, system, indicator, state, severity, due_us, body, digest,
    owner, start_us, end_us, opened_us, snoozed_until_us, origin, slice, terms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT (tenant, name) DO UPDATE
SET state = EXCLUDED.state, severity = EXCLUDED.severity, due_us = EXCLUDED.due_us, body = EXCLUDED.body,
    digest = EXCLUDED.digest, owner = EXCLUDED.owner, start_us = EXCLUDED.start_us, end_us = EXCLUDED.end_us,
    opened_us = EXCLUDED.opened_us, snoozed_until_us = EXCLUDED.snoozed_until_us, origin = EXCLUDED.origin,
    slice = EXCLUDED.slice, terms = EXCLUDED.terms;

-- name: read_problem
-- One problem by name.
SELECT body
FROM problem
WHERE tenant = $1 AND name = $2;

-- name: read_problems
-- Problems by name.
SELECT body
FROM problem
WHERE tenant = $1 AND name = ANY($2::text[])
ORDER BY name;

-- name: read_marks
-- What the counts and the digest of a tenant hold of some problems.
SELECT name, live, digest, process, system, state
FROM problem
WHERE tenant = $1 AND name = ANY($2::text[]);

-- name: page_problems
-- A page of all problems, to index them once.
SELECT body
FROM problem
WHERE tenant = $1 AND name > $2
ORDER BY name
LIMIT $3;

-- name: store_digest
-- The digest of a problem of before.
UPDATE problem
SET digest = $3
WHERE tenant = $1 AND name = $2;

-- name: store_totals
-- What a tenant's problems come to, once they are indexed.
UPDATE head
SET digest = $2, live_count = $3, total_count = $4, indexed = true
WHERE tenant = $1;

-- name: list_problems
-- A page of problems, the most severe first.
SELECT body
FROM problem
WHERE tenant = $1
  AND ($2 = '' OR process = $2)
  AND ($3 = '' OR system = $3)
  AND (cardinality($4::text[]) = 0 OR indicator = ANY($4))
  AND state = ANY($5::int[])
  AND ($6::bigint IS NULL OR due_us < $6)
  AND (cardinality($10::text[]) = 0 OR owner = ANY($10))
  AND (cardinality($11::text[]) = 0 OR slice @> $11)
  AND severity >= $12
  AND ($13::bigint IS NULL OR end_us > $13)
  AND ($14::bigint IS NULL OR start_us < $14)
  AND ($15::bigint IS NULL OR COALESCE(snoozed_until_us, 0) <= $15)
  AND (cardinality($16::int[]) = 0 OR origin = ANY($16))
  AND (severity < $7 OR (severity = $7 AND name > $8))
ORDER BY severity DESC, name
LIMIT $9;

-- name: list_live_problems
-- The same of live problems only, however many have ended.
SELECT body
FROM problem
WHERE tenant = $1
  AND live
  AND ($2 = '' OR process = $2)
  AND ($3 = '' OR system = $3)
  AND (cardinality($4::text[]) = 0 OR indicator = ANY($4))
  AND state = ANY($5::int[])
  AND ($6::bigint IS NULL OR due_us < $6)
  AND (cardinality($10::text[]) = 0 OR owner = ANY($10))
  AND (cardinality($11::text[]) = 0 OR slice @> $11)
  AND severity >= $12
  AND ($13::bigint IS NULL OR end_us > $13)
  AND ($14::bigint IS NULL OR start_us < $14)
  AND ($15::bigint IS NULL OR COALESCE(snoozed_until_us, 0) <= $15)
  AND (cardinality($16::int[]) = 0 OR origin = ANY($16))
  AND (severity < $7 OR (severity = $7 AND name > $8))
ORDER BY severity DESC, name
LIMIT $9;

-- name: list_problems_by_open_time
-- A page of problems, the latest opened first.
SELECT body
FROM problem
WHERE tenant = $1
  AND ($2 = '' OR process = $2)
  AND ($3 = '' OR system = $3)
  AND (cardinality($4::text[]) = 0 OR indicator = ANY($4))
  AND state = ANY($5::int[])
  AND ($6::bigint IS NULL OR due_us < $6)
  AND (cardinality($10::text[]) = 0 OR owner = ANY($10))
  AND (cardinality($11::text[]) = 0 OR slice @> $11)
  AND severity >= $12
  AND ($13::bigint IS NULL OR end_us > $13)
  AND ($14::bigint IS NULL OR start_us < $14)
  AND ($15::bigint IS NULL OR COALESCE(snoozed_until_us, 0) <= $15)
  AND (cardinality($16::int[]) = 0 OR origin = ANY($16))
  AND (opened_us < $7 OR (opened_us = $7 AND name > $8))
ORDER BY opened_us DESC, name
LIMIT $9;

-- name: list_problems_by_due_time
-- A page of live problems with an unfinished action, the first due first.
SELECT body
FROM problem
WHERE tenant = $1
  AND live
  AND due_us IS NOT NULL
  AND ($2 = '' OR process = $2)
  AND ($3 = '' OR system = $3)
  AND (cardinality($4::text[]) = 0 OR indicator = ANY($4))
  AND state = ANY($5::int[])
  AND ($6::bigint IS NULL OR due_us < $6)
  AND (cardinality($10::text[]) = 0 OR owner = ANY($10))
  AND (cardinality($11::text[]) = 0 OR slice @> $11)
  AND severity >= $12
  AND ($13::bigint IS NULL OR end_us > $13)
  AND ($14::bigint IS NULL OR start_us < $14)
  AND ($15::bigint IS NULL OR COALESCE(snoozed_until_us, 0) <= $15)
  AND (cardinality($16::int[]) = 0 OR origin = ANY($16))
  AND (due_us > $7 OR (due_us = $7 AND name > $8))
ORDER BY due_us, name
LIMIT $9;

-- name: search_problems
-- A page of problems with all of some terms, by what the order names; NULL: it has none of that.
SELECT body
FROM (
    SELECT name, body, CASE $18
        WHEN 'severity' THEN severity
        WHEN 'newest' THEN opened_us
        WHEN 'due' THEN CASE WHEN live THEN -due_us END
    END AS key
    FROM problem
    WHERE tenant = $1
      AND terms @> $17::text[]
      AND ($2 = '' OR process = $2)
      AND ($3 = '' OR system = $3)
      AND (cardinality($4::text[]) = 0 OR indicator = ANY($4))
      AND state = ANY($5::int[])
      AND ($6::bigint IS NULL OR due_us < $6)
      AND (cardinality($10::text[]) = 0 OR owner = ANY($10))
      AND (cardinality($11::text[]) = 0 OR slice @> $11)
      AND severity >= $12
      AND ($13::bigint IS NULL OR end_us > $13)
      AND ($14::bigint IS NULL OR start_us < $14)
      AND ($15::bigint IS NULL OR COALESCE(snoozed_until_us, 0) <= $15)
      AND (cardinality($16::int[]) = 0 OR origin = ANY($16))
) AS found
WHERE key < $7 OR (key = $7 AND name > $8)
ORDER BY key DESC, name
LIMIT $9;

-- name: add_to_counts
-- Problems that came into a state or left it.
INSERT INTO state_count (tenant, process, system, state, count)
SELECT $1, change.*
FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[]) AS change (process, system, state, count)
ON CONFLICT (tenant, process, system, state) DO UPDATE
SET count = state_count.count + EXCLUDED.count;

-- name: read_counts
-- Problems per state.
SELECT state, sum(count)::bigint AS count
FROM state_count
WHERE tenant = $1
  AND ($2 = '' OR process = $2)
  AND ($3 = '' OR system = $3)
GROUP BY state
ORDER BY state;

-- name: read_waiting
-- Live problems that are overdue, snoozed, or without an owner.
SELECT count(*) FILTER (WHERE due_us < $4) AS overdue,
    count(*) FILTER (WHERE snoozed_until_us > $4) AS snoozed,
    count(*) FILTER (WHERE COALESCE(owner, '') = '') AS unowned
FROM problem
WHERE tenant = $1
  AND live
  AND ($2 = '' OR process = $2)
  AND ($3 = '' OR system = $3);

-- name: delete_counts
-- Before all are counted again.
DELETE FROM state_count
WHERE tenant = $1;

-- name: count_all
-- Problems per state, counted once.
INSERT INTO state_count (tenant, process, system, state, count)
SELECT tenant, process, system, state, count(*)
FROM problem
WHERE tenant = $1
GROUP BY tenant, process, system, state;

-- name: store_listed
-- The tenant's problems can be listed by what they are filtered by.
UPDATE head
SET listed = true
WHERE tenant = $1;

-- name: append_history
-- What happened to problems.
INSERT INTO problem_history (tenant, problem, revision, body)
SELECT $1, entry.*
FROM unnest($2::text[], $3::bigint[], $4::bytea[]) AS entry;

-- name: page_history
-- A page of what happened to a problem before a revision, the newest first.
SELECT body
FROM problem_history
WHERE tenant = $1 AND problem = $2 AND revision < $3
ORDER BY revision DESC
LIMIT $4;

-- name: read_log
-- Entries after a position, in order.
SELECT position, changes, committed_at
FROM problem_log
WHERE tenant = $1 AND position > $2
ORDER BY position
LIMIT $3;

-- name: store_signals
-- Active signals that no settled problem has dealt with.
INSERT INTO signal (tenant, name, process, system, indicator, start_us, end_us, body)
SELECT $1, came.*
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bytea[]) AS came
ON CONFLICT (tenant, name) DO UPDATE
SET process = EXCLUDED.process, system = EXCLUDED.system, indicator = EXCLUDED.indicator,
    start_us = EXCLUDED.start_us, end_us = EXCLUDED.end_us, body = EXCLUDED.body;

-- name: delete_signals
-- Signals that were retracted, or that a settled problem has dealt with.
DELETE FROM signal
WHERE tenant = $1 AND name = ANY($2::text[]);

-- name: read_signals
-- Signals by name.
SELECT body
FROM signal
WHERE tenant = $1 AND name = ANY($2::text[]);

-- name: page_signals
-- A page of all signals, to index them once.
SELECT name, body
FROM signal
WHERE tenant = $1 AND name > $2
ORDER BY name
LIMIT $3;

-- name: read_signals_of_runs
-- The signals of some runs: whatever begins within one is part of it.
SELECT signal.body
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
    AS run (process, system, indicator, start_us, end_us)
CROSS JOIN LATERAL (
    SELECT body
    FROM signal
    WHERE tenant = $1
      AND process = run.process
      AND system = run.system
      AND indicator = run.indicator
      AND start_us BETWEEN run.start_us AND run.end_us
) AS signal;

-- name: read_runs_near
-- Runs that a stretch of time of their family touches: those that begin in it or soon after, and the one before.
SELECT DISTINCT run.process, run.system, run.indicator, run.start_us, run.end_us, run.joins_us, run.problem
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::boolean[])
    AS reach (process, system, indicator, start_us, end_us, linked)
CROSS JOIN LATERAL (
    SELECT *
    FROM alarm_run
    WHERE tenant = $1
      AND process = reach.process
      AND system = reach.system
      AND indicator = reach.indicator
      AND start_us BETWEEN reach.start_us AND reach.end_us + $8
      AND (CASE WHEN reach.linked THEN start_us ELSE joins_us END) <= reach.end_us
    UNION ALL
    SELECT *
    FROM (
        SELECT *
        FROM alarm_run
        WHERE tenant = $1
          AND process = reach.process
          AND system = reach.system
          AND indicator = reach.indicator
          AND start_us < reach.start_us
        ORDER BY start_us DESC
        LIMIT 1
    ) AS earlier
    WHERE end_us >= reach.start_us
) AS run;

-- name: read_runs_of
-- The runs of some problems.
SELECT process, system, indicator, start_us, end_us, joins_us, problem
FROM alarm_run
WHERE tenant = $1 AND problem = ANY($2::text[]);

-- name: delete_runs_of
-- The runs of problems that are indexed again, or have ended.
DELETE FROM alarm_run
WHERE tenant = $1 AND problem = ANY($2::text[]);

-- name: store_runs
-- The runs of live problems.
INSERT INTO alarm_run (tenant, process, system, indicator, start_us, end_us, joins_us, problem)
SELECT $1, run.*
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[]) AS run;

-- name: read_symptoms
-- The families that signals of some families may explain.
SELECT link.process, link.system, link.driver, link.indicator
FROM unnest($2::text[], $3::text[], $4::text[]) AS family (process, system, driver)
JOIN symptom_link AS link USING (process, system, driver)
WHERE link.tenant = $1;

-- name: store_symptoms
-- Which indicators are symptoms of a driver.
INSERT INTO symptom_link (tenant, process, system, driver, indicator)
SELECT DISTINCT $1, link.*
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS link
ON CONFLICT DO NOTHING;

-- name: read_settled
-- Which of some signals lie where a settled problem has dealt with their indicator.
SELECT signal.name
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
    AS signal (name, process, system, indicator, start_us, end_us)
WHERE EXISTS (
    SELECT
    FROM settled_span AS span
    WHERE span.tenant = $1
      AND span.process = signal.process
      AND span.system = signal.system
      AND span.indicator = signal.indicator
      AND span.until_us > signal.start_us
      AND span.joins_us <= signal.end_us
);

-- name: store_settled
-- What a settled problem has dealt with, up to the next run of its indicator that somebody may still work on.
INSERT INTO settled_span (tenant, process, system, indicator, joins_us, start_us, until_us, problem)
SELECT $1, $2, $3, $4, $5, $6, GREATEST($7, LEAST($8, next.start_us)), $9
FROM (
    SELECT min(start_us) AS start_us
    FROM alarm_run
    WHERE tenant = $1 AND process = $2 AND system = $3 AND indicator = $4 AND start_us >= $7
) AS next
ON CONFLICT (tenant, process, system, indicator, start_us, problem) DO UPDATE
SET joins_us = EXCLUDED.joins_us, until_us = EXCLUDED.until_us;

-- name: delete_settled
-- A problem that is worked on again has dealt with nothing yet.
DELETE FROM settled_span
WHERE tenant = $1 AND problem = $2;

-- name: store_evidence
-- Which scores the causes of a live problem rest on, and through which position they were read.
INSERT INTO problem_evidence (
    tenant, problem, process, system, indicator, baseline_start_us, baseline_end_us, start_us, end_us, position
)
SELECT $1, evidence.*
FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]
) AS evidence
ON CONFLICT (tenant, problem) DO UPDATE
SET baseline_start_us = EXCLUDED.baseline_start_us, baseline_end_us = EXCLUDED.baseline_end_us,
    start_us = EXCLUDED.start_us, end_us = EXCLUDED.end_us, position = EXCLUDED.position;

-- name: delete_evidence
-- What problems rested on that have ended.
DELETE FROM problem_evidence
WHERE tenant = $1 AND problem = ANY($2::text[]);

-- name: expire_evidence
-- Every cause is to be found again: it is not known which scores have changed.
UPDATE problem_evidence
SET position = -1
WHERE tenant = $1 AND position >= 0;

-- name: age_evidence
-- Problems whose causes rest on scores that changed after they were read.
WITH score AS (
    SELECT *
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
        AS score (process, system, indicator, start_us, position)
), aged AS (
    SELECT evidence.problem
    FROM score
    JOIN problem_evidence AS evidence USING (process, system, indicator)
    WHERE evidence.tenant = $1
      AND evidence.end_us > score.start_us
      AND evidence.start_us <= score.start_us
      AND evidence.position < score.position
    UNION
    SELECT evidence.problem
    FROM score
    JOIN problem_evidence AS evidence USING (process, system, indicator)
    WHERE evidence.tenant = $1
      AND evidence.baseline_end_us > score.start_us
      AND evidence.baseline_start_us <= score.start_us
      AND evidence.position < score.position
)
UPDATE problem_evidence
SET position = -1
WHERE tenant = $1 AND problem IN (SELECT problem FROM aged);

-- name: read_unread
-- Problems whose causes are to be found again.
SELECT problem
FROM problem_evidence
WHERE tenant = $1 AND position < 0
ORDER BY problem
LIMIT $2;

-- name: read_evidence_families
-- The indicators that live problems rest on, one index look-up for each.
WITH RECURSIVE family AS (
    (
        SELECT process, system, indicator
        FROM problem_evidence
        WHERE tenant = $1
        ORDER BY process, system, indicator
        LIMIT 1
    )
    UNION ALL
    SELECT next.process, next.system, next.indicator
    FROM family
    CROSS JOIN LATERAL (
        SELECT process, system, indicator
        FROM problem_evidence
        WHERE tenant = $1
          AND (process, system, indicator) > (family.process, family.system, family.indicator)
        ORDER BY process, system, indicator
        LIMIT 1
    ) AS next
)
SELECT process, system, indicator
FROM family
LIMIT $2;

-- name: read_answer
-- The first answer to a request id, while it is remembered.
SELECT fingerprint, answer
FROM request
WHERE tenant = $1 AND request_id = $2 AND answered_at > now() - interval '24 hours';

-- name: store_answer
-- The answer to a request id.
INSERT INTO request (tenant, request_id, fingerprint, answer)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, request_id) DO UPDATE
SET fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, answered_at = now();

-- name: delete_answers
-- Request ids older than 24 hours.
DELETE FROM request
WHERE tenant = $1 AND answered_at <= now() - interval '24 hours';

-- name: read_failure
-- Why the intake is stopped. No row: it is not.
SELECT replica, error, incident, position, failed_at
FROM intake_failure
WHERE tenant = $1;

-- name: store_failure
-- The intake cannot go on: the first failure's time stays until it can.
INSERT INTO intake_failure (tenant, replica, error, incident, position)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant) DO UPDATE
SET replica = EXCLUDED.replica, error = EXCLUDED.error, incident = EXCLUDED.incident, position = EXCLUDED.position;

-- name: clear_failure
-- It got past where it failed.
DELETE FROM intake_failure
WHERE tenant = $1;
