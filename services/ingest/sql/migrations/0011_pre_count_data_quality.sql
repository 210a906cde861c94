-- The quality of data by source and day of event time, and what of it is published as events.

-- What a source declares; null: nothing.
ALTER TABLE source ADD COLUMN quality jsonb;

-- Counts of events as they came. `failed`: events by dimension (completeness, validity, uniqueness, timeliness, consistency).
-- `delays`: accepted events by class of delay. `position`: of the last commit that changed it.
-- Published is what was true at `claimed_position`, as `revision`; `pending` is its event until that is in the log.
CREATE TABLE data_quality (
    tenant text NOT NULL,
    source text NOT NULL,
    day integer NOT NULL,
    accepted_count bigint NOT NULL,
    duplicate_count bigint NOT NULL,
    refused_count bigint NOT NULL,
    replayed_count bigint NOT NULL,
    correction_count bigint NOT NULL,
    retraction_count bigint NOT NULL,
    failed bigint[] NOT NULL,
    delays bigint[] NOT NULL,
    position bigint NOT NULL,
    claimed_position bigint NOT NULL DEFAULT 0,
    revision integer NOT NULL DEFAULT 0,
    pending bytea,
    PRIMARY KEY (tenant, day, source)
) WITH (fillfactor = 60);
CREATE INDEX data_quality_by_position ON data_quality (tenant, position);
CREATE INDEX data_quality_unpublished ON data_quality (tenant, day) WHERE position > claimed_position;
CREATE INDEX data_quality_pending ON data_quality (tenant, day) WHERE pending IS NOT NULL;

-- Events that fail a dimension because of a field; only those that there are.
CREATE TABLE data_quality_field (
    tenant text NOT NULL,
    source text NOT NULL,
    day integer NOT NULL,
    dimension smallint NOT NULL,
    field text NOT NULL,
    failed_count bigint NOT NULL,
    PRIMARY KEY (tenant, day, source, dimension, field)
) WITH (fillfactor = 60);

ALTER TABLE data_quality ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_quality FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON data_quality USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE data_quality_field ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_quality_field FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON data_quality_field USING (tenant = current_setting('andon.tenant', true));

CREATE TYPE quality_day AS (
    source text,
    day integer,
    accepted bigint,
    duplicate bigint,
    refused bigint,
    replayed bigint,
    corrections bigint,
    retractions bigint,
    failed bigint[],
    delays bigint[]
);
CREATE TYPE quality_field AS (source text, day integer, dimension smallint, field text, failed bigint);

CREATE FUNCTION added(one bigint[], other bigint[]) RETURNS bigint[]
LANGUAGE sql
IMMUTABLE
RETURN ARRAY(
    SELECT coalesce(a, 0) + coalesce(b, 0) FROM unnest(one, other) WITH ORDINALITY AS both_sides (a, b, place) ORDER BY place
);

-- As the function of the same name, and records the quality of the data. Replicas that know nothing of it call the other one.
CREATE FUNCTION commit_entry(
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
    RETURN made_at;
END
$$;
