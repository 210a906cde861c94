"""Windows that have left the memory of a version's replicas, as they are recalled by place."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES
from services.scoring.system.series import SeriesKey

VersionKey = tuple[str, str, int]
"""Tenant, name of the system, version."""
STATISTICS, SCORE, SIGNAL = 1, 2, 3


@dataclass(frozen=True)
class StoredWindows:
    """Rows. statistics: series, window_start, window_end and figures as `body`. scores, signals: messages as `body`."""

    statistics: Sequence[asyncpg.Record]
    scores: Sequence[asyncpg.Record]
    signals: Sequence[asyncpg.Record]

    def __add__(self, more: StoredWindows) -> StoredWindows:
        return StoredWindows(
            [*self.statistics, *more.statistics], [*self.scores, *more.scores], [*self.signals, *more.signals]
        )

    @property
    def row_count(self) -> int:
        return len(self.statistics) + len(self.scores) + len(self.signals)


class WindowReader:
    def __init__(self, connection: asyncpg.Connection, key: VersionKey) -> None:
        self._connection = connection
        self._key = key

    async def windows(
        self,
        statistics: Collection[tuple[str, int]],
        scores: Collection[tuple[str, int]],
        series_since: Mapping[SeriesKey, int],
    ) -> StoredWindows:
        """statistics, scores: by series and start. series_since: also those of windows that start there or later."""
        rows = await self._connection.fetch(
            QUERIES.recall_windows,
            *self._key,
            *_columns(statistics),
            *_columns(scores),
            list(series_since),
            list(series_since.values()),
        )
        by_kind: dict[int, list[asyncpg.Record]] = {STATISTICS: [], SCORE: [], SIGNAL: []}
        for row in rows:
            by_kind[row["kind"]].append(row)
        return StoredWindows(by_kind[STATISTICS], by_kind[SCORE], by_kind[SIGNAL])

    async def windows_of_slices(self, process: str, system: str, slices: Collection[tuple[str, ...]]) -> StoredWindows:
        """Present scores and active signals of series of these slices, by their dimensions in order."""
        # Keys end so; a comma, a brace and an equals sign of a value are escaped.
        ends = ["\\{" + ",".join(f"{re.escape(name)}=[^,]*" for name in one) + "\\}$" for one in slices]
        some = (self._key[0], process, system, ends)
        scores = await self._connection.fetch(QUERIES.scores_of_slices, *some)
        return StoredWindows([], scores, await self._connection.fetch(QUERIES.signals_of_slices, *some))


def _columns(places: Collection[tuple[str, int]]) -> tuple[list[str], list[int]]:
    return [series for series, _ in places], [start_us for _, start_us in places]


class WindowReads:
    _pool: asyncpg.Pool

    @asynccontextmanager
    async def recalling(self, key: VersionKey) -> AsyncIterator[WindowReader]:
        """One consistent view. Only for who knows that nobody else commits meanwhile: the only owner of a version."""
        async with tenant_transaction(self._pool, key[0], isolation="repeatable_read", readonly=True) as connection:
            yield WindowReader(connection, key)
