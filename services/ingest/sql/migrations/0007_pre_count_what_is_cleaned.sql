-- Rules that clean values on admission, and how often each did.

-- A document, as the service writes it; null: no rules.
ALTER TABLE source ADD COLUMN cleaning jsonb;

-- Values that were cleaned, by rule and field, of accepted and duplicate events. An empty rule counts events: those of which any
-- value was cleaned.
CREATE TABLE intake_cleaning (
    tenant text NOT NULL,
    source text NOT NULL,
    rule text NOT NULL,
    field text NOT NULL,
    cleaned_count bigint NOT NULL,
    PRIMARY KEY (tenant, source, rule, field)
) WITH (fillfactor = 40);

ALTER TABLE intake_cleaning ENABLE ROW LEVEL SECURITY;
ALTER TABLE intake_cleaning FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON intake_cleaning USING (tenant = current_setting('andon.tenant', true));

CREATE TYPE cleaned_count AS (source text, rule text, field text, cleaned bigint);

-- As the function of the same name, and records what was cleaned. Replicas that know nothing of it call the other one.
CREATE FUNCTION commit_entry(
    of_tenant text, entry log_entry, given receipt, cleaned cleaned_count[],
    dedup_horizon_us bigint, time_earliest_us bigint, future_tolerance_us bigint
) RETURNS timestamptz
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    made_at timestamptz := commit_entry(
        of_tenant, entry, given, dedup_horizon_us, time_earliest_us, future_tolerance_us
    );
BEGIN
    IF made_at IS NOT NULL AND cardinality(cleaned) > 0 THEN
        INSERT INTO intake_cleaning AS known (tenant, source, rule, field, cleaned_count)
        SELECT of_tenant, came.source, came.rule, came.field, came.cleaned
        FROM unnest(cleaned) AS came
        ON CONFLICT (tenant, source, rule, field) DO UPDATE
        SET cleaned_count = known.cleaned_count + EXCLUDED.cleaned_count;
    END IF;
    RETURN made_at;
END
$$;
