"""What was seen before: which commits hold an event id or a case."""
