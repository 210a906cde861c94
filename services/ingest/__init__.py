"""Ingest: every acknowledged event is on disk, has exactly one effect, and holds no personal identifier."""
