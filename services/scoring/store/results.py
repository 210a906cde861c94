"""Scores, signals and observations, current, as of an instant, and in lists; scores and signals as message bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES, WINDOW_NUMBERS
from services.scoring.system.model import Window
from services.scoring.system.series import SeriesFilter, SeriesKey
from services.scoring.system.windows import EARLIEST_US, LATEST_US

NO_WINDOW = 0
SERIES_AT_ONCE = 250
SERIES_END = "\U0010ffff"
"""Behind every key, in the order of bytes that the tables have."""


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for: rows after `after`, `limit` of them."""

    after: tuple[str, int]
    limit: int


@dataclass(frozen=True)
class Contents:
    """How many present scores and active signals a tenant has, and the hash over them in hex."""

    score_count: int
    signal_count: int
    content_hash: str


class HistoryGone(Exception):
    """Revisions that stood at the instant are no longer kept; from `since` on they are."""

    def __init__(self, since: datetime) -> None:
        super().__init__(since)
        self.since = since


class Results:
    _pool: asyncpg.Pool

    async def list_scores(
        self,
        tenant: str,
        filter_: SeriesFilter,
        span: tuple[int, int],
        page: Page,
        as_of: datetime | None = None,
    ) -> list[bytes]:
        found: list[bytes] = []
        # The rest of the series that the page before ended in, and what follows it.
        after = page.after[0]
        series = [SeriesKey(after)] if after else []
        async with tenant_transaction(self._pool, tenant) as connection:
            while True:
                next_ = await _series(connection, tenant, filter_, after, SERIES_AT_ONCE, present=as_of is None)
                arguments = (tenant, [*series, *next_], *page.after, *span, page.limit - len(found))
                if as_of is None:
                    rows = await connection.fetch(QUERIES.list_scores, *arguments)
                else:
                    rows = await connection.fetch(QUERIES.list_scores_as_of, *arguments, as_of)
                found += [row["body"] for row in rows]
                if len(found) >= page.limit or len(next_) < SERIES_AT_ONCE:
                    break
                series, after = [], next_[-1]
            if as_of is not None:
                since = await connection.fetchval(QUERIES.history_since, tenant)
                if since is not None and as_of < since:
                    raise HistoryGone(since)
        return found

    async def last_scores(self, tenant: str, series: Collection[str], before_us: int) -> list[bytes]:
        """Of each of these series the last score of a window that starts before an instant."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.last_scores, tenant, list(series), before_us)
        return [row["body"] for row in rows]

    async def last_scores_of_filter(
        self, tenant: str, filter_: SeriesFilter, after: str, before_us: int, limit: int
    ) -> list[bytes]:
        """As `last_scores`, of the series of a filter behind one, in order: as many as have such a score."""
        found: list[bytes] = []
        async with tenant_transaction(self._pool, tenant) as connection:
            while True:
                next_ = await _series(connection, tenant, filter_, after, SERIES_AT_ONCE)
                rows = await connection.fetch(QUERIES.last_scores, tenant, next_, before_us)
                found += [row["body"] for row in rows]
                if len(found) >= limit or len(next_) < SERIES_AT_ONCE:
                    return found[:limit]
                after = next_[-1]

    async def list_series(self, tenant: str, filter_: SeriesFilter, after: str, limit: int) -> list[SeriesKey]:
        async with tenant_transaction(self._pool, tenant) as connection:
            return await _series(connection, tenant, filter_, after, limit)

    async def list_signals(
        self,
        tenant: str,
        filter_: SeriesFilter,
        span: tuple[int, int],
        include_retracted: bool,
        after: str,
        limit: int,
    ) -> list[bytes]:
        async with tenant_transaction(self._pool, tenant) as connection:
            arguments = (tenant, after, *_filter(filter_), include_retracted, limit)
            if span == (EARLIEST_US, LATEST_US):
                rows = await connection.fetch(QUERIES.list_signals, *arguments)
            else:
                rows = await connection.fetch(QUERIES.list_signals_within, *arguments, *span)
        return [row["body"] for row in rows]

    async def score_at(self, tenant: str, series: str, at_us: int) -> bytes | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            body: bytes | None = await connection.fetchval(QUERIES.score_at, tenant, series, at_us)
        return body

    async def window_at(
        self, tenant: str, process: str, system: str, kind: Window, at_us: int | None
    ) -> tuple[int, int] | None:
        """None as the instant: the latest complete window."""
        async with tenant_transaction(self._pool, tenant) as connection:
            if at_us is None:
                row = await connection.fetchrow(QUERIES.window_latest, tenant, process, system, WINDOW_NUMBERS[kind])
            else:
                row = await connection.fetchrow(QUERIES.window_at, tenant, process, system, WINDOW_NUMBERS[kind], at_us)
        return (row["window_start"], row["window_end"]) if row else None

    async def scores_of_window(
        self, tenant: str, process: str, system: str, kind: Window, start_us: int
    ) -> list[bytes]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(
                QUERIES.scores_of_window, tenant, process, system, WINDOW_NUMBERS[kind], start_us
            )
        return [row["body"] for row in rows]

    async def observations(
        self, tenant: str, system: str, version: int, start_us: int, end_us: int
    ) -> list[tuple[int, bytes]]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.observations_of_window, tenant, system, version, start_us, end_us)
        return [(row["partition"], row["page"]) for row in rows]

    async def observations_after(
        self, tenant: str, system: str, version: int, span: tuple[int, int], after: tuple[int, int], limit: int
    ) -> list[tuple[tuple[int, int], bytes]]:
        """Pages that may say something about a span, in the order of their steps, each with its place."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.observations_of_span, tenant, system, version, *span, *after, limit)
        return [((row["partition"], row["id"]), row["page"]) for row in rows]

    async def observed_since(self, tenant: str, system: str, version: int) -> int | None:
        """Windows that start here or later have all their observations. None: all windows have."""
        async with tenant_transaction(self._pool, tenant) as connection:
            since: int | None = await connection.fetchval(QUERIES.observed_since, tenant, system, version)
        return since

    async def contents(self, tenant: str) -> Contents:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.contents, tenant)
        return Contents(row["score_count"], row["signal_count"], int(row["content"]).to_bytes(32).hex())


async def _series(
    connection: asyncpg.Connection, tenant: str, filter_: SeriesFilter, after: str, limit: int, present: bool = True
) -> list[SeriesKey]:
    """In order. present: those with a score now; else those that ever had one."""
    # All series of a process, or of a system, begin alike.
    prefix = "/".join((filter_.process, *([filter_.system] if filter_.system else []), "")) if filter_.process else ""
    rows = await connection.fetch(
        QUERIES.list_series, tenant, max(after, prefix), prefix + SERIES_END, *_filter(filter_), present, limit
    )
    return [SeriesKey(row["series"]) for row in rows]


def _filter(filter_: SeriesFilter) -> tuple[str, str, list[str], list[int], list[str], bool]:
    return (
        filter_.process,
        filter_.system,
        list(filter_.indicators),
        [WINDOW_NUMBERS[window] if window else NO_WINDOW for window in filter_.windows],
        sorted(filter_.series),
        filter_.unsliced_only,
    )
