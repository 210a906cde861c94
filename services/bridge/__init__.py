"""Pulls and subscribes where others do not send: what it takes is durable in ingest before its peer may forget it."""
