-- name: create_head
-- A tenant's first call begins its log.
INSERT INTO head (tenant)
VALUES ($1)
ON CONFLICT (tenant) DO NOTHING;

-- name: read_head
-- Where the log begins and ends, and how far signals were followed.
SELECT origin, position, oldest_position, signals_through, settled_position
FROM head
WHERE tenant = $1;

-- name: lock_head
-- The same, held in place until this change is through.
SELECT origin, position, oldest_position, signals_through, settled_position
FROM head
WHERE tenant = $1
FOR UPDATE;

-- name: append
-- One entry of the problem log; the head moves with it and those who follow are notified.
WITH moved AS (
    UPDATE head
    SET position = $2
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
SET signals_through = $2, settled_position = GREATEST(settled_position, $3)
WHERE tenant = $1;

-- name: store_problem
-- A problem as it is now.
INSERT INTO problem (tenant, name, process, system, indicator, state, severity, due_us, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant, name) DO UPDATE
SET state = EXCLUDED.state, severity = EXCLUDED.severity, due_us = EXCLUDED.due_us, body = EXCLUDED.body;

-- name: read_problem
-- One problem by name.
SELECT body
FROM problem
WHERE tenant = $1 AND name = $2;

-- name: read_problems
-- Every problem, to decide by.
SELECT body
FROM problem
WHERE tenant = $1
ORDER BY name;

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
  AND (severity < $7 OR (severity = $7 AND name > $8))
ORDER BY severity DESC, name
LIMIT $9;

-- name: count_problems
-- How many there are, and how many are live.
SELECT count(*) AS total, count(*) FILTER (WHERE state = ANY($2::int[])) AS live
FROM problem
WHERE tenant = $1;

-- name: read_log
-- Entries after a position, in order.
SELECT position, changes, committed_at
FROM problem_log
WHERE tenant = $1 AND position > $2
ORDER BY position
LIMIT $3;

-- name: store_signals
-- Active signals.
INSERT INTO signal (tenant, name, body)
SELECT $1, came.name, came.body
FROM unnest($2::text[], $3::bytea[]) AS came (name, body)
ON CONFLICT (tenant, name) DO UPDATE
SET body = EXCLUDED.body;

-- name: delete_signals
-- Signals that were retracted.
DELETE FROM signal
WHERE tenant = $1 AND name = ANY($2::text[]);

-- name: read_signals
-- Every active signal.
SELECT body
FROM signal
WHERE tenant = $1
ORDER BY name;

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
