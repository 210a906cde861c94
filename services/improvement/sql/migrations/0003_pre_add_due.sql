-- When the first unfinished action of a problem is due, in microseconds since the epoch. NULL: none is unfinished.
ALTER TABLE problem ADD COLUMN due_us bigint;
