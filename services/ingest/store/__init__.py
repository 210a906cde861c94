"""The log in Postgres. Nothing else in ingest knows SQL."""
