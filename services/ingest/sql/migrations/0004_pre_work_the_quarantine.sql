-- Quarantine as a work list: each entry has a state, how often its event came, and all that was decided about it.

-- `state`: 1 pending, 2 corrected, 3 replayed, 4 discarded. `corrected` is the event as corrected, encrypted as `sealed` is.
ALTER TABLE quarantine
    ADD COLUMN state smallint NOT NULL DEFAULT 1,
    ADD COLUMN received_count bigint NOT NULL DEFAULT 1,
    ADD COLUMN corrected bytea,
    ADD COLUMN revision bigint NOT NULL DEFAULT 1;
CREATE INDEX quarantine_by_age ON quarantine (tenant, quarantined_at);

-- Who did what with an entry, and why. Deleted with the entry.
CREATE TABLE quarantine_decision (
    tenant text NOT NULL,
    quarantine_id text NOT NULL,
    revision bigint NOT NULL,
    state smallint NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    request_id uuid,
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, quarantine_id, revision),
    FOREIGN KEY (tenant, quarantine_id) REFERENCES quarantine (tenant, quarantine_id) ON DELETE CASCADE
);

ALTER TABLE quarantine_decision ENABLE ROW LEVEL SECURITY;
ALTER TABLE quarantine_decision FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quarantine_decision USING (tenant = current_setting('andon.tenant', true));

-- Of the events that were refused: how many left quarantine, were discarded, and expired.
ALTER TABLE intake
    ADD COLUMN replayed_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN discarded_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN expired_count bigint NOT NULL DEFAULT 0;

-- Refused events of one commit. The same event refused again for the same reason is the same entry, once more: one that was
-- discarded stays so, one that was replayed is open again.
CREATE FUNCTION quarantine_events(of_tenant text, at_position bigint, refused sealed_event[]) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    WITH came AS (
        SELECT DISTINCT ON (bad.quarantine_id)
               bad.*, count(*) OVER (PARTITION BY bad.quarantine_id) AS times
        FROM unnest(refused) AS bad
        ORDER BY bad.quarantine_id, bad.batch_index
    ), discarded AS (
        SELECT came.source, sum(came.times)::bigint AS times
        FROM came JOIN quarantine AS known ON known.tenant = of_tenant AND known.quarantine_id = came.quarantine_id
        WHERE known.state = 4
        GROUP BY came.source
    ), counted AS (
        UPDATE intake AS known
        SET discarded_count = known.discarded_count + discarded.times
        FROM discarded
        WHERE known.tenant = of_tenant AND known.source = discarded.source
    )
    INSERT INTO quarantine AS known (tenant, quarantine_id, position, source, batch_index, field, reason, sealed,
                                     received_count)
    SELECT of_tenant, came.quarantine_id, at_position, came.source, came.batch_index, came.field, came.reason,
           came.sealed, came.times
    FROM came
    ON CONFLICT (tenant, quarantine_id) DO UPDATE
    SET received_count = EXCLUDED.received_count + CASE known.state WHEN 3 THEN 0 ELSE known.received_count END,
        position = CASE known.state WHEN 3 THEN EXCLUDED.position ELSE known.position END,
        quarantined_at = CASE known.state WHEN 3 THEN now() ELSE known.quarantined_at END,
        revision = known.revision + CASE known.state WHEN 3 THEN 1 ELSE 0 END,
        state = CASE known.state WHEN 3 THEN CASE WHEN known.corrected IS NULL THEN 1 ELSE 2 END ELSE known.state END;
END
$$;

-- As before, and refused events are counted with their entry.
CREATE OR REPLACE FUNCTION record_receipt(
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
        PERFORM quarantine_events(of_tenant, at_position, given.refused);
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
