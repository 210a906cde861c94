"""The quality of data, by source and day: judged event by event when it is committed, and published as events."""
