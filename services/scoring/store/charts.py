"""What a part of a chart is drawn from, in one consistent view."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES
from services.scoring.store.windows import VersionKey


@dataclass(frozen=True)
class StoredStates:
    """States of a chart as bytes, None where there is none: the last one, that before a part, and that after it.

    end_us: what the one after it has taken in ends here.
    """

    present: bytes | None = None
    start: bytes | None = None
    end: bytes | None = None
    end_us: int | None = None


class ChartReader:
    def __init__(self, connection: asyncpg.Connection, key: VersionKey, series: str) -> None:
        self._connection = connection
        self._key = key
        self._series = series

    async def states(self, start_us: int, end_us: int) -> StoredStates:
        rows = await self._connection.fetch(QUERIES.chart_states, *self._key, self._series, start_us, end_us)
        found = {row["place"]: row for row in rows}
        bodies = {place: row["body"] for place, row in found.items()}
        return StoredStates(**bodies, end_us=found["end"]["through_us"] if "end" in found else None)

    async def scores(self, start_us: int, end_us: int) -> list[bytes]:
        """Of the windows that start within the span, in time order."""
        rows = await self._connection.fetch(QUERIES.scores_of_series, self._key[0], self._series, start_us, end_us)
        return [row["body"] for row in rows]

    async def signals(self, start_us: int, end_us: int) -> list[bytes]:
        """Active ones, likewise."""
        rows = await self._connection.fetch(QUERIES.signals_of_series, self._key[0], self._series, start_us, end_us)
        return [row["body"] for row in rows]


class ChartReads:
    _pool: asyncpg.Pool

    @asynccontextmanager
    async def chart(self, key: VersionKey, series: str) -> AsyncIterator[ChartReader]:
        async with tenant_transaction(self._pool, key[0], isolation="repeatable_read", readonly=True) as connection:
            yield ChartReader(connection, key, series)
