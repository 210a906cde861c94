"""What a replica runs: its tenants and partitions, and the way of events from ingest into the score log."""
