"""Slices that have too many combinations of values, for those who ask any replica."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES


@dataclass(frozen=True)
class DroppedSlice:
    """Of the version of a system that is scored by. `combinations_max`: so many it may have."""

    system: str
    dimensions: tuple[str, ...]
    combinations_max: int
    drop_time: datetime


class DroppedSlices:
    _pool: asyncpg.Pool

    async def store_dropped_slices(
        self, tenant: str, system: str, version: int, slices: Collection[tuple[str, ...]], combinations_max: int
    ) -> None:
        """These, and no others."""
        named = sorted(",".join(one) for one in slices)
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.store_dropped_slices, tenant, system, version, named, combinations_max)

    async def dropped_slices(self, tenant: str) -> list[DroppedSlice]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.dropped_slices, tenant)
        return [
            DroppedSlice(
                row["system_name"], tuple(row["dimensions"].split(",")), row["combinations_max"], row["drop_time"]
            )
            for row in rows
        ]
