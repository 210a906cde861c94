-- How many attributes an erasure deleted the recorded values of: one of them held a value of the person.
ALTER TABLE erasure
    ADD COLUMN vocabulary_count integer NOT NULL DEFAULT 0;
