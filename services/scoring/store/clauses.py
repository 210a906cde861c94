"""Clauses of policies, regulations and standards, as message bytes."""

from __future__ import annotations

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.statements import QUERIES
from services.scoring.system.stored_clause import StoredClause


class ClauseEditor:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def create(self, name: str, body: bytes, etag: str) -> StoredClause | None:
        """None: one of this name exists."""
        row = await self._connection.fetchrow(QUERIES.create_clause, self._tenant, name, body, etag)
        return StoredClause(**row) if row else None

    async def clause(self, name: str) -> StoredClause | None:
        row = await self._connection.fetchrow(QUERIES.clause, self._tenant, name)
        return StoredClause(**row) if row else None

    async def replace(self, name: str, body: bytes, etag: str) -> StoredClause:
        return StoredClause(**await self._connection.fetchrow(QUERIES.replace_clause, self._tenant, name, body, etag))


class Clauses:
    _pool: asyncpg.Pool

    async def clause(self, tenant: str, name: str) -> StoredClause | None:
        async with tenant_transaction(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.clause, tenant, name)
        return StoredClause(**row) if row else None

    async def clauses(self, tenant: str, after: str, limit: int) -> list[StoredClause]:
        """By name."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.clauses_after, tenant, after, limit)
        return [StoredClause(**row) for row in rows]
