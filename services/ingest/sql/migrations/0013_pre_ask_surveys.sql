-- Surveys. Each is answered through the source of its name.

-- What is asked, and through which position of the log its responses are in `survey_response`.
CREATE TABLE survey (
    tenant text NOT NULL,
    source text NOT NULL,
    title_en text NOT NULL,
    title_zh text NOT NULL,
    frame_en text NOT NULL,
    frame_zh text NOT NULL,
    frame_size bigint NOT NULL,
    items jsonb NOT NULL,
    position bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source),
    FOREIGN KEY (tenant, source) REFERENCES source (tenant, source)
);

-- An invitation names nobody. `state`: 1 open, 3 undeliverable, 4 refused; it is answered where there is a response of its id.
CREATE TABLE survey_invitation (
    tenant text NOT NULL,
    source text NOT NULL,
    invitation_id text NOT NULL,
    segment text NOT NULL,
    state smallint NOT NULL DEFAULT 1,
    invited_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source, invitation_id),
    FOREIGN KEY (tenant, source) REFERENCES survey (tenant, source)
);

-- Made from the log. `state`: 1 current, 2 replaced, 3 retracted. `answers`: 8 bytes for each item; null with the time where
-- only the state is known so far. `replaces`: another response; empty: none.
CREATE TABLE survey_response (
    tenant text NOT NULL,
    source text NOT NULL,
    response_id text NOT NULL,
    state smallint NOT NULL,
    time_us bigint,
    answers bytea,
    replaces text NOT NULL,
    PRIMARY KEY (tenant, source, response_id),
    FOREIGN KEY (tenant, source) REFERENCES survey (tenant, source)
);

ALTER TABLE survey ENABLE ROW LEVEL SECURITY;
ALTER TABLE survey FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON survey USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE survey_invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE survey_invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON survey_invitation USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE survey_response ENABLE ROW LEVEL SECURITY;
ALTER TABLE survey_response FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON survey_response USING (tenant = current_setting('andon.tenant', true));
