-- What the events of a log are called: activities, attributes with their types, and the values of texts that have few.

-- kind 'begun': from the first event of the log on (a log that is older has none); 'activity': name;
-- 'attribute': name, and value is a type; 'value': name is an attribute's; 'many': name is an attribute's of which no
-- values are recorded, or empty: more activities or attributes came than are recorded.
CREATE TABLE vocabulary (
    tenant text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (tenant, kind, name, value)
);

ALTER TABLE vocabulary ENABLE ROW LEVEL SECURITY;
ALTER TABLE vocabulary FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON vocabulary USING (tenant = current_setting('andon.tenant', true));
