-- Observation forms. Each is filled in through the source of its name.

-- What is graded and planned, and through which position of the log its observations are in `form_observation`.
CREATE TABLE form (
    tenant text NOT NULL,
    source text NOT NULL,
    title_en text NOT NULL,
    title_zh text NOT NULL,
    object_kind text NOT NULL,
    items jsonb NOT NULL,
    plan jsonb,
    position bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source),
    FOREIGN KEY (tenant, source) REFERENCES source (tenant, source)
);

-- Made from the log, so whatever names a person is a pseudonym. `state`: 1 current, 2 replaced, 3 retracted. `grades`: 8 bytes for
-- each item; null with the time where only the state is known so far.
CREATE TABLE form_observation (
    tenant text NOT NULL,
    source text NOT NULL,
    observation_id text NOT NULL,
    state smallint NOT NULL,
    time_us bigint,
    grades bytea,
    replaces text NOT NULL,
    case_id text NOT NULL,
    rater text NOT NULL,
    object text NOT NULL,
    place text NOT NULL,
    PRIMARY KEY (tenant, source, observation_id),
    FOREIGN KEY (tenant, source) REFERENCES form (tenant, source)
);

ALTER TABLE form ENABLE ROW LEVEL SECURITY;
ALTER TABLE form FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON form USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE form_observation ENABLE ROW LEVEL SECURITY;
ALTER TABLE form_observation FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON form_observation USING (tenant = current_setting('andon.tenant', true));
