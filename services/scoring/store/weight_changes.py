"""The log of weights that were changed; as message bytes."""

from __future__ import annotations

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES


class WeightChanges:
    _pool: asyncpg.Pool

    async def list_weight_changes(self, tenant: str, name: str, before: int, limit: int) -> list[bytes]:
        """Of a system, in versions before this one; the newest first."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.list_weight_changes, tenant, name, before, limit)
        return [row["body"] for row in rows]
