-- How the records of a source become events: a RecordMapping of the contract, serialised. Empty: it takes events only.
ALTER TABLE source ADD COLUMN mapping bytea NOT NULL DEFAULT '';
