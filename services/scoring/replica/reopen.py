"""Opens a book again: from checkpoints and the entries of the log since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.runtime.ownership import Lease
from services.scoring.scores.book import ScoreBook, open_book
from services.scoring.scores.part_codec import decode_parts
from services.scoring.store import Store
from services.scoring.store.books import BookReader
from services.scoring.store.progress import Fold, Progress
from services.scoring.store.steps import Entry, VersionState
from services.scoring.system.model import IndicatorSystem
from services.scoring.wire.scores import (
    score_of,
    signal_of,
    unpack_score,
    unpack_scores,
    unpack_signal,
    unpack_signals,
)


@dataclass(frozen=True)
class CommittedState:
    """The version as this replica committed it last. While it owns every partition nobody else can have moved it on."""

    leases: frozenset[Lease]
    state: VersionState


@dataclass
class OpenedBook:
    """A book and the last entry that it holds. committed None: the version's state has to be asked for."""

    book: ScoreBook
    position: int
    committed: CommittedState | None = None


async def reopen_book(store: Store, tenant: str, system: IndicatorSystem) -> OpenedBook:
    async with store.opening(tenant, system.name, system.version) as reader:
        fold = await reader.fold()
        book = open_book(system, fold.partition_count, fold.switched)
        await _load_parts(book, reader)
        for score in await reader.scores(system.process, system.system):
            book.place_score(score_of(unpack_score(score)))
        for signal in await reader.signals(system.process, system.system):
            known = signal_of(unpack_signal(signal))
            book.signals.setdefault(known.series, {})[known.name] = known
    return OpenedBook(book, fold.scored_position)


async def _load_parts(book: ScoreBook, reader: BookReader) -> None:
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
    """Takes over what another replica committed."""
    book = opened.book
    book.apply_parts(decode_parts(entry.parts, book.parts))
    for score in unpack_scores(entry.scores):
        book.place_score(score_of(score))
    for signal in unpack_signals(entry.signals):
        known = signal_of(signal)
        book.signals.setdefault(known.series, {})[known.name] = known
    opened.position = entry.position


def is_caught_up(fold: Fold, progress: Mapping[int, Progress]) -> bool:
    """Whether every partition has come to the place from which the version may be scored by."""
    return len(progress) >= fold.partition_count and all(
        one.position >= fold.switch_position for one in progress.values()
    )


def least_watermark(fold: Fold, progress: Mapping[int, Progress]) -> int | None:
    """Every partition has passed it. None: some partition has seen nothing yet."""
    seen = [one.watermark_us for one in progress.values() if one.watermark_us is not None]
    return min(seen) if len(seen) >= fold.partition_count else None
