"""The score log, as followers read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.runtime.cursors import CursorCodec
from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES

# What one read of a follower brings at most, beyond its first entry.
FOLLOWED_BYTES_MAX = 4_000_000


@dataclass(frozen=True)
class Head:
    origin: UUID
    position: int
    oldest: int


@dataclass(frozen=True)
class LogEntry:
    """One step, as followers read it."""

    system: str
    version: int
    scores: bytes
    signals: bytes
    traceparent: str
    committed_at: datetime


class ScoreLog:
    _pool: asyncpg.Pool

    async def provision_tenant(self, tenant: str) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.provision_tenant, tenant)

    async def head(self, tenant: str) -> Head:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.head, tenant)
            if row is None:
                await connection.execute(QUERIES.provision_tenant, tenant)
                row = await connection.fetchrow(QUERIES.head, tenant)
        return Head(**row)

    async def entries(self, tenant: str, after: int, limit: int) -> list[tuple[int, LogEntry]]:
        """None is skipped: raises OutOfRange where entries after this position are no longer kept."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.entries, tenant, after, limit, FOLLOWED_BYTES_MAX)
            if not rows or rows[0]["position"] != after + 1:
                head = await connection.fetchrow(QUERIES.head, tenant)
                CursorCodec(head["origin"]).check_not_expired(after, head["oldest"])
        return [
            (
                row["position"],
                LogEntry(
                    row["system_name"],
                    row["version"],
                    row["scores"],
                    row["signals"],
                    row["traceparent"],
                    row["committed_at"],
                ),
            )
            for row in rows
        ]
