"""Where the tables of ingest are, its statements, and times as the tables store them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.runtime.queries import load_queries

SCHEMA = "ingest"
CHANNEL = "andon_ingest"
_SQL = Path(__file__).parents[1] / "sql"
MIGRATIONS = _SQL / "migrations"
queries = load_queries(_SQL / "queries.sql")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
