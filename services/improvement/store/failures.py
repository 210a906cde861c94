"""The defect that stopped a tenant's intake, for those who ask any replica."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.improvement.store.statements import QUERIES
from services.runtime.database import tenant_transaction


@dataclass(frozen=True)
class IntakeFailure:
    """`error` is the kind of the defect, `incident` what its traceback is found by in the replica's log.

    `position`: of scoring's log, which the failed step led to; -1: it failed before one. `since`: absent until stored.
    """

    replica: str
    error: str
    incident: str
    position: int
    since: datetime | None = None


class IntakeFailures:
    _pool: asyncpg.Pool

    async def failure(self, tenant: str) -> IntakeFailure | None:
        async with tenant_transaction(self._pool, tenant, readonly=True) as connection:
            row = await connection.fetchrow(QUERIES.read_failure, tenant)
        return None if row is None else IntakeFailure(*row)

    async def store_failure(self, tenant: str, failure: IntakeFailure) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(
                QUERIES.store_failure, tenant, failure.replica, failure.error, failure.incident, failure.position
            )

    async def clear_failure(self, tenant: str) -> None:
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.clear_failure, tenant)
