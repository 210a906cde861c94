-- Sensors. Their readings are written as statistics through the source of the name.
CREATE TABLE sensor_source (
    tenant text NOT NULL,
    source text NOT NULL,
    title_en text NOT NULL,
    title_zh text NOT NULL,
    period_us bigint NOT NULL,
    quantities jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source),
    FOREIGN KEY (tenant, source) REFERENCES source (tenant, source)
);

ALTER TABLE sensor_source ENABLE ROW LEVEL SECURITY;
ALTER TABLE sensor_source FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sensor_source USING (tenant = current_setting('andon.tenant', true));
