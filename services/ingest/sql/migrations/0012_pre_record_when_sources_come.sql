-- When something came of each source, by hour of the server's clock: some weeks of it, from which its rhythm is learned.

-- How long a source may be silent, where it says so itself; null: that is learned.
ALTER TABLE source ADD COLUMN silent_after_us bigint;

CREATE TABLE source_hour (
    tenant text NOT NULL,
    source text NOT NULL,
    hour integer NOT NULL,
    received_count bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, source, hour)
) WITH (fillfactor = 60);

ALTER TABLE source_hour ENABLE ROW LEVEL SECURITY;
ALTER TABLE source_hour FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON source_hour USING (tenant = current_setting('andon.tenant', true));

-- As before, and records when something came of each source.
CREATE OR REPLACE FUNCTION commit_entry(
    of_tenant text, entry log_entry, given receipt, cleaned cleaned_count[],
    quality_days quality_day[], quality_fields quality_field[],
    dedup_horizon_us bigint, time_earliest_us bigint, future_tolerance_us bigint
) RETURNS timestamptz
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    made_at timestamptz := commit_entry(
        of_tenant, entry, given, cleaned, dedup_horizon_us, time_earliest_us, future_tolerance_us
    );
BEGIN
    IF made_at IS NULL OR cardinality(quality_days) = 0 THEN
        RETURN made_at;
    END IF;
    INSERT INTO data_quality AS known (tenant, source, day, accepted_count, duplicate_count, refused_count, replayed_count,
                                       correction_count, retraction_count, failed, delays, position)
    SELECT of_tenant, came.source, came.day, came.accepted, came.duplicate, came.refused, came.replayed, came.corrections,
           came.retractions, came.failed, came.delays, entry.ends_at + 1
    FROM unnest(quality_days) AS came
    ON CONFLICT (tenant, day, source) DO UPDATE
    SET accepted_count = known.accepted_count + EXCLUDED.accepted_count,
        duplicate_count = known.duplicate_count + EXCLUDED.duplicate_count,
        refused_count = known.refused_count + EXCLUDED.refused_count,
        replayed_count = known.replayed_count + EXCLUDED.replayed_count,
        correction_count = known.correction_count + EXCLUDED.correction_count,
        retraction_count = known.retraction_count + EXCLUDED.retraction_count,
        failed = added(known.failed, EXCLUDED.failed),
        delays = added(known.delays, EXCLUDED.delays),
        position = EXCLUDED.position;
    IF cardinality(quality_fields) > 0 THEN
        INSERT INTO data_quality_field AS known (tenant, source, day, dimension, field, failed_count)
        SELECT of_tenant, came.source, came.day, came.dimension, came.field, came.failed
        FROM unnest(quality_fields) AS came
        ON CONFLICT (tenant, day, source, dimension, field) DO UPDATE
        SET failed_count = known.failed_count + EXCLUDED.failed_count;
    END IF;
    INSERT INTO source_hour AS known (tenant, source, hour, received_count, last_at)
    SELECT of_tenant, came.source, floor(extract(epoch FROM made_at) / 3600),
           sum(came.accepted + came.duplicate + came.refused), made_at
    FROM unnest(quality_days) AS came
    WHERE came.source <> ''
    GROUP BY came.source
    HAVING sum(came.accepted + came.duplicate + came.refused) > 0
    ON CONFLICT (tenant, source, hour) DO UPDATE
    SET received_count = known.received_count + EXCLUDED.received_count,
        last_at = greatest(known.last_at, EXCLUDED.last_at);
    RETURN made_at;
END
$$;
