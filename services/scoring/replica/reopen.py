"""Opens a book again: from its checkpoint and the entries of the log since."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.runtime.ownership import Lease
from services.scoring.scores.book import ScoreBook, open_book
from services.scoring.scores.book_codec import BookChange, decode_change, encode_change
from services.scoring.scores.charts.trail import ChartMove
from services.scoring.store import Store
from services.scoring.store.progress import Fold, Progress
from services.scoring.store.steps import Entry, StepTransaction, VersionRetired, VersionState
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import EARLIEST_US
from services.scoring.wire.scores import (
    score_of,
    signal_of,
    unpack_score,
    unpack_scores,
    unpack_signal,
    unpack_signals,
)

INLINE_BYTES_MAX = 64 * 1024
"""An entry as small is taken over where it arrives; a larger one is too long for a loop."""


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
    """From the last checkpoint and the entries since; scores and signals are those of the windows in memory."""
    async with store.opening(tenant, system.name, system.version) as reader:
        fold = await reader.fold()
        book = open_book(system, fold.switched)
        position, checkpoint = await reader.checkpoint()
        # Twenty states for each chart: too many for a loop.
        book.take(await asyncio.to_thread(decode_change, checkpoint))
        async for entry in reader.entries_after(position):
            book.take(decode_change(entry.change))
        for score in await reader.scores(system.process, system.system, book.closed_us):
            book.place_score(score_of(unpack_score(score)))
        for signal in await reader.signals(system.process, system.system, book.closed_us):
            book.place_signal(signal_of(unpack_signal(signal)))
    return OpenedBook(book, fold.scored_position)


def take_entry(opened: OpenedBook, entry: Entry) -> None:
    """Takes over what another replica committed."""
    scores, signals = map(score_of, unpack_scores(entry.scores)), map(signal_of, unpack_signals(entry.signals))
    opened.book.take(decode_change(entry.change), scores, signals)
    opened.position = entry.position


async def catch_up(
    step: StepTransaction, opened: OpenedBook, state: VersionState, own_step: UUID | None = None
) -> bool:
    """Takes over what was committed since. True: so was this step, whose answer was lost."""
    if opened.book.switched and not state.switched:
        # Another version was scored by in between: this book does not know what that one published.
        raise VersionRetired
    is_own = False
    if state.scored_position != opened.position:
        async for entry in step.entries_missed(opened.position):
            if len(entry.scores) + len(entry.change) > INLINE_BYTES_MAX:
                await asyncio.to_thread(take_entry, opened, entry)
            else:
                take_entry(opened, entry)
            is_own = is_own or (own_step is not None and entry.step == own_step)
        opened.position = state.scored_position
    opened.book.switched = state.switched
    return is_own


def checkpoint_of(book: ScoreBook) -> bytes:
    """Everything of the book that scores and signals do not say."""
    charts: dict[SeriesKey, ChartMove | None] = {
        series: ChartMove(EARLIEST_US, trail) for series, trail in book.charts.items()
    }
    charts |= dict.fromkeys(book.undrawn)
    return encode_change(
        BookChange(
            book.statistics, book.closed_us, charts, {name: sorted(values) for name, values in book.values.items()}
        )
    )


def is_caught_up(fold: Fold, progress: Mapping[int, Progress]) -> bool:
    """Whether every partition has come to the place from which the version may be scored by."""
    return len(progress) >= fold.partition_count and all(
        one.position >= fold.switch_position for one in progress.values()
    )


def least_watermark(fold: Fold, progress: Mapping[int, Progress]) -> int | None:
    """Every partition has passed it. None: some partition has seen nothing yet."""
    seen = [one.watermark_us for one in progress.values() if one.watermark_us is not None]
    return min(seen) if len(seen) >= fold.partition_count else None
