"""A version of a system that one replica scores, over a log of one partition; what is folded is given, not read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import asyncpg

from services.runtime.database import tenant_transaction
from services.runtime.drain import Draining
from services.runtime.ownership import QUERIES, Lease
from services.scoring.fold.cases import CaseFold
from services.scoring.replica.commit import Committer
from services.scoring.replica.gathered import Gathered
from services.scoring.replica.partition_state import PartitionState
from services.scoring.replica.reopen import OpenedBook, reopen_book
from services.scoring.replica.tail import ScoreTail
from services.scoring.replica.version_switch import SwitchOutcome, VersionSwitch
from services.scoring.scores.statistics import PartStats, Place
from services.scoring.store import Store
from services.scoring.store.progress import Fold
from services.scoring.system.model import IndicatorSystem
from services.scoring.wire.entries import ENTRY_BYTES_MAX

PARTITION = "partition/0"


class OnePartition:
    """Its replica; another one of the same fold takes the partition over from it."""

    def __init__(self, pool: asyncpg.Pool, tenant: str, system: IndicatorSystem, fold: Fold) -> None:
        self.pool, self.tenant, self.system, self.fold = pool, tenant, system, fold
        self.store = Store(pool)
        tail = ScoreTail(tenant, self.store, Draining())
        self._committer = Committer(tenant, system, self.store, tail, "replica", ENTRY_BYTES_MAX)
        self.version_switch = VersionSwitch(tenant, system, self.store, tail, ENTRY_BYTES_MAX)

    async def take_over(self) -> None:
        """The partition is this one's from now on; a book is opened."""
        async with tenant_transaction(self.pool, self.tenant) as connection:
            epoch = await connection.fetchval(QUERIES.take, self.tenant, PARTITION, uuid.uuid4())
        self.state = PartitionState(0, Lease(self.tenant, PARTITION, int(epoch)), CaseFold(self.system))
        await self.open()

    async def open(self) -> None:
        self.opened: OpenedBook = await reopen_book(self.store, self.tenant, self.system)

    async def commit(self, position: int, added: Mapping[Place, PartStats], watermark_us: int | None = None) -> None:
        """A step through this position of ingest."""
        self.state.position, self.state.through = position, str(position)
        self.state.watermark_us = watermark_us
        await self._committer.commit_with_retry(Gathered(dict(added), {0}), self.opened, self.fold, [self.state])

    async def switch_piece(self, windows_max: int = 2_000) -> bool:
        """Whether there was one."""
        outcome = await self.version_switch.go_on(self.opened, self.fold, [self.state], windows_max)
        return outcome is SwitchOutcome.MOVED

    async def switch(self, windows_max: int = 2_000) -> None:
        while not self.opened.book.switched:
            assert await self.switch_piece(windows_max) or self.opened.book.switched
