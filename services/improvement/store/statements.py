"""The named SQL of improvement, and where it lies."""

from __future__ import annotations

from pathlib import Path

from services.runtime.queries import load_queries

SCHEMA = "improvement"
SQL = Path(__file__).parents[1] / "sql"
MIGRATIONS = SQL / "migrations"
QUERIES = load_queries(SQL / "queries.sql")
CHANNEL = "andon_improvement"
