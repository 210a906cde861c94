"""The state of a partition at one moment, from which its recovery starts."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES


@dataclass(frozen=True)
class Snapshot:
    position: int
    through: str
    next_offset: int
    watermark_us: int | None
    event_count: int
    fold: bytes


class Snapshots:
    _pool: asyncpg.Pool

    async def snapshot(self, tenant: str, system: str, version: int, partition: int) -> Snapshot | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.snapshot, tenant, system, version, partition)
        return Snapshot(**row) if row else None

    async def keep_snapshot(
        self,
        tenant: str,
        system: str,
        version: int,
        partition: int,
        snapshot: Snapshot,
        scored_position: int,
        parts: bytes,
    ) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(
                QUERIES.keep_snapshot,
                tenant,
                system,
                version,
                partition,
                snapshot.position,
                snapshot.through,
                snapshot.next_offset,
                snapshot.watermark_us,
                snapshot.event_count,
                scored_position,
                snapshot.fold,
                parts,
            )
