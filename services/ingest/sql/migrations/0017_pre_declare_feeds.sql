-- KPI feeds. Each is written through the source of its name.

-- `document`: period, time zone, dimensions and series.
CREATE TABLE feed (
    tenant text NOT NULL,
    source text NOT NULL,
    title_en text NOT NULL,
    title_zh text NOT NULL,
    document jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source),
    FOREIGN KEY (tenant, source) REFERENCES source (tenant, source)
);

ALTER TABLE feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE feed FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON feed USING (tenant = current_setting('andon.tenant', true));
