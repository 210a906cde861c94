"""Scores, signals and observations, current, as of an instant, and in lists; scores and signals as message bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES, WINDOW_NUMBERS
from services.scoring.system.model import Window
from services.scoring.system.series import SeriesFilter, SeriesKey
from services.scoring.system.windows import EARLIEST_US, LATEST_US

NO_WINDOW = 0


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for: rows after `after`, `limit` of them."""

    after: tuple[str, int]
    limit: int


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
        arguments = (tenant, *page.after, *_filter(filter_), *span, page.limit)
        async with tenant_transaction(self._pool, tenant) as connection:
            if as_of is None:
                rows = await connection.fetch(QUERIES.list_scores, *arguments)
            else:
                rows = await connection.fetch(QUERIES.list_scores_as_of, *arguments, as_of)
                since = await connection.fetchval(QUERIES.history_since, tenant)
                if since is not None and as_of < since:
                    raise HistoryGone(since)
        return [row["body"] for row in rows]

    async def list_series(self, tenant: str, filter_: SeriesFilter, after: str, limit: int) -> list[SeriesKey]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.list_series, tenant, after, *_filter(filter_), limit)
        return [SeriesKey(row["series"]) for row in rows]

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
            rows = await connection.fetch(
                QUERIES.list_signals, tenant, after, *_filter(filter_), *span, include_retracted, limit
            )
        return [row["body"] for row in rows]

    async def score_at(self, tenant: str, series: str, at_us: int) -> bytes | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            body: bytes | None = await connection.fetchval(QUERIES.score_at, tenant, series, at_us)
        return body

    async def scores_of_series(
        self, tenant: str, series: str, span: tuple[int, int] = (EARLIEST_US, LATEST_US)
    ) -> list[bytes]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.scores_of_series, tenant, series, *span)
        return [row["body"] for row in rows]

    async def signals_of_series(self, tenant: str, series: str) -> list[bytes]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.signals_of_series, tenant, series)
        return [row["body"] for row in rows]

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

    async def observed_since(self, tenant: str, system: str, version: int) -> int | None:
        """Windows that start here or later have all their observations. None: all windows have."""
        async with tenant_transaction(self._pool, tenant) as connection:
            since: int | None = await connection.fetchval(QUERIES.observed_since, tenant, system, version)
        return since

    async def content_hash(self, tenant: str) -> str:
        async with tenant_transaction(self._pool, tenant) as connection:
            return str(await connection.fetchval(QUERIES.content_hash, tenant))

    async def counts(self, tenant: str) -> tuple[int, int]:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.counts, tenant)
        return row["score_count"], row["signal_count"]


def _filter(filter_: SeriesFilter) -> tuple[str, str, list[str], list[int], list[str], bool]:
    return (
        filter_.process,
        filter_.system,
        list(filter_.indicators),
        [WINDOW_NUMBERS[window] if window else NO_WINDOW for window in filter_.windows],
        list(filter_.series),
        filter_.unsliced_only,
    )
