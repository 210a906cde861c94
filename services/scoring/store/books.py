"""What a book is opened from, in one consistent view."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.runtime.database import tenant_transaction
from services.scoring.store.progress import Fold
from services.scoring.store.statements import QUERIES
from services.scoring.store.steps import Entry, StepTransaction


class BookReader:
    def __init__(self, connection: asyncpg.Connection, tenant: str, system: str, version: int) -> None:
        self._connection = connection
        self._key = (tenant, system, version)

    async def fold(self) -> Fold:
        return Fold(**await self._connection.fetchrow(QUERIES.fold, *self._key))

    async def checkpoint(self) -> tuple[int, bytes]:
        """What a book held after the entry at a position; position 0 and nothing where none was stored yet."""
        row = await self._connection.fetchrow(QUERIES.book_checkpoint, *self._key)
        return (row["scored_position"], row["body"]) if row else (0, b"")

    async def entries_after(self, position: int) -> AsyncIterator[Entry]:
        step = StepTransaction(self._connection, *self._key)
        async for entry in step.entries_after(position):
            yield entry

    async def scores(self, process: str, system: str, after_us: int) -> list[bytes]:
        """Of windows that end later."""
        rows = await self._connection.fetch(QUERIES.scores_ending_after, self._key[0], process, system, after_us)
        return [row["body"] for row in rows]

    async def signals(self, process: str, system: str, after_us: int) -> list[bytes]:
        """The same, retracted ones too."""
        rows = await self._connection.fetch(QUERIES.signals_ending_after, self._key[0], process, system, after_us)
        return [row["body"] for row in rows]


class BookReads:
    _pool: asyncpg.Pool

    @asynccontextmanager
    async def opening(self, tenant: str, system: str, version: int) -> AsyncIterator[BookReader]:
        """One consistent view for a book that is opened."""
        async with tenant_transaction(self._pool, tenant, isolation="repeatable_read", readonly=True) as connection:
            yield BookReader(connection, tenant, system, version)
