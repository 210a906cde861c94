-- Entities: what several sources call by keys of their own.

-- The fields of a source that are keys: [{"field": ..., "kind": ...}].
ALTER TABLE source ADD COLUMN entity_keys jsonb NOT NULL DEFAULT '[]';

CREATE TABLE entity (
    tenant text NOT NULL,
    entity_id text NOT NULL,
    kind smallint NOT NULL,
    title_en text NOT NULL,
    title_zh text NOT NULL,
    merged_into text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, entity_id)
);

-- A key is one of an entity for events at positions in [since, until); until null: today. Nothing is deleted: it is the history.
CREATE TABLE entity_link (
    tenant text NOT NULL,
    source text NOT NULL,
    field text NOT NULL,
    key text NOT NULL,
    since bigint NOT NULL,
    until bigint,
    changed bigint GENERATED ALWAYS AS (greatest(since, coalesce(until, 0))) STORED,
    entity_id text NOT NULL,
    kind smallint NOT NULL,
    linked_at timestamptz NOT NULL DEFAULT now(),
    linked_by text NOT NULL,
    unlinked_at timestamptz,
    unlinked_by text NOT NULL DEFAULT '',
    moved_from text NOT NULL DEFAULT '',
    moved_to text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, source, field, key, since),
    FOREIGN KEY (tenant, entity_id) REFERENCES entity (tenant, entity_id)
);
CREATE UNIQUE INDEX entity_link_current ON entity_link (tenant, source, field, key) WHERE until IS NULL;
CREATE INDEX entity_link_of ON entity_link (tenant, entity_id, since);
CREATE INDEX entity_link_changed ON entity_link (tenant, changed, source, field, key, since);

-- How often each key was seen, linked or not, through `entity_key_reading.position` of the log.
CREATE TABLE entity_key_count (
    tenant text NOT NULL,
    source text NOT NULL,
    field text NOT NULL,
    key text NOT NULL,
    kind smallint NOT NULL,
    raw text NOT NULL,
    event_count bigint NOT NULL,
    PRIMARY KEY (tenant, source, field, key)
);
CREATE INDEX entity_key_frequency ON entity_key_count (tenant, (-event_count), source, field, key);

CREATE TABLE entity_key_reading (
    tenant text NOT NULL,
    source text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant, source)
);

-- Cases of events of these keys, up to `through`, that are to be restated; done up to `done`.
CREATE TABLE entity_restatement (
    tenant text NOT NULL,
    since bigint NOT NULL,
    source text NOT NULL,
    field text NOT NULL,
    keys text[] NOT NULL,
    through bigint NOT NULL,
    done bigint NOT NULL,
    PRIMARY KEY (tenant, since, source, field)
);

ALTER TABLE entity ENABLE ROW LEVEL SECURITY;
ALTER TABLE entity FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON entity USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE entity_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE entity_link FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON entity_link USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE entity_key_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE entity_key_count FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON entity_key_count USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE entity_key_reading ENABLE ROW LEVEL SECURITY;
ALTER TABLE entity_key_reading FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON entity_key_reading USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE entity_restatement ENABLE ROW LEVEL SECURITY;
ALTER TABLE entity_restatement FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON entity_restatement USING (tenant = current_setting('andon.tenant', true));
