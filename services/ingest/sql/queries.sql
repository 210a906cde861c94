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
SELECT commit_entry($1, $2, $3, $4, $5, $6, $7, $8, $9);

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
SELECT position, id_hashes, events, key AS archive_key, archive_group
FROM segment LEFT JOIN archive_file ON archive_file.tenant = segment.tenant AND file_id = segment.archive_file
WHERE segment.tenant = $1 AND position = ANY ($2::bigint[]) AND ($3::int[] IS NULL OR partition = ANY ($3))
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
SELECT position, partition, first_offset, segment.event_count, time_min_us, time_max_us, events,
       key AS archive_key, archive_group
FROM segment LEFT JOIN archive_file ON archive_file.tenant = segment.tenant AND file_id = segment.archive_file
WHERE segment.tenant = $1 AND position > $2 AND position <= $3
  AND ($4::int[] IS NULL OR partition = ANY ($4))
  AND time_max_us >= $5 AND time_min_us < $6
ORDER BY position, partition, first_offset;

-- name: intake_counts
-- What came in, by source.
SELECT source, accepted_count, duplicate_count, quarantined_count, replayed_count, discarded_count, expired_count
FROM intake
WHERE tenant = $1
ORDER BY source;

-- name: intake_reasons
-- Why events were refused, by source.
SELECT source, reason, quarantined_count
FROM intake_reason
WHERE tenant = $1
ORDER BY source, reason;

-- name: intake_cleaning
-- What was cleaned, by source, rule and field.
SELECT source, rule, field, cleaned_count
FROM intake_cleaning
WHERE tenant = $1
ORDER BY source, rule, field;

-- name: sources
-- Every source of the tenant.
SELECT source, kind, source.title_en, source.title_zh, dedup_horizon_us, time_earliest_us, future_tolerance_us,
       policies, subject, mapping, cleaning, quality, silent_after_us, events_per_s, bytes_per_s,
       entity_keys, archive_after_us, revision, source.created_at, survey.items, form.items AS form_items, form.object_kind AS observed_kind,
       feed.document AS feed
FROM source LEFT JOIN survey USING (tenant, source) LEFT JOIN form USING (tenant, source)
LEFT JOIN feed USING (tenant, source)
WHERE tenant = $1
ORDER BY source;

-- name: source
-- One source of the tenant.
SELECT source, kind, source.title_en, source.title_zh, dedup_horizon_us, time_earliest_us, future_tolerance_us,
       policies, subject, mapping, cleaning, quality, silent_after_us, events_per_s, bytes_per_s,
       entity_keys, archive_after_us, revision, source.created_at, survey.items, form.items AS form_items, form.object_kind AS observed_kind,
       feed.document AS feed
FROM source LEFT JOIN survey USING (tenant, source) LEFT JOIN form USING (tenant, source)
LEFT JOIN feed USING (tenant, source)
WHERE tenant = $1 AND source = $2;

-- name: create_source
-- A new source; nothing is returned where it exists.
INSERT INTO source (tenant, source, kind, title_en, title_zh, dedup_horizon_us, time_earliest_us,
                    future_tolerance_us, policies, subject, mapping, cleaning, quality, silent_after_us,
                    events_per_s, bytes_per_s, entity_keys, archive_after_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13::jsonb, $14, $15, $16, $17::jsonb, $18)
ON CONFLICT (tenant, source) DO NOTHING
RETURNING created_at;

-- name: update_source
-- Replaces what can be changed of a source, if it is as it was read.
UPDATE source
SET kind = $4, title_en = $5, title_zh = $6, dedup_horizon_us = $7, time_earliest_us = $8,
    future_tolerance_us = $9, policies = $10, subject = $11, mapping = $12, cleaning = $13::jsonb,
    quality = $14::jsonb, silent_after_us = $15, events_per_s = $16, bytes_per_s = $17, entity_keys = $18::jsonb,
    archive_after_us = $19, revision = revision + 1
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
-- Refused events after a place, oldest first; as many as fit into so many bytes, one at least.
SELECT quarantine_id, position, source, batch_index, field, reason, sealed, corrected, quarantined_at, state,
       received_count, revision
FROM (
    SELECT *, sum(octet_length(sealed) + coalesce(octet_length(corrected), 0)) OVER (
                  ORDER BY position, quarantine_id
              ) - octet_length(sealed) - coalesce(octet_length(corrected), 0) AS bytes_before
    FROM quarantine
    WHERE tenant = $1
      AND ($2::text[] IS NULL OR source = ANY ($2))
      AND ($3::text[] IS NULL OR reason = ANY ($3))
      AND ($4 = '' OR field = $4)
      AND quarantined_at >= $5 AND quarantined_at < $6
      AND state = ANY ($7::smallint[])
      AND (position, quarantine_id) > ($8, $9)
    ORDER BY position, quarantine_id
    LIMIT $10
) AS page
WHERE bytes_before < $11
ORDER BY position, quarantine_id;

-- name: quarantined_before
-- Refused events before a place, newest first; as many as fit into so many bytes, one at least.
SELECT quarantine_id, position, source, batch_index, field, reason, sealed, corrected, quarantined_at, state,
       received_count, revision
FROM (
    SELECT *, sum(octet_length(sealed) + coalesce(octet_length(corrected), 0)) OVER (
                  ORDER BY position DESC, quarantine_id DESC
              ) - octet_length(sealed) - coalesce(octet_length(corrected), 0) AS bytes_before
    FROM quarantine
    WHERE tenant = $1
      AND ($2::text[] IS NULL OR source = ANY ($2))
      AND ($3::text[] IS NULL OR reason = ANY ($3))
      AND ($4 = '' OR field = $4)
      AND quarantined_at >= $5 AND quarantined_at < $6
      AND state = ANY ($7::smallint[])
      AND (position, quarantine_id) < ($8, $9)
    ORDER BY position DESC, quarantine_id DESC
    LIMIT $10
) AS page
WHERE bytes_before < $11
ORDER BY position DESC, quarantine_id DESC;

-- name: quarantined_count
-- How many refused events a filter selects.
SELECT count(*)
FROM quarantine
WHERE tenant = $1
  AND ($2::text[] IS NULL OR source = ANY ($2))
  AND ($3::text[] IS NULL OR reason = ANY ($3))
  AND ($4 = '' OR field = $4)
  AND quarantined_at >= $5 AND quarantined_at < $6
  AND state = ANY ($7::smallint[]);

-- name: quarantine_counts
-- The same, by source, reason, field and state.
SELECT source, reason, field, state, count(*) AS entry_count, sum(received_count)::bigint AS event_count,
       min(quarantined_at) AS oldest
FROM quarantine
WHERE tenant = $1
  AND ($2::text[] IS NULL OR source = ANY ($2))
  AND ($3::text[] IS NULL OR reason = ANY ($3))
  AND ($4 = '' OR field = $4)
  AND quarantined_at >= $5 AND quarantined_at < $6
  AND state = ANY ($7::smallint[])
GROUP BY source, reason, field, state
ORDER BY entry_count DESC, source, reason, field, state;

-- name: quarantined_named
-- Some refused events by their ids, after a place, oldest first; as many as fit, one at least.
SELECT quarantine_id, position, source, batch_index, field, reason, sealed, corrected, quarantined_at, state,
       received_count, revision
FROM (
    SELECT *, sum(octet_length(sealed) + coalesce(octet_length(corrected), 0)) OVER (
                  ORDER BY position, quarantine_id
              ) - octet_length(sealed) - coalesce(octet_length(corrected), 0) AS bytes_before
    FROM quarantine
    WHERE tenant = $1 AND quarantine_id = ANY ($2::text[]) AND state = ANY ($3::smallint[])
      AND (position, quarantine_id) > ($4, $5)
    ORDER BY position, quarantine_id
    LIMIT $6
) AS page
WHERE bytes_before < $7
ORDER BY position, quarantine_id;

-- name: known_entries
-- Those of some ids that there are, with their revisions.
SELECT quarantine_id, revision
FROM quarantine
WHERE tenant = $1 AND quarantine_id = ANY ($2::text[]);

-- name: quarantine_decisions
-- What was decided about a refused event.
SELECT state, actor, reason, request_id, decided_at
FROM quarantine_decision
WHERE tenant = $1 AND quarantine_id = $2
ORDER BY revision;

-- name: open_entries
-- Those of some entries that are open and as they were read; nobody else changes them until this transaction is over.
SELECT quarantine_id
FROM quarantine
JOIN unnest($2::text[], $3::bigint[]) AS asked (quarantine_id, revision) USING (quarantine_id, revision)
WHERE tenant = $1 AND state IN (1, 2)
ORDER BY quarantine_id
FOR UPDATE OF quarantine;

-- name: correct_entries
-- Stores corrections of entries that are open and as they were read.
WITH moved AS (
    UPDATE quarantine AS known
    SET corrected = given.corrected, state = 2, revision = known.revision + 1
    FROM unnest($2::text[], $3::bigint[], $4::bytea[]) AS given (quarantine_id, revision, corrected)
    WHERE known.tenant = $1 AND known.quarantine_id = given.quarantine_id AND known.revision = given.revision
      AND known.state IN (1, 2)
    RETURNING known.quarantine_id, known.revision
), decided AS (
    INSERT INTO quarantine_decision (tenant, quarantine_id, revision, state, actor, reason, request_id)
    SELECT $1, quarantine_id, revision, 2, $5, $6, $7
    FROM moved
)
SELECT count(*)
FROM moved;

-- name: discard_entries
-- Discards entries that are open and as they were read.
WITH moved AS (
    UPDATE quarantine AS known
    SET state = 4, revision = known.revision + 1
    FROM unnest($2::text[], $3::bigint[]) AS given (quarantine_id, revision)
    WHERE known.tenant = $1 AND known.quarantine_id = given.quarantine_id AND known.revision = given.revision
      AND known.state IN (1, 2)
    RETURNING known.quarantine_id, known.revision, known.source, known.received_count
), decided AS (
    INSERT INTO quarantine_decision (tenant, quarantine_id, revision, state, actor, reason, request_id)
    SELECT $1, quarantine_id, revision, 4, $4, $5, $6
    FROM moved
), counted AS (
    UPDATE intake AS known
    SET discarded_count = known.discarded_count + came.times
    FROM (SELECT source, sum(received_count)::bigint AS times FROM moved GROUP BY source) AS came
    WHERE known.tenant = $1 AND known.source = came.source
)
SELECT count(*)
FROM moved;

-- name: release_entries
-- Entries whose events the log has now: one event of each is accepted or a duplicate, further ones are duplicates. They leave
-- the source and reason that they were refused under.
WITH moved AS (
    UPDATE quarantine AS known
    SET state = 3, revision = known.revision + 1
    FROM unnest($2::text[], $3::text[], $4::boolean[]) AS given (quarantine_id, source, accepted)
    WHERE known.tenant = $1 AND known.quarantine_id = given.quarantine_id
    RETURNING known.quarantine_id, known.revision, known.source, known.reason, known.received_count,
              given.source AS new_source, given.accepted
), decided AS (
    INSERT INTO quarantine_decision (tenant, quarantine_id, revision, state, actor, reason, request_id)
    SELECT $1, quarantine_id, revision, 3, $5, $6, $7
    FROM moved
), unreasoned AS (
    UPDATE intake_reason AS known
    SET quarantined_count = known.quarantined_count - came.times
    FROM (SELECT source, reason, sum(received_count)::bigint AS times FROM moved GROUP BY source, reason) AS came
    WHERE known.tenant = $1 AND known.source = came.source AND known.reason = came.reason
), counts AS (
    SELECT source, sum(accepted) AS accepted, sum(duplicate) AS duplicate, sum(quarantined) AS quarantined
    FROM (
        SELECT new_source AS source, accepted::int AS accepted, received_count - accepted::int AS duplicate,
               0 AS quarantined
        FROM moved
        UNION ALL
        SELECT source, 0, 0, received_count
        FROM moved
    ) AS both_sides
    GROUP BY source
)
INSERT INTO intake AS known (tenant, source, accepted_count, duplicate_count, quarantined_count, replayed_count)
SELECT $1, source, accepted, duplicate, -quarantined, accepted + duplicate
FROM counts
ON CONFLICT (tenant, source) DO UPDATE
SET accepted_count = known.accepted_count + EXCLUDED.accepted_count,
    duplicate_count = known.duplicate_count + EXCLUDED.duplicate_count,
    quarantined_count = known.quarantined_count + EXCLUDED.quarantined_count,
    replayed_count = known.replayed_count + EXCLUDED.replayed_count;

-- name: entries_before
-- Entries that were refused before a moment, oldest first.
SELECT quarantine_id
FROM quarantine
WHERE tenant = $1 AND quarantined_at < $2
ORDER BY quarantined_at
LIMIT $3;

-- name: delete_entries
-- Deletes entries; open ones are counted as expired, and discarded ones stay counted as discarded.
WITH gone AS (
    DELETE FROM quarantine
    WHERE tenant = $1 AND quarantine_id = ANY ($2::text[])
    RETURNING source, state, received_count
), counted AS (
    UPDATE intake AS known
    SET expired_count = known.expired_count + came.times
    FROM (
        SELECT source, sum(received_count)::bigint AS times
        FROM gone
        WHERE state IN (1, 2)
        GROUP BY source
    ) AS came
    WHERE known.tenant = $1 AND known.source = came.source
)
SELECT count(*) AS entry_count, coalesce(sum(received_count) FILTER (WHERE state IN (1, 2)), 0)::bigint AS open_count
FROM gone;

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

-- name: vocabulary
-- Everything that is recorded of what a log's events are called.
SELECT kind, name, value
FROM vocabulary
WHERE tenant = $1;

-- name: record_vocabulary
-- Names that were met for the first time; other processes may have met them as well, or know that values are not recorded.
INSERT INTO vocabulary (tenant, kind, name, value)
SELECT $1, given.kind, given.name, given.value
FROM unnest($2::text[], $3::text[], $4::text[]) AS given (kind, name, value)
WHERE given.kind <> 'value'
    OR NOT EXISTS (
        SELECT FROM vocabulary AS known
        WHERE known.tenant = $1 AND known.kind = 'many' AND known.name = given.name
    )
ON CONFLICT DO NOTHING;

-- name: drop_vocabulary_values
-- Of attributes that turned out to have many values, which nobody looks through, or to name persons.
DELETE FROM vocabulary
WHERE tenant = $1 AND kind = 'value' AND name = ANY ($2::text[]);

-- name: create_survey
-- A new survey; it is answered from a position of the log on.
INSERT INTO survey (tenant, source, title_en, title_zh, frame_en, frame_zh, frame_size, items, position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)
RETURNING created_at;

-- name: survey
-- One survey.
SELECT source, title_en, title_zh, frame_en, frame_zh, frame_size, items, created_at
FROM survey
WHERE tenant = $1 AND source = $2;

-- name: surveys
-- Surveys after a name, in order.
SELECT source, title_en, title_zh, frame_en, frame_zh, frame_size, items, created_at
FROM survey
WHERE tenant = $1 AND source > $2
ORDER BY source
LIMIT $3;

-- name: lock_survey
-- Through which position responses are stored, held in place until this transaction is over.
SELECT position
FROM survey
WHERE tenant = $1 AND source = $2
FOR UPDATE;

-- name: source_commits
-- Where events of a source were written.
SELECT position
FROM commit
WHERE tenant = $1 AND $2 = ANY (sources) AND position > $3 AND position <= $4
ORDER BY position
LIMIT $5;

-- name: store_responses
-- What the log says of responses; in any order, it ends as the same.
INSERT INTO survey_response AS known (tenant, source, response_id, state, time_us, answers, replaces)
SELECT $1, $2, came.*
FROM unnest($3::text[], $4::smallint[], $5::bigint[], $6::bytea[], $7::text[])
     AS came (response_id, state, time_us, answers, replaces)
ON CONFLICT (tenant, source, response_id) DO UPDATE
SET state = greatest(known.state, EXCLUDED.state),
    time_us = coalesce(EXCLUDED.time_us, known.time_us),
    answers = coalesce(EXCLUDED.answers, known.answers),
    replaces = coalesce(nullif(EXCLUDED.replaces, ''), known.replaces);

-- name: move_survey
-- Responses are stored through here.
UPDATE survey
SET position = $3
WHERE tenant = $1 AND source = $2;

-- name: survey_answers
-- Current responses of a span of time, after an id, in order.
SELECT response_id, state, time_us, answers, replaces
FROM survey_response
WHERE tenant = $1 AND source = $2 AND state = 1 AND time_us >= $3 AND time_us < $4 AND response_id > $5
ORDER BY response_id
LIMIT $6;

-- name: uninvited_responses
-- How many current responses of a span of time answer no invitation; a response that replaces one that does, does as well.
WITH RECURSIVE chain AS (
    SELECT response_id AS current_id, response_id AS earlier_id
    FROM survey_response
    WHERE tenant = $1 AND source = $2 AND state = 1 AND time_us >= $3 AND time_us < $4
    UNION
    SELECT chain.current_id, response.replaces
    FROM chain
    JOIN survey_response AS response
      ON response.tenant = $1 AND response.source = $2 AND response.response_id = chain.earlier_id
    WHERE response.replaces <> ''
)
SELECT count(DISTINCT chain.current_id) - count(DISTINCT chain.current_id) FILTER (WHERE invited.invitation_id IS NOT NULL)
FROM chain
LEFT JOIN survey_invitation AS invited
  ON invited.tenant = $1 AND invited.source = $2 AND invited.invitation_id = chain.earlier_id;

-- name: create_invitations
-- New invitations of one segment.
INSERT INTO survey_invitation (tenant, source, invitation_id, segment)
SELECT $1, $2, given.invitation_id, $4
FROM unnest($3::text[]) AS given (invitation_id);

-- name: invitations
-- Invitations of some states after an id, in order.
SELECT invitation_id, segment, state, invited_at
FROM (
    SELECT invited.invitation_id, invited.segment, invited.invited_at,
           CASE WHEN response.state < 3 THEN 2 ELSE invited.state END AS state
    FROM survey_invitation AS invited
    LEFT JOIN survey_response AS response
      ON response.tenant = $1 AND response.source = $2 AND response.response_id = invited.invitation_id
    WHERE invited.tenant = $1 AND invited.source = $2 AND invited.invitation_id > $4
) AS page
WHERE state = ANY ($3::smallint[])
ORDER BY invitation_id
LIMIT $5;

-- name: known_invitations
-- Those of some ids that there are.
SELECT invitation_id
FROM survey_invitation
WHERE tenant = $1 AND source = $2 AND invitation_id = ANY ($3::text[]);

-- name: move_invitations
-- What became of some invitations; returned are those that were in another state.
UPDATE survey_invitation
SET state = $4
WHERE tenant = $1 AND source = $2 AND invitation_id = ANY ($3::text[]) AND state <> $4
RETURNING invitation_id;

-- name: invitation_tallies
-- Invitations by segment and what became of them.
SELECT invited.segment,
       count(*) FILTER (WHERE response.state < 3) AS answered,
       count(*) FILTER (WHERE invited.state = 1 AND response.state IS DISTINCT FROM 1
                          AND response.state IS DISTINCT FROM 2) AS open,
       count(*) FILTER (WHERE invited.state = 4 AND response.state IS DISTINCT FROM 1
                          AND response.state IS DISTINCT FROM 2) AS refused,
       count(*) FILTER (WHERE invited.state = 3 AND response.state IS DISTINCT FROM 1
                          AND response.state IS DISTINCT FROM 2) AS undeliverable
FROM survey_invitation AS invited
LEFT JOIN survey_response AS response
  ON response.tenant = $1 AND response.source = $2 AND response.response_id = invited.invitation_id
WHERE invited.tenant = $1 AND invited.source = $2
GROUP BY invited.segment
ORDER BY invited.segment;

-- name: persons
-- The secrets of some persons, by the keyed hashes of the values that name them.
SELECT person, reference, version, secret
FROM person
WHERE tenant = $1 AND person = ANY ($2::bytea[]);

-- name: create_persons
-- New persons; one that another process has made meanwhile stays as it is.
INSERT INTO person (tenant, person, reference, version, secret)
SELECT $1, made.person, made.reference, made.version, made.secret
FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[]) AS made (person, reference, version, secret)
ON CONFLICT (tenant, person) DO NOTHING;

-- name: persons_by_reference
-- The secrets of the persons that encrypted values refer to.
SELECT person, reference, version, secret
FROM person
WHERE tenant = $1 AND reference = ANY ($2::bytea[]);

-- name: persons_before_version
-- Persons whose secret still gives pseudonyms of periods before this one, some at a time.
SELECT person, reference, version, secret
FROM person
WHERE tenant = $1 AND version < $2
LIMIT $3;

-- name: advance_person
-- Replaces a secret by that of a later period.
UPDATE person
SET version = $3, secret = $4
WHERE tenant = $1 AND person = $2 AND version < $3;

-- name: erase_persons
-- Destroys secrets; how many there were.
WITH gone AS (
    DELETE FROM person
    WHERE tenant = $1 AND person = ANY ($2::bytea[])
    RETURNING person
)
SELECT count(*) FROM gone;

-- name: sealed_events
-- Refused events after a position and id, in order, as they came and as corrected, some at a time.
SELECT position, quarantine_id, sealed, corrected
FROM quarantine
WHERE tenant = $1 AND (position, quarantine_id) > ($2, $3)
ORDER BY position, quarantine_id
LIMIT $4;

-- name: record_erasure
-- The certificate of an erasure.
INSERT INTO erasure (
    tenant, erasure_id, erased_at, actor, reason, value_count, person_count, quarantined_count, vocabulary_count, position
)
VALUES ($1, $2, now(), $3, $4, $5, $6, $7, $8, $9)
RETURNING erased_at;

-- name: last_erasure
-- Where the log was at the last erasure: what a process remembers of persons is as old as the one that it knows.
SELECT coalesce(max(position), 0)
FROM erasure
WHERE tenant = $1;

-- name: erasures
-- Certificates before a position and id, newest first.
SELECT erasure_id, erased_at, actor, reason, value_count, person_count, quarantined_count, vocabulary_count, position
FROM erasure
WHERE tenant = $1 AND (position, erasure_id) < ($2, $3)
ORDER BY position DESC, erasure_id DESC
LIMIT $4;

-- name: erasure
-- One certificate.
SELECT erasure_id, erased_at, actor, reason, value_count, person_count, quarantined_count, vocabulary_count, position
FROM erasure
WHERE tenant = $1 AND erasure_id = $2;

-- name: quality_days
-- Quality of days in a span, by day and source, after a place.
SELECT source, day, accepted_count, duplicate_count, refused_count, replayed_count, correction_count, retraction_count,
       failed, delays, position
FROM data_quality
WHERE tenant = $1 AND ($2::text[] IS NULL OR source = ANY ($2)) AND day >= $3 AND day < $4 AND (day, source) > ($5, $6)
ORDER BY day, source
LIMIT $7;

-- name: quality_changed
-- Quality of the days that commits after a position changed, by position; all of a position or none of it.
SELECT source, day, accepted_count, duplicate_count, refused_count, replayed_count, correction_count, retraction_count,
       failed, delays, position
FROM data_quality
WHERE tenant = $1 AND ($2::text[] IS NULL OR source = ANY ($2)) AND position > $3 AND position <= $4
ORDER BY position
FETCH FIRST ($5) ROWS WITH TIES;

-- name: quality_fields
-- Which fields are at fault on some days.
SELECT source, day, dimension, field, failed_count
FROM data_quality_field
JOIN unnest($2::text[], $3::int[]) AS asked (source, day) USING (source, day)
WHERE tenant = $1
ORDER BY source, day, dimension, field;

-- name: claimable_quality
-- Days before one that changed since they were published, the oldest first, where nothing waits to be published.
SELECT source, day, accepted_count, duplicate_count, refused_count, replayed_count, correction_count, retraction_count,
       failed, delays, position, revision + 1 AS revision
FROM data_quality
WHERE tenant = $1 AND day < $2 AND source <> '' AND position > claimed_position AND pending IS NULL
ORDER BY day, source
LIMIT $3;

-- name: claim_quality
-- What is to be published of some days.
UPDATE data_quality AS known
SET revision = made.revision, claimed_position = made.position, pending = made.event
FROM unnest($2::text[], $3::int[], $4::int[], $5::bigint[], $6::bytea[]) AS made (source, day, revision, position, event)
WHERE known.tenant = $1 AND known.source = made.source AND known.day = made.day;

-- name: pending_quality
-- What is to be published, the oldest first.
SELECT source, day, revision, pending
FROM data_quality
WHERE tenant = $1 AND pending IS NOT NULL
ORDER BY day, source
LIMIT $2;

-- name: published_quality
-- What is published of some days.
UPDATE data_quality AS known
SET pending = NULL
FROM unnest($2::text[], $3::int[], $4::int[]) AS done (source, day, revision)
WHERE known.tenant = $1 AND known.source = done.source AND known.day = done.day AND known.revision = done.revision;

-- name: source_hours
-- When something came of some sources, by hour.
SELECT source, array_agg(hour ORDER BY hour) AS hours, array_agg(received_count ORDER BY hour) AS counts,
       max(last_at) AS last_at
FROM source_hour
WHERE tenant = $1 AND ($2::text[] IS NULL OR source = ANY ($2)) AND source > $3
GROUP BY source
ORDER BY source
LIMIT $4;

-- name: expire_source_hours
-- Forgets what lies so many hours before the last one of its source.
DELETE FROM source_hour AS old
USING (SELECT source, max(hour) AS hour FROM source_hour WHERE tenant = $1 GROUP BY source) AS newest
WHERE old.tenant = $1 AND old.source = newest.source AND old.hour < newest.hour - $2::int;

-- name: take_quota
-- Takes events and bytes out of a balance; above 0: nothing was taken, and nothing can be for so many seconds.
SELECT take_quota($1, $2, $3, $4, $5, $6, $7);

-- name: create_form
-- A new form; it is filled in from a position of the log on.
INSERT INTO form (tenant, source, title_en, title_zh, object_kind, items, plan, position)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8);

-- name: form
-- One form.
SELECT source, title_en, title_zh, object_kind, items, plan, created_at
FROM form
WHERE tenant = $1 AND source = $2;

-- name: forms
-- Forms after a name, in order.
SELECT source, title_en, title_zh, object_kind, items, plan, created_at
FROM form
WHERE tenant = $1 AND source > $2
ORDER BY source
LIMIT $3;

-- name: lock_form
-- Through which position observations are stored, held in place until this transaction is over.
SELECT position
FROM form
WHERE tenant = $1 AND source = $2
FOR UPDATE;

-- name: store_observations
-- What the log says of observations; in any order, it ends as the same.
INSERT INTO form_observation AS known
       (tenant, source, observation_id, state, time_us, grades, replaces, case_id, rater, object, place)
SELECT $1, $2, came.*
FROM unnest($3::text[], $4::smallint[], $5::bigint[], $6::bytea[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
     AS came (observation_id, state, time_us, grades, replaces, case_id, rater, object, place)
ON CONFLICT (tenant, source, observation_id) DO UPDATE
SET state = greatest(known.state, EXCLUDED.state),
    time_us = coalesce(EXCLUDED.time_us, known.time_us),
    grades = coalesce(EXCLUDED.grades, known.grades),
    replaces = coalesce(nullif(EXCLUDED.replaces, ''), known.replaces),
    case_id = coalesce(nullif(EXCLUDED.case_id, ''), known.case_id),
    rater = coalesce(nullif(EXCLUDED.rater, ''), known.rater),
    object = coalesce(nullif(EXCLUDED.object, ''), known.object),
    place = coalesce(nullif(EXCLUDED.place, ''), known.place);

-- name: move_form
-- Observations are stored through here.
UPDATE form
SET position = $3
WHERE tenant = $1 AND source = $2;

-- name: observations
-- Current observations of a span of time, after an id, in order.
SELECT observation_id AS response_id, state, time_us, grades AS answers, replaces, case_id, rater, object, place
FROM form_observation
WHERE tenant = $1 AND source = $2 AND state = 1 AND time_us >= $3 AND time_us < $4 AND observation_id > $5
ORDER BY observation_id
LIMIT $6;

-- name: commits_among
-- Those of some commits in which events of a source were written.
SELECT position
FROM commit
WHERE tenant = $1 AND position = ANY ($3::bigint[]) AND $2 = ANY (sources)
ORDER BY position;

-- name: create_entity
-- A new entity.
INSERT INTO entity (tenant, entity_id, kind, title_en, title_zh)
VALUES ($1, $2, $3, $4, $5);

-- name: entity
-- One entity.
SELECT entity_id, kind, title_en, title_zh, merged_into, created_at,
       (SELECT count(*) FROM entity_link AS link
        WHERE link.tenant = $1 AND link.entity_id = $2 AND link.until IS NULL) AS key_count
FROM entity
WHERE tenant = $1 AND entity_id = $2;

-- name: entities
-- Entities after an id, in order, of a kind or of all; without those that were merged.
SELECT entity_id, kind, title_en, title_zh, merged_into, created_at,
       (SELECT count(*) FROM entity_link AS link
        WHERE link.tenant = $1 AND link.entity_id = entity.entity_id AND link.until IS NULL) AS key_count
FROM entity
WHERE tenant = $1 AND ($2::smallint IS NULL OR kind = $2) AND entity_id > $3 AND merged_into = ''
ORDER BY entity_id
LIMIT $4;

-- name: entity_history
-- The latest links of an entity.
SELECT source, field, key, since, until, entity_id, kind, linked_at, linked_by, unlinked_at, unlinked_by, moved_from, moved_to
FROM entity_link
WHERE tenant = $1 AND entity_id = $2
ORDER BY changed DESC, source DESC, field DESC, key DESC, since DESC
LIMIT $3;

-- name: current_links
-- What some keys mean today.
SELECT link.source, link.field, link.key, since, until, entity_id, kind
FROM unnest($2::text[], $3::text[], $4::text[]) AS asked (source, field, key)
JOIN entity_link AS link
  ON link.tenant = $1 AND link.source = asked.source AND link.field = asked.field AND link.key = asked.key AND link.until IS NULL;

-- name: keys_of_entity
-- Today.
SELECT source, field, key
FROM entity_link
WHERE tenant = $1 AND entity_id = $2 AND until IS NULL
ORDER BY source, field, key;

-- name: link_keys
-- Keys become those of an entity, from a position on.
INSERT INTO entity_link (tenant, source, field, key, since, entity_id, kind, linked_by, moved_from)
SELECT $1, given.source, given.field, given.key, $5, $6, $7, $8, $9
FROM unnest($2::text[], $3::text[], $4::text[]) AS given (source, field, key);

-- name: unlink_keys
-- Keys are no longer those of their entities, from a position on.
UPDATE entity_link AS link
SET until = $5, unlinked_at = now(), unlinked_by = $6, moved_to = $7
FROM unnest($2::text[], $3::text[], $4::text[]) AS given (source, field, key)
WHERE link.tenant = $1 AND link.source = given.source AND link.field = given.field AND link.key = given.key
  AND link.until IS NULL;

-- name: merge_entity
-- An entity gives its keys to another for good.
UPDATE entity
SET merged_into = $3
WHERE tenant = $1 AND entity_id = $2;

-- name: restate_keys
-- Cases of events of these keys, by source and field, are to be restated.
INSERT INTO entity_restatement (tenant, since, source, field, keys, through, done)
SELECT $1, $5, given.source, given.field, array_agg(given.key ORDER BY given.key), $5, 0
FROM unnest($2::text[], $3::text[], $4::text[]) AS given (source, field, key)
GROUP BY given.source, given.field;

-- name: link_changes
-- Links that began or ended, in order of change, after a place in that order.
SELECT source, field, key, since, until, entity_id, kind, changed
FROM entity_link
WHERE tenant = $1 AND (changed, source, field, key, since) > ($2::bigint, $3::text, $4::text, $5::text, $6::bigint)
ORDER BY changed, source, field, key, since
LIMIT $7;

-- name: restatements
-- What is to be restated, oldest first.
SELECT since, source, field, keys, through, done
FROM entity_restatement
WHERE tenant = $1
ORDER BY since, source, field
LIMIT $2;

-- name: move_restatement
-- Cases are restated through here.
UPDATE entity_restatement
SET done = greatest(done, $5)
WHERE tenant = $1 AND since = $2 AND source = $3 AND field = $4;

-- name: end_restatement
-- All of its cases are restated.
DELETE FROM entity_restatement
WHERE tenant = $1 AND since = $2 AND source = $3 AND field = $4;

-- name: begin_key_reading
-- The keys of a source are counted from its first event on.
INSERT INTO entity_key_reading (tenant, source, position)
VALUES ($1, $2, 0)
ON CONFLICT (tenant, source) DO NOTHING;

-- name: lock_key_reading
-- Through which position keys are counted, held in place until this transaction is over.
SELECT position
FROM entity_key_reading
WHERE tenant = $1 AND source = $2
FOR UPDATE;

-- name: move_key_reading
-- Keys are counted through here.
UPDATE entity_key_reading
SET position = $3
WHERE tenant = $1 AND source = $2;

-- name: count_keys
-- Events by key.
INSERT INTO entity_key_count AS known (tenant, source, field, key, kind, raw, event_count)
SELECT $1, $2, came.*
FROM unnest($3::text[], $4::text[], $5::smallint[], $6::text[], $7::bigint[]) AS came (field, key, kind, raw, event_count)
ON CONFLICT (tenant, source, field, key) DO UPDATE
SET event_count = known.event_count + EXCLUDED.event_count, kind = EXCLUDED.kind;

-- name: unmapped_keys
-- Keys without an entity, most frequent first, after one of them.
SELECT counted.source, counted.field, counted.key, counted.kind, raw, event_count
FROM entity_key_count AS counted
WHERE tenant = $1
  AND ($2::text IS NULL OR counted.source = $2)
  AND ($3::smallint IS NULL OR counted.kind = $3)
  AND (-event_count, counted.source, counted.field, counted.key) > ($4::bigint, $5::text, $6::text, $7::text)
  AND NOT EXISTS (
      SELECT FROM entity_link AS link
      WHERE link.tenant = $1 AND link.source = counted.source AND link.field = counted.field AND link.key = counted.key
        AND link.until IS NULL
  )
ORDER BY -event_count, counted.source, counted.field, counted.key
LIMIT $8;

-- name: create_feed
-- A new KPI feed.
INSERT INTO feed (tenant, source, title_en, title_zh, document)
VALUES ($1, $2, $3, $4, $5::jsonb);

-- name: feed
-- One KPI feed.
SELECT source, title_en, title_zh, document, created_at
FROM feed
WHERE tenant = $1 AND source = $2;

-- name: feeds
-- KPI feeds after a name, in order.
SELECT source, title_en, title_zh, document, created_at
FROM feed
WHERE tenant = $1 AND source > $2
ORDER BY source
LIMIT $3;

-- name: replace_feed
-- Title and series of a KPI feed.
UPDATE feed
SET title_en = $3, title_zh = $4, document = $5::jsonb
WHERE tenant = $1 AND source = $2;

-- name: archivable_commits
-- Commits whose events are here and are older than each of their sources says ($3: than sources say that say nothing; 0: never).
SELECT commit.position, commit.byte_count
FROM commit
JOIN (
    SELECT DISTINCT position
    FROM segment
    WHERE tenant = $1 AND archive_file IS NULL
) AS here USING (position)
WHERE tenant = $1
  AND NOT EXISTS (
      SELECT FROM unnest(commit.sources) AS came (source)
      LEFT JOIN source ON source.tenant = $1 AND source.source = came.source
      WHERE coalesce(source.archive_after_us, $3) = 0
         OR committed_at > $2::timestamptz
            - make_interval(secs => coalesce(source.archive_after_us, $3)::double precision / 1000000)
  )
ORDER BY commit.position
LIMIT $4;

-- name: segments_to_archive
-- The segments of some commits whose events are here.
SELECT position, partition, first_offset, events
FROM segment
WHERE tenant = $1 AND position = ANY ($2::bigint[]) AND archive_file IS NULL
ORDER BY position, partition, first_offset;

-- name: create_archive_file
-- A file that is stored; one of the same name has the same content, so what it was made of is archived already.
INSERT INTO archive_file (tenant, key, commit_first, commit_last, segment_count, event_count, byte_count, sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant, key) DO NOTHING
RETURNING file_id;

-- name: move_segments
-- The events of these segments are in a file from now on.
UPDATE segment
SET events = '', archive_file = $2, archive_group = moved.archive_group
FROM unnest($3::bigint[], $4::int[], $5::bigint[], $6::int[])
    AS moved (position, partition, first_offset, archive_group)
WHERE segment.tenant = $1 AND segment.position = moved.position AND segment.partition = moved.partition
  AND segment.first_offset = moved.first_offset AND segment.archive_file IS NULL
RETURNING segment.position;

-- name: archive_files
-- Files after one of them, oldest first.
SELECT file_id, key, segment_count, event_count, byte_count, sha256, archived_at,
       (SELECT committed_at FROM commit WHERE commit.tenant = $1 AND position = commit_first) AS first_at,
       (SELECT committed_at FROM commit WHERE commit.tenant = $1 AND position = commit_last) AS last_at
FROM archive_file
WHERE tenant = $1 AND file_id > $2
ORDER BY file_id
LIMIT $3;

-- name: archive_totals
-- How much is archived.
SELECT count(*) AS files, coalesce(sum(event_count), 0)::bigint AS events, coalesce(sum(byte_count), 0)::bigint AS bytes
FROM archive_file
WHERE tenant = $1;

-- name: create_transfer
-- A new transfer; one that failed or was cancelled begins again, any other stays as it is.
INSERT INTO transfer (tenant, transfer_id, state, byte_count, request, report)
VALUES ($1, $2, 1, $3, $4, $5)
ON CONFLICT (tenant, transfer_id) DO UPDATE
SET state = 1, uploaded_bytes = 0, request = EXCLUDED.request, report = EXCLUDED.report, reader = NULL,
    reader_until = NULL, attempts = 0, created_at = now(), updated_at = now()
WHERE transfer.state IN (4, 5);

-- name: transfer
-- One transfer.
SELECT transfer_id, sequence, state, byte_count, uploaded_bytes, request, report, attempts, created_at, updated_at
FROM transfer
WHERE tenant = $1 AND transfer_id = $2;

-- name: transfers
-- Transfers before one of them, newest first.
SELECT transfer_id, sequence, state, byte_count, uploaded_bytes, request, report, attempts, created_at, updated_at
FROM transfer
WHERE tenant = $1 AND sequence < $2
ORDER BY sequence DESC
LIMIT $3;

-- name: extend_transfer
-- So many bytes more, if they are the next ones; the file is whole with the last of them.
UPDATE transfer
SET uploaded_bytes = uploaded_bytes + $4, updated_at = now(),
    state = CASE WHEN uploaded_bytes + $4 = byte_count THEN 2 ELSE 1 END
WHERE tenant = $1 AND transfer_id = $2 AND state = 1 AND uploaded_bytes = $3 AND uploaded_bytes + $4 <= byte_count
RETURNING uploaded_bytes;

-- name: add_transfer_chunk
-- Bytes of the file, encrypted.
INSERT INTO transfer_chunk (tenant, transfer_id, begin_byte, content)
VALUES ($1, $2, $3, $4);

-- name: transfer_chunk
-- The first bytes of the file at or after a place.
SELECT begin_byte, content
FROM transfer_chunk
WHERE tenant = $1 AND transfer_id = $2 AND begin_byte >= $3
ORDER BY begin_byte
LIMIT 1;

-- name: claim_transfer
-- The oldest transfer that is to be read and that nobody reads: the caller does from now on, for so long.
UPDATE transfer
SET reader = $2, reader_until = now() + make_interval(secs => $3), attempts = attempts + 1
WHERE tenant = $1 AND transfer_id = (
    SELECT transfer_id
    FROM transfer
    WHERE tenant = $1 AND state = 2 AND (reader_until IS NULL OR reader_until < now())
    ORDER BY sequence
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING transfer_id, sequence, state, byte_count, uploaded_bytes, request, report, attempts, created_at, updated_at;

-- name: report_transfer
-- How far its reader came; nothing is returned where it is another's by now, or is over.
UPDATE transfer
SET state = $4, report = $5, updated_at = now()
WHERE tenant = $1 AND transfer_id = $2 AND reader = $3 AND state = 2
RETURNING transfer_id;

-- name: renew_transfer
-- Its reader has it for so long from now; nothing is returned where it is another's by now, or is over.
UPDATE transfer
SET reader_until = now() + make_interval(secs => $4)
WHERE tenant = $1 AND transfer_id = $2 AND reader = $3 AND state = 2
RETURNING transfer_id;

-- name: cancel_transfer
-- Ends a transfer that is not over.
UPDATE transfer
SET state = 5, updated_at = now()
WHERE tenant = $1 AND transfer_id = $2 AND state IN (1, 2)
RETURNING transfer_id;

-- name: delete_transfer_chunks
-- What was uploaded of a transfer that is over.
DELETE FROM transfer_chunk
WHERE tenant = $1 AND transfer_id = $2;

-- name: abandoned_transfers
-- Transfers to which no byte came for so long.
SELECT transfer_id
FROM transfer
WHERE tenant = $1 AND state = 1 AND updated_at < now() - make_interval(secs => $2)
LIMIT 100;

-- name: create_benchmark
-- A new benchmark; nothing is returned where it exists.
INSERT INTO benchmark (tenant, name, document)
VALUES ($1, $2, $3)
ON CONFLICT (tenant, name) DO NOTHING
RETURNING name, document, revision, created_at, updated_at;

-- name: benchmark
-- One benchmark.
SELECT name, document, revision, created_at, updated_at
FROM benchmark
WHERE tenant = $1 AND name = $2;

-- name: benchmarks
-- Benchmarks after a name, in order.
SELECT name, document, revision, created_at, updated_at
FROM benchmark
WHERE tenant = $1 AND name > $2
ORDER BY name
LIMIT $3;

-- name: replace_benchmark
-- A new revision of a benchmark.
UPDATE benchmark
SET document = $3, revision = revision + 1, updated_at = now()
WHERE tenant = $1 AND name = $2
RETURNING name, document, revision, created_at, updated_at;

-- name: create_sensor_source
-- New sensors.
INSERT INTO sensor_source (tenant, source, title_en, title_zh, period_us, quantities)
VALUES ($1, $2, $3, $4, $5, $6::jsonb);

-- name: sensor_source
-- Sensors of one source.
SELECT source, title_en, title_zh, period_us, quantities, created_at
FROM sensor_source
WHERE tenant = $1 AND source = $2;

-- name: sensor_sources
-- Sensors after a name, in order.
SELECT source, title_en, title_zh, period_us, quantities, created_at
FROM sensor_source
WHERE tenant = $1 AND source > $2
ORDER BY source
LIMIT $3;
