"""Files that events are exported to, written as a stream from what is spooled on disk."""
