"""How far each partition of each version was folded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES


@dataclass(frozen=True)
class Progress:
    """How far a partition was folded; `through` is ingest's cursor for `position`."""

    partition: int
    epoch: int
    owner: str
    position: int
    through: str
    next_offset: int
    watermark_us: int | None
    case_count: int
    event_count: int


PROGRESS_COLUMNS = [field.name for field in fields(Progress)]


@dataclass(frozen=True)
class SystemProgress:
    """`partition_count` None: nothing was folded yet. `progress` has a row per partition that was begun.

    Not `switched`: the current scores were published by the version before.
    """

    name: str
    partition_count: int | None
    switched: bool
    progress: tuple[Progress, ...]

    def watermark_us(self) -> int | None:
        """Every partition has passed it. None: some partition has seen nothing yet, or another version is shown."""
        seen = [one.watermark_us for one in self.progress if one.watermark_us is not None]
        return min(seen) if self.position() >= 0 and len(seen) == self.partition_count else None

    def position(self) -> int:
        """Everything through here is scored."""
        if self.partition_count is None or not self.switched or len(self.progress) < self.partition_count:
            return -1
        return min((one.position for one in self.progress), default=-1)


@dataclass(frozen=True)
class Fold:
    partition_count: int
    switch_position: int
    switched: bool
    scored_position: int


class ProgressReads:
    _pool: asyncpg.Pool

    async def begin_fold(
        self, tenant: str, system: str, version: int, partition_count: int, switch_position: int
    ) -> Fold:
        key = (tenant, system, version)
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.begin_fold, *key, partition_count, switch_position)
            return Fold(**await connection.fetchrow(QUERIES.fold, *key))

    async def fold(self, tenant: str, system: str, version: int) -> Fold | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.fold, tenant, system, version)
        return Fold(**row) if row else None

    async def progress(self, tenant: str, system: str, version: int) -> list[Progress]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.progress, tenant, system, version)
        return [progress_of(row) for row in rows]

    async def progress_of_active(self, tenant: str, process: str = "", system: str = "") -> list[SystemProgress]:
        exact = f"processes/{process}/indicatorSystems/{system}" if process and system else ""
        like = f"processes/{process or '%'}/indicatorSystems/{system or '%'}" if process or system else ""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.progress_of_active, tenant, exact, like)
        grouped: dict[str, list[Any]] = {}
        for row in rows:
            grouped.setdefault(row["system_name"], []).append(row)
        return [_system_progress(name, group) for name, group in grouped.items()]


def progress_of(row: asyncpg.Record) -> Progress:
    return Progress(**{name: row[name] for name in PROGRESS_COLUMNS})


def _system_progress(name: str, rows: Iterable[asyncpg.Record]) -> SystemProgress:
    listed = list(rows)
    progress = tuple(
        Progress(
            partition=row["partition"],
            epoch=row["epoch"],
            owner=row["owner"],
            position=row["position"],
            through=row["through"],
            next_offset=0,
            watermark_us=row["watermark_us"],
            case_count=row["case_count"],
            event_count=row["event_count"],
        )
        for row in listed
        if row["partition"] is not None
    )
    return SystemProgress(name, listed[0]["partition_count"], bool(listed[0]["switched"]), progress)
