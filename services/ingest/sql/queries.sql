-- name: create_head
-- The first call of a tenant fixes how many partitions its log has.
INSERT INTO head (tenant, next_offsets)
VALUES ($1, array_fill(0::bigint, ARRAY[$2::int]))
ON CONFLICT (tenant) DO NOTHING;

-- name: read_head
-- Where the log begins and ends.
SELECT origin, position, oldest_position, next_offsets, event_count
FROM head
WHERE tenant = $1;

-- name: lock_head
-- Where the log ends, held in place until this commit is through.
SELECT origin, position, oldest_position, next_offsets, event_count
FROM head
WHERE tenant = $1
FOR UPDATE;

-- name: commit_entry
-- One commit, if the log ends where the caller believes; null: it does not, and nothing is changed.
SELECT commit_entry($1, $2, $3, $4, $5, $6);

-- name: hashes_after
-- What other commits wrote, to recognise its events; in order, a page at a time.
SELECT segment.position, id_hashes, committed_at
FROM segment
JOIN commit USING (tenant, position)
WHERE tenant = $1 AND segment.position > $2 AND segment.position <= $3
ORDER BY segment.position, partition, first_offset;

-- name: case_hashes_after
-- Which cases each segment holds; in order, a page at a time.
SELECT position, case_hashes
FROM segment
WHERE tenant = $1 AND position > $2 AND position <= $3
ORDER BY position, partition, first_offset;

-- name: position_before
-- The last commit before a moment: what lies through it is older than any horizon.
SELECT position
FROM commit
WHERE tenant = $1 AND committed_at < $2
ORDER BY position DESC
LIMIT 1;

-- name: segments_at
-- The segments of some commits.
SELECT position, id_hashes, events
FROM segment
WHERE tenant = $1 AND position = ANY ($2::bigint[]) AND ($3::int[] IS NULL OR partition = ANY ($3))
ORDER BY position, partition, first_offset;

-- name: commits_after
-- The next commits and their sizes, so that a response can be bounded without splitting one.
SELECT position, byte_count, sources, times_max_us, committed_at, traceparents
FROM commit
WHERE tenant = $1 AND position > $2
ORDER BY position
LIMIT $3;

-- name: watermarks_at
-- The latest event time of each source through a position.
SELECT known.source, max(known.us) AS time_max_us
FROM (
    SELECT source, time_max_us AS us
    FROM watermark
    WHERE tenant = $1 AND position = $2 - $2 % 256
    UNION ALL
    SELECT came.source, came.us
    FROM commit CROSS JOIN unnest(sources, times_max_us) AS came (source, us)
    WHERE tenant = $1 AND position > $2 - $2 % 256 AND position <= $2
) AS known
GROUP BY known.source;

-- name: segments_between
-- The pages of some commits, pruned by partition and by time.
SELECT position, partition, first_offset, event_count, time_min_us, time_max_us, events
FROM segment
WHERE tenant = $1 AND position > $2 AND position <= $3
  AND ($4::int[] IS NULL OR partition = ANY ($4))
  AND time_max_us >= $5 AND time_min_us < $6
ORDER BY position, partition, first_offset;

-- name: intake_counts
-- What came in, by source.
SELECT source, accepted_count, duplicate_count, quarantined_count
FROM intake
WHERE tenant = $1
ORDER BY source;

-- name: intake_reasons
-- Why events were refused, by source.
SELECT source, reason, quarantined_count
FROM intake_reason
WHERE tenant = $1
ORDER BY source, reason;

-- name: sources
-- Every source of the tenant.
SELECT source, kind, title_en, title_zh, dedup_horizon_us, time_earliest_us, future_tolerance_us,
       resources_are_not_persons, personal_attributes, revision, created_at
FROM source
WHERE tenant = $1
ORDER BY source;

-- name: create_source
-- A new source; nothing is returned where it exists.
INSERT INTO source (tenant, source, kind, title_en, title_zh, dedup_horizon_us, time_earliest_us,
                    future_tolerance_us, resources_are_not_persons, personal_attributes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant, source) DO NOTHING
RETURNING created_at;

-- name: update_source
-- Replaces what can be changed of a source, if it is as it was read.
UPDATE source
SET kind = $4, title_en = $5, title_zh = $6, dedup_horizon_us = $7, time_earliest_us = $8,
    future_tolerance_us = $9, resources_are_not_persons = $10, personal_attributes = $11, revision = revision + 1
WHERE tenant = $1 AND source = $2 AND revision = $3
RETURNING revision;

-- name: answered
-- First answers to these request ids within 24 hours.
SELECT request_id, method, fingerprint, answer
FROM request
WHERE tenant = $1 AND request_id = ANY ($2::uuid[]) AND answered_at > now() - interval '24 hours';

-- name: expire_answers
-- Drops first answers that are older than 24 hours, some at a time.
DELETE FROM request
WHERE tenant = $1
  AND request_id IN (
      SELECT request_id
      FROM request
      WHERE tenant = $1 AND answered_at < now() - interval '24 hours'
      LIMIT 1000
  );

-- name: quarantined
-- Refused events after a place in order.
SELECT quarantine_id, position, source, batch_index, field, reason, sealed, quarantined_at
FROM quarantine
WHERE tenant = $1 AND ($2 = '' OR source = $2) AND (position, quarantine_id) > ($3, $4)
ORDER BY position, quarantine_id
LIMIT $5;

-- name: quarantined_count
-- How many refused events are kept.
SELECT count(*)
FROM quarantine
WHERE tenant = $1 AND ($2 = '' OR source = $2);

-- name: create_id_archive
-- An archive that holds nothing yet.
INSERT INTO id_archive (tenant)
VALUES ($1)
ON CONFLICT (tenant) DO NOTHING;

-- name: id_archive_position
-- Through which position ids are archived; null: none is.
SELECT position
FROM id_archive
WHERE tenant = $1;

-- name: lock_id_archive
-- The same, and nobody else archives until this transaction is over.
SELECT position
FROM id_archive
WHERE tenant = $1
FOR UPDATE;

-- name: move_id_archive
-- Ids are archived through here.
UPDATE id_archive
SET position = $2
WHERE tenant = $1;

-- name: id_days
-- How the ids of some days are cut into blocks.
SELECT day, slot_bits, id_count
FROM id_day
WHERE tenant = $1 AND day = ANY ($2::int[]);

-- name: id_blocks
-- Some blocks of archived ids.
SELECT day, slot, hashes, positions
FROM id_block
JOIN unnest($2::int[], $3::bigint[]) AS asked (day, slot) USING (day, slot)
WHERE tenant = $1;

-- name: id_blocks_of_days
-- All blocks of some days.
DELETE FROM id_block
WHERE tenant = $1 AND day = ANY ($2::int[])
RETURNING day, slot, hashes, positions;

-- name: store_id_days
-- How the ids of some days are cut from now on.
INSERT INTO id_day (tenant, day, slot_bits, id_count)
SELECT $1, made.day, made.slot_bits, made.id_count
FROM unnest($2::int[], $3::int[], $4::bigint[]) AS made (day, slot_bits, id_count)
ON CONFLICT (tenant, day) DO UPDATE
SET slot_bits = EXCLUDED.slot_bits, id_count = EXCLUDED.id_count;

-- name: store_id_blocks
-- Blocks as they are from now on.
INSERT INTO id_block (tenant, day, slot, hashes, positions)
SELECT $1, made.day, made.slot, made.hashes, made.positions
FROM unnest($2::int[], $3::bigint[], $4::bytea[], $5::bytea[]) AS made (day, slot, hashes, positions)
ON CONFLICT (tenant, day, slot) DO UPDATE
SET hashes = EXCLUDED.hashes, positions = EXCLUDED.positions;
