-- name: running_transactions
-- What may still commit a row that a reading has not seen: every transaction that is under way, without our own.
SELECT DISTINCT virtualtransaction
FROM pg_locks
WHERE locktype = 'virtualxid'
  AND pid <> pg_backend_pid();
