"""What reviewers say of signals, and how often monitors alarmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES
from services.scoring.system.series import SeriesKey


@dataclass(frozen=True)
class VerdictPlace:
    """Where a page of verdicts goes on: behind this one, newest first."""

    time: datetime
    signal: str
    reviewer: str


@dataclass(frozen=True)
class MonitorCounts:
    """Of one series in a span: windows judged, windows with an alarm, and how reviewers judge these."""

    windows: int
    alarms: int
    true_alarms: int
    false_alarms: int


class VerdictEditor:
    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def signal(self, name: str) -> bytes | None:
        found: bytes | None = await self._connection.fetchval(QUERIES.signal_by_name, self._tenant, name)
        return found

    async def store(
        self, signal: str, reviewer: str, verdict: int, series: str, window_start_us: int, body: bytes
    ) -> None:
        await self._connection.execute(
            QUERIES.store_verdict, self._tenant, signal, reviewer, verdict, series, window_start_us, body
        )


class Verdicts:
    _pool: asyncpg.Pool

    async def list_verdicts(
        self, tenant: str, signal: str, before: VerdictPlace, limit: int
    ) -> list[tuple[VerdictPlace, bytes]]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(
                QUERIES.list_verdicts, tenant, signal, before.time, before.signal, before.reviewer, limit
            )
        return [(VerdictPlace(row["verdict_time"], row["signal"], row["reviewer"]), row["body"]) for row in rows]

    async def verdicts_of(self, tenant: str, signals: Sequence[str]) -> list[tuple[str, int]]:
        """Signal and verdict, once for each reviewer."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.verdicts_of_signals, tenant, list(signals))
        return [(row["signal"], row["verdict"]) for row in rows]

    async def monitor_counts(
        self, tenant: str, series: Sequence[SeriesKey], baseline_windows: Sequence[int], span: tuple[int, int]
    ) -> list[MonitorCounts]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.monitor_counts, tenant, list(series), list(baseline_windows), *span)
        return [MonitorCounts(row["windows"], row["alarms"], row["true_alarms"], row["false_alarms"]) for row in rows]
