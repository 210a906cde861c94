"""Systems that a replica cannot score, for those who ask any replica."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES


@dataclass(frozen=True)
class Failure:
    """`error` is the kind of the defect, `incident` what its traceback is found by in the replica's log."""

    replica: str
    error: str
    incident: str


@dataclass(frozen=True)
class VersionHealth:
    """Of the version that is scored by. No failure: it is served."""

    name: str
    version: int
    failure: Failure | None
    since: datetime | None


class Failures:
    _pool: asyncpg.Pool

    async def store_failure(self, tenant: str, system: str, version: int, failure: Failure) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(
                QUERIES.store_failure, tenant, system, version, failure.replica, failure.error, failure.incident
            )

    async def clear_failure(self, tenant: str, system: str, version: int, replica: str) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.clear_failure, tenant, system, version, replica)

    async def system_states(self, tenant: str) -> list[VersionHealth]:
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.system_states, tenant)
        return [
            VersionHealth(
                row["name"],
                row["version"],
                Failure(row["replica"], row["error"], row["incident"]) if row["error"] else None,
                row["failed_at"],
            )
            for row in rows
        ]
