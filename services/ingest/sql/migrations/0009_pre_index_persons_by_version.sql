-- Secrets of periods behind the horizon are found without a look at all persons.
CREATE INDEX person_by_version ON person (tenant, version);
