-- Statistics by partition went with entries and snapshots; windows have theirs in a table now.
ALTER TABLE score_log DROP COLUMN parts;
ALTER TABLE snapshot DROP COLUMN scored_position, DROP COLUMN parts;
