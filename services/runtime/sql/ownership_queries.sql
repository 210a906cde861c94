-- name: register
-- This process is alive, and this is its connection.
INSERT INTO replica (replica, backend_pid, backend_start, seen_at)
SELECT $1, pid, backend_start, clock_timestamp()
FROM pg_stat_activity
WHERE pid = pg_backend_pid()
ON CONFLICT (replica) DO UPDATE
SET backend_pid = EXCLUDED.backend_pid, backend_start = EXCLUDED.backend_start, seen_at = EXCLUDED.seen_at;

-- name: live_replicas
-- Those who were seen lately and whose connection is there, in an order that all replicas agree on. A killed process's
-- connection ends with it, so that nobody waits for its silence.
SELECT replica.replica
FROM replica
JOIN pg_stat_activity AS activity
    ON activity.pid = replica.backend_pid AND activity.backend_start = replica.backend_start
WHERE replica.seen_at > clock_timestamp() - make_interval(secs => $1)
ORDER BY replica.replica;

-- name: end_silent_sessions
-- A paused or cut-off process keeps its session locks as long as its connection lives: end the connection.
SELECT pg_terminate_backend(activity.pid)
FROM replica
JOIN pg_stat_activity AS activity
  ON activity.pid = replica.backend_pid AND activity.backend_start = replica.backend_start
WHERE replica.seen_at <= clock_timestamp() - make_interval(secs => $1)
  AND activity.usename = current_user
  AND activity.pid <> pg_backend_pid();

-- name: forget_silent
-- Rows of processes that are gone for good.
DELETE FROM replica
WHERE seen_at <= clock_timestamp() - make_interval(secs => $1);

-- name: unregister
-- This process leaves.
DELETE FROM replica
WHERE replica = $1;

-- name: try_lock
-- The session lock of one resource, if nobody else holds it.
SELECT pg_try_advisory_lock(hashtextextended($1, 0));

-- name: unlock
-- Gives the session lock of one resource back.
SELECT pg_advisory_unlock(hashtextextended($1, 0));

-- name: take
-- A new epoch for a new owner; waits for write transactions under the old one to end.
INSERT INTO lease (tenant, resource, epoch, replica)
VALUES ($1, $2, 1, $3)
ON CONFLICT (tenant, resource) DO UPDATE
SET epoch = lease.epoch + 1, replica = EXCLUDED.replica, acquired_at = now()
RETURNING epoch;

-- name: guard
-- The current epoch, held in place until the end of the transaction.
SELECT epoch
FROM lease
WHERE tenant = $1 AND resource = $2
FOR SHARE;
