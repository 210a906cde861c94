"""Expiry of old entries of the score log, revisions of scores, and observations, a batch at a time."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES

LOG_BATCH, HISTORY_BATCH, OBSERVATION_BATCH = 200, 5_000, 200


class RetentionWrites:
    """Each answers how many rows went; 0: nothing is due."""

    _pool: asyncpg.Pool

    async def trim_log(self, tenant: str, before: datetime) -> int:
        """Entries that no book is opened from any more; a retired version whose entries go is forgotten with them."""
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.lock_head)
            edge = await connection.fetchval(QUERIES.log_edge, tenant, before, LOG_BATCH)
            if edge is None:
                return 0
            for row in await connection.fetch(QUERIES.stale_versions, tenant, edge):
                await connection.execute(QUERIES.forget_version, tenant, row["system_name"], row["version"])
            return int(await connection.fetchval(QUERIES.trim_log, tenant, edge))

    async def trim_history(self, tenant: str, before: datetime) -> int:
        """Revisions that were restated before this instant; what stood at it stays."""
        async with tenant_transaction(self._pool, tenant) as connection:
            return int(await connection.fetchval(QUERIES.trim_history, tenant, before, HISTORY_BATCH))

    async def trim_observations(self, tenant: str, days_us: int, before: datetime) -> int:
        """Of windows this far behind the watermark, where they were also kept before this instant."""
        async with tenant_transaction(self._pool, tenant) as connection:
            return int(await connection.fetchval(QUERIES.trim_observations, tenant, days_us, before, OBSERVATION_BATCH))
