"""Back-tests: what was asked for, how far each is, and its report as message bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES
from services.scoring.system.stored_backtest import BacktestRow, BacktestState

ENDED_MAX = 50
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class BacktestEditor:
    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def waiting_count(self) -> int:
        return int(await self._connection.fetchval(QUERIES.waiting_backtests, self._tenant))

    async def add(self, id: UUID, system_name: str, version: int, request: bytes) -> BacktestRow:
        await self._connection.execute(QUERIES.expire_backtests, self._tenant, ENDED_MAX)
        return row_of(
            await self._connection.fetchrow(QUERIES.add_backtest, self._tenant, id, system_name, version, request)
        )

    async def cancel(self, id: UUID) -> None:
        await self._connection.execute(QUERIES.cancel_backtest, self._tenant, id)

    async def backtest(self, id: UUID) -> BacktestRow | None:
        row = await self._connection.fetchrow(QUERIES.backtest, self._tenant, id)
        return row_of(row) if row else None


class Backtests:
    _pool: asyncpg.Pool

    async def backtest(self, tenant: str, id: UUID) -> BacktestRow | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            return await BacktestEditor(connection, tenant).backtest(id)

    async def list_backtests(self, tenant: str, before: tuple[datetime, UUID], limit: int) -> list[BacktestRow]:
        """Newest first, without reports."""
        async with tenant_transaction(self._pool, tenant) as connection:
            return [row_of(row) for row in await connection.fetch(QUERIES.list_backtests, tenant, *before, limit)]

    async def start_backtest(self, tenant: str) -> BacktestRow | None:
        """The oldest that has not ended; None: there is none."""
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.start_backtest, tenant)
        return row_of(row) if row else None

    async def advance_backtest(self, tenant: str, row: BacktestRow, progress: float, event_count: int) -> bool:
        """False: it was cancelled, or another replica has begun it again."""
        async with tenant_transaction(self._pool, tenant) as connection:
            found = await connection.fetchval(
                QUERIES.advance_backtest, tenant, row.id, row.attempt, progress, event_count
            )
        return found is not None

    async def active_alarm_count(self, tenant: str, process: str, system: str, span: tuple[int, int]) -> int | None:
        """Windows with an active signal that end in a span. None: no version of the system is active."""
        async with tenant_transaction(self._pool, tenant) as connection:
            found: int | None = await connection.fetchval(QUERIES.active_alarm_count, tenant, process, system, *span)
        return found

    async def end_backtest(
        self, tenant: str, row: BacktestRow, state: BacktestState, error: str = "", report: bytes = b""
    ) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.end_backtest, tenant, row.id, row.attempt, int(state), error, report)


def row_of(row: asyncpg.Record) -> BacktestRow:
    return BacktestRow(**{**dict(row), "state": BacktestState(row["state"])})
