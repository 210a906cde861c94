"""A partition in memory: restored from its last snapshot, stored as the next one, cases evicted and reloaded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import numpy as np
import structlog

from services.runtime.ownership import Lease
from services.scoring.fold.cases import CaseFold
from services.scoring.fold.evicted_cases import EvictedCases, Wanted
from services.scoring.fold.recovery import ForeignSnapshot
from services.scoring.metrics import scoring_metrics
from services.scoring.replica.clock_changes import ClockRows
from services.scoring.replica.reopen import OpenedBook, checkpoint_of
from services.scoring.store import Store
from services.scoring.store.progress import Progress
from services.scoring.store.snapshots import (
    BookCheckpoint,
    CasePageChange,
    CasePageRow,
    PartitionKey,
    Restart,
    Snapshot,
)
from services.scoring.system.model import IndicatorSystem

BEGINNING = -1
DAY_US = 86_400_000_000
PAGES_READ_MAX = 16
"""Pages of cases in memory at a time, however many cases are reloaded."""

log = structlog.get_logger(__name__)


@dataclass
class PartitionState:
    """A partition in memory.

    committed_offset, committed_position, committed_through, committed_watermark_us: the book holds everything before;
    when that is folded again its differences are dropped, and nothing else is folded before it.
    clocks: of open cases, where all are to be written again: the log is folded from its beginning, since the snapshot
    was of another format, and what was written before may say less.
    """

    partition: int
    lease: Lease
    fold: CaseFold
    position: int = BEGINNING
    through: str = ""
    next_offset: int = 0
    watermark_us: int | None = None
    event_count: int = 0
    case_count: int = 0
    committed_offset: int = 0
    committed_position: int = BEGINNING
    committed_through: str = ""
    committed_watermark_us: int | None = None
    snapshot_events: int = 0
    snapshot_position: int = BEGINNING
    snapshot_at_s: float = field(default_factory=time.monotonic)
    clocks: ClockRows | None = None

    def key(self, tenant: str, system: IndicatorSystem) -> PartitionKey:
        return PartitionKey(tenant, system.name, system.version, self.partition)

    def progress(self, owner: str) -> Progress:
        return Progress(
            partition=self.partition,
            epoch=self.lease.epoch,
            owner=owner,
            position=self.position,
            through=self.through,
            next_offset=self.next_offset,
            watermark_us=self.watermark_us,
            case_count=self.case_count,
            event_count=self.event_count,
        )

    def committed(self) -> None:
        """Everything that was folded is in the book now."""
        self.committed_offset, self.committed_position = self.next_offset, self.position
        self.committed_through, self.committed_watermark_us = self.through, self.watermark_us

    @property
    def is_replaying(self) -> bool:
        return self.next_offset < self.committed_offset

    @property
    def is_behind(self) -> bool:
        """Whether there is still something to replay: events, or moments that clocks of open cases have run through."""
        return self.position < self.committed_position or _before(self.watermark_us, self.committed_watermark_us)

    def advance(self, position: int, through: str, watermark_us: int | None) -> None:
        """The clock moves the watermark while nothing is written, too."""
        if position >= self.position:
            self.position, self.through = position, through
            self.watermark_us = self.watermark_at(position, watermark_us)

    def watermark_at(self, position: int, watermark_us: int | None) -> int | None:
        """Up to where clocks have run once everything through this position was folded, never less than before.

        While the partition is behind what was committed, no further than the commit had come; then exactly that far.
        """
        if position < self.position:
            return self.watermark_us
        if position < self.committed_position:
            return earlier(later(self.watermark_us, watermark_us), self.committed_watermark_us)
        return later(later(self.watermark_us, watermark_us), self.committed_watermark_us)

    def snapshot_due(self, events: int, interval_s: float, now_s: float) -> bool:
        if self.is_replaying or self.position <= self.snapshot_position:
            return False
        return self.event_count - self.snapshot_events >= events or now_s - self.snapshot_at_s >= interval_s


async def restore_partition(
    store: Store, tenant: str, system: IndicatorSystem, lease: Lease, partition: int, kept: Progress | None
) -> PartitionState:
    key = PartitionKey(tenant, system.name, system.version, partition)
    restart = await store.restart(key)
    fold = await asyncio.to_thread(_restored, system, restart)
    if fold is None and restart.pages:
        # Their cases are numbered by a state that cannot be read; they come back with the log.
        await store.forget_pages(key)
    state = PartitionState(partition, lease, fold or CaseFold(system))
    snapshot = restart.snapshot
    if snapshot is not None and fold is not None:
        state.position, state.through, state.next_offset = snapshot.position, snapshot.through, snapshot.next_offset
        state.watermark_us, state.event_count = snapshot.watermark_us, snapshot.event_count
        state.snapshot_events, state.snapshot_position = snapshot.event_count, snapshot.position
    if kept is not None:
        state.committed_offset, state.committed_position = kept.next_offset, kept.position
        state.committed_through, state.committed_watermark_us = kept.through, kept.watermark_us
        if fold is None:
            state.clocks = {}
    return state


def _restored(system: IndicatorSystem, restart: Restart) -> CaseFold | None:
    if restart.snapshot is None:
        return None
    pages = [(number, np.frombuffer(hashes, dtype=np.uint64)) for number, hashes in restart.pages]
    try:
        return CaseFold.restore(system, restart.snapshot.fold, EvictedCases(pages))
    except ForeignSnapshot:
        log.warning("snapshot skipped, unknown format", system=system.name, version=system.version)
        return None


async def reload_cases(store: Store, key: PartitionKey, fold: CaseFold, wanted: Wanted) -> None:
    """Reloads evicted cases into memory."""
    numbers = sorted(wanted)
    for start in range(0, len(numbers), PAGES_READ_MAX):
        some = numbers[start : start + PAGES_READ_MAX]
        contents = await store.page_contents(key, some)
        await asyncio.to_thread(fold.reload, {number: wanted[number] for number in some}, contents)
    if wanted:
        scoring_metrics.add("andon.scoring.cases.reloaded", sum(map(len, wanted.values())))


async def store_snapshot(
    store: Store, tenant: str, opened: OpenedBook, state: PartitionState, case_idle_days: float
) -> None:
    """Between two steps only: fold and book must say the same. Idle cases are evicted with it."""
    key, fold = state.key(tenant, opened.book.system), state.fold
    await reload_cases(store, key, fold, fold.evicted.sparse(PAGES_READ_MAX))
    leaving = fold.idle_cases(round(case_idle_days * DAY_US)) if case_idle_days else None
    if leaving is not None and leaving.size:
        await asyncio.to_thread(fold.evict, leaving)
        scoring_metrics.add("andon.scoring.cases.evicted", len(leaving))
    content = await asyncio.to_thread(fold.snapshot)
    checkpoint = BookCheckpoint(opened.position, await asyncio.to_thread(checkpoint_of, opened.book))
    snapshot = Snapshot(
        state.position, state.through, state.next_offset, state.watermark_us, state.event_count, content
    )
    change = fold.evicted.change()
    pages = CasePageChange(
        [CasePageRow(page.number, page.hashes.tobytes(), page.content) for page in change.added],
        {number: hashes.tobytes() for number, hashes in change.thinned.items()},
        change.emptied,
    )
    await store.store_snapshot(key, state.lease, snapshot, checkpoint, pages)
    state.snapshot_events, state.snapshot_position = state.event_count, state.position
    state.snapshot_at_s = time.monotonic()


def earlier(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else min(left, right)


def later(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return max(left, right)


def _before(left: int | None, right: int | None) -> bool:
    return right is not None and (left is None or left < right)
