"""Where scoring's tables and named statements are, and how lists of rows become columns of a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.runtime.queries import load_queries
from services.scoring.system.model import Window

SCHEMA = "scoring"
SQL = Path(__file__).parents[1] / "sql"
MIGRATIONS = SQL / "migrations"
QUERIES = load_queries(SQL / "queries.sql")
WINDOW_NUMBERS: Mapping[Window, int] = {
    Window.HOUR: 1,
    Window.DAY: 2,
    Window.WEEK: 3,
    Window.MONTH: 4,
    Window.ALL: 5,
    Window.QUARTER: 6,
    Window.YEAR: 7,
}
"""What the tables call each kind of window."""
CHANNEL = "scoring_log"
SYSTEMS_CHANNEL = "scoring_systems"


def columns(rows: Sequence[object], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in names]
