"""Where scoring's tables and named statements are, and how lists of rows become columns of a statement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.runtime.queries import load_queries

SCHEMA = "scoring"
SQL = Path(__file__).parents[1] / "sql"
MIGRATIONS = SQL / "migrations"
QUERIES = load_queries(SQL / "queries.sql")
CHANNEL = "scoring_log"
SYSTEMS_CHANNEL = "scoring_systems"


def columns(rows: Sequence[object], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in names]
