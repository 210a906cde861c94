-- What is done with each field of a source, and the persons whose secrets that needs.

-- `policies` is a JSON list of {field, treatment, band, leading_characters}; `subject` the field that names the person whose
-- key encrypts, or nothing: the case.
ALTER TABLE source
    DROP COLUMN resources_are_not_persons,
    DROP COLUMN personal_attributes,
    ADD COLUMN policies jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN subject text NOT NULL DEFAULT '';

-- Persons: a keyed hash of the value that names one, and the secret that its pseudonyms and encrypted values come from,
-- encrypted under the tenant's key. To erase a person is to delete the row.
CREATE TABLE person (
    tenant text NOT NULL,
    person bytea NOT NULL,
    reference bytea NOT NULL,
    version bigint NOT NULL,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, person)
);
CREATE UNIQUE INDEX person_by_reference ON person (tenant, reference);

-- Certificates: who erased a person, when and why, and what was destroyed. They name nobody.
CREATE TABLE erasure (
    tenant text NOT NULL,
    erasure_id uuid NOT NULL,
    erased_at timestamptz NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    value_count integer NOT NULL,
    person_count integer NOT NULL,
    quarantined_count integer NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant, erasure_id)
);
CREATE INDEX erasure_in_order ON erasure (tenant, position, erasure_id);

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON person USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE erasure ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON erasure USING (tenant = current_setting('andon.tenant', true));

-- As before; a new source has the policies of the table's defaults.
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
                            future_tolerance_us)
        SELECT of_tenant, unknown.name, 1, '', '', record_receipt.dedup_horizon_us, record_receipt.time_earliest_us,
               record_receipt.future_tolerance_us
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
