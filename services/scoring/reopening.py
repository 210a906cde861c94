"""How a fold comes back: a partition from its last snapshot, the book from checkpoints and what was logged since."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from services.runtime.ownership import Lease
from services.scoring.book import Book, open_book
from services.scoring.cases import CaseFold
from services.scoring.ledger import decode_parts, encode_parts
from services.scoring.model import IndicatorSystem, PartChange
from services.scoring.recovery import ForeignSnapshot
from services.scoring.store import Store
from services.scoring.store.books import BookReader
from services.scoring.store.progress import Fold, Progress
from services.scoring.store.snapshots import Snapshot
from services.scoring.store.steps import Entry
from services.scoring.wire import score_of, signal_of, unpack_scores, unpack_signals

BEGINNING = -1

log = structlog.get_logger(__name__)


@dataclass
class PartitionState:
    """A partition in memory. `kept_offset`: what is before it was kept already, so folding it again keeps nothing."""

    partition: int
    lease: Lease
    fold: CaseFold
    position: int = BEGINNING
    through: str = ""
    next_offset: int = 0
    watermark_us: int | None = None
    event_count: int = 0
    case_count: int = 0
    kept_offset: int = 0
    kept_position: int = BEGINNING
    snapshot_events: int = 0
    snapshot_position: int = BEGINNING
    snapshot_at_s: float = field(default_factory=time.monotonic)

    @property
    def is_replaying(self) -> bool:
        return self.next_offset < self.kept_offset

    @property
    def is_ahead(self) -> bool:
        """Whether something was folded that was not kept yet."""
        return self.next_offset > self.kept_offset

    def snapshot_due(self, events: int, interval_s: float, now_s: float) -> bool:
        if self.is_replaying or self.position <= self.snapshot_position:
            return False
        return self.event_count - self.snapshot_events >= events or now_s - self.snapshot_at_s >= interval_s


@dataclass
class OpenedBook:
    """A book and the last entry of its version that it holds."""

    book: Book
    position: int


async def restore_partition(
    store: Store, tenant: str, system: IndicatorSystem, lease: Lease, partition: int, kept: Progress | None
) -> PartitionState:
    snapshot = await store.snapshot(tenant, system.name, system.version, partition)
    fold = await asyncio.to_thread(_restored, system, snapshot)
    state = PartitionState(partition, lease, fold or CaseFold(system))
    if snapshot is not None and fold is not None:
        state.position, state.through, state.next_offset = snapshot.position, snapshot.through, snapshot.next_offset
        state.watermark_us, state.event_count = snapshot.watermark_us, snapshot.event_count
        state.snapshot_events, state.snapshot_position = snapshot.event_count, snapshot.position
    if kept is not None:
        state.kept_offset, state.kept_position = kept.next_offset, kept.position
    return state


def _restored(system: IndicatorSystem, snapshot: Snapshot | None) -> CaseFold | None:
    if snapshot is None:
        return None
    try:
        return CaseFold.restore(system, snapshot.fold)
    except ForeignSnapshot:
        log.warning("snapshot of another format is passed over", system=system.name, version=system.version)
        return None


async def reopen_book(store: Store, tenant: str, system: IndicatorSystem) -> OpenedBook:
    async with store.opening(tenant, system.name, system.version) as reader:
        fold = await reader.fold()
        book = open_book(system, fold.partition_count, fold.switched)
        await _load_parts(book, reader)
        for score in await reader.scores(system.process, system.system):
            book.place_score(score_of(score))
        for signal in await reader.signals(system.process, system.system):
            known = signal_of(signal)
            book.signals.setdefault(known.series, {})[known.name] = known
    return OpenedBook(book, fold.scored_position)


async def _load_parts(book: Book, reader: BookReader) -> None:
    """Each partition from its own checkpoint on; scores come from their table, which is newer than any entry."""
    since: dict[int, int] = {}
    for partition, position, raw in await reader.checkpoints():
        book.apply_parts(decode_parts(raw, {}))
        since[partition] = position
    first = min((since.get(partition, 0) for partition in range(book.partition_count)), default=0)
    async for entry in reader.entries_after(first):
        later = {partition for partition in range(book.partition_count) if entry.position > since.get(partition, 0)}
        book.apply_parts(decode_parts(entry.parts, book.parts, later))


def apply_entry(opened: OpenedBook, entry: Entry) -> None:
    """What another replica kept, taken over."""
    book = opened.book
    book.apply_parts(decode_parts(entry.parts, book.parts))
    for score in unpack_scores(entry.scores):
        book.place_score(score_of(score))
    for signal in unpack_signals(entry.signals):
        known = signal_of(signal)
        book.signals.setdefault(known.series, {})[known.name] = known
    opened.position = entry.position


async def keep_snapshot(store: Store, tenant: str, opened: OpenedBook, state: PartitionState) -> None:
    """Between two steps only: fold and book must say the same."""
    system = opened.book.system
    fold = await asyncio.to_thread(state.fold.snapshot)
    parts = await asyncio.to_thread(_checkpoint, opened.book, state.partition)
    snapshot = Snapshot(state.position, state.through, state.next_offset, state.watermark_us, state.event_count, fold)
    await store.keep_snapshot(tenant, system.name, system.version, state.partition, snapshot, opened.position, parts)
    state.snapshot_events, state.snapshot_position = state.event_count, state.position
    state.snapshot_at_s = time.monotonic()


def _checkpoint(book: Book, partition: int) -> bytes:
    changes = [
        PartChange(series, window, parts[partition])
        for (series, window), parts in book.parts.items()
        if partition in parts
    ]
    return encode_parts({partition: changes}, {})


def is_caught_up(fold: Fold, progress: dict[int, Progress]) -> bool:
    """Whether every partition has come to the place from which the version may be scored by."""
    return len(progress) >= fold.partition_count and all(
        one.position >= fold.switch_position for one in progress.values()
    )


def least_watermark(fold: Fold, progress: dict[int, Progress]) -> int | None:
    """Every partition has passed it. None: some partition has seen nothing yet."""
    seen = [one.watermark_us for one in progress.values() if one.watermark_us is not None]
    return min(seen) if len(seen) >= fold.partition_count else None
