"""The state of a partition at one moment, from which its recovery starts, and the cases that were not in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from services.runtime.database import tenant_transaction
from services.runtime.ownership import Lease
from services.scoring.store.statements import QUERIES


class PartitionKey(NamedTuple):
    tenant: str
    system: str
    version: int
    partition: int


@dataclass(frozen=True)
class Snapshot:
    position: int
    through: str
    next_offset: int
    watermark_us: int | None
    event_count: int
    fold: bytes


@dataclass(frozen=True)
class Restart:
    """What a partition starts from. pages: number and hashes (64 bits each) of cases that the snapshot lacks."""

    snapshot: Snapshot | None
    pages: Sequence[tuple[int, bytes]]


@dataclass(frozen=True)
class CasePageRow:
    """Cases that left memory. hashes: 64 bits each."""

    number: int
    hashes: bytes
    content: bytes


@dataclass(frozen=True)
class CasePageChange:
    """New pages, the hashes that are left of others, and pages of which nothing is left."""

    added: Sequence[CasePageRow]
    thinned: Mapping[int, bytes]
    emptied: Sequence[int]


@dataclass(frozen=True)
class BookCheckpoint:
    """What a book of the version held after the entry at `position`."""

    position: int
    body: bytes


class Snapshots:
    _pool: asyncpg.Pool

    async def restart(self, key: PartitionKey) -> Restart:
        async with tenant_transaction(self._pool, key.tenant, isolation="repeatable_read", readonly=True) as connection:
            row = await connection.fetchrow(QUERIES.snapshot, *key)
            pages = await connection.fetch(QUERIES.case_pages, *key)
        return Restart(Snapshot(**row) if row else None, [(one["number"], one["hashes"]) for one in pages])

    async def page_contents(self, key: PartitionKey, numbers: Sequence[int]) -> dict[int, bytes]:
        async with tenant_transaction(self._pool, key.tenant) as connection:
            rows = await connection.fetch(QUERIES.case_page_contents, *key, numbers)
        return {row["number"]: row["content"] for row in rows}

    async def forget_pages(self, key: PartitionKey) -> None:
        async with tenant_transaction(self._pool, key.tenant) as connection:
            await connection.execute(QUERIES.forget_case_pages, *key)

    async def store_snapshot(
        self,
        key: PartitionKey,
        lease: Lease,
        snapshot: Snapshot,
        book: BookCheckpoint,
        change: CasePageChange,
    ) -> None:
        """Snapshot and pages together, so that a restart from them finds every case once."""
        async with tenant_transaction(self._pool, key.tenant) as connection:
            await lease.guard(connection)
            await connection.execute(
                QUERIES.keep_snapshot,
                *key,
                snapshot.position,
                snapshot.through,
                snapshot.next_offset,
                snapshot.watermark_us,
                snapshot.event_count,
                snapshot.fold,
            )
            await connection.execute(QUERIES.store_book_checkpoint, *key[:3], book.position, book.body)
            await _store_pages(connection, key, change)


async def _store_pages(connection: asyncpg.Connection, key: PartitionKey, change: CasePageChange) -> None:
    for page in change.added:
        # One by one: together they may be larger than a message of the driver's should be.
        await connection.execute(QUERIES.add_case_page, *key, page.number, page.hashes, page.content)
    if change.thinned:
        await connection.execute(QUERIES.thin_case_pages, *key, list(change.thinned), list(change.thinned.values()))
    if change.emptied:
        await connection.execute(QUERIES.drop_case_pages, *key, list(change.emptied))
