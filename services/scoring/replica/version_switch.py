"""Replaces the version before by one that has caught up, in pieces.

Theory of operation
===================

A switch goes through all windows of a system (`scores.version_switch`). Each piece is decided outside of any lock and
staged in a transaction of its own together with the place that it came to; when nothing is left, all that is staged is
published in one transaction, within Postgres. Until then readers and followers see the version before, and memory holds
one piece.

What is invariant. Between the first piece and publication no step of the version commits: the entry that begins a
switch moves the version's last position on, so whatever was decided before is outdated, and who reads the state sees
the switch (`replica.commit`). The version before was retired and writes nothing. So every piece sees the same
statistics, scores and watermarks, and the result does not depend on where it was cut.

Who may be first. The owner of the first partition switches; others wait. Where the partition moves, the new owner goes
on from the place in the `fold` row, and a piece of the former one finds that place moved on and stages nothing.

What is lost when it dies. The piece under way, which is decided again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum, auto

import structlog

from services.runtime.telemetry import current_traceparent
from services.scoring.metrics import scoring_metrics
from services.scoring.replica.partition_state import PartitionState
from services.scoring.replica.recalled_windows import recalled_from
from services.scoring.replica.reopen import OpenedBook, catch_up, is_caught_up, least_watermark
from services.scoring.replica.step_rows import chart_state_rows, entry_rows, score_row, signal_row
from services.scoring.replica.tail import ScoreTail
from services.scoring.scores.book import ScoreBook
from services.scoring.scores.book_codec import BookChange, encode_change
from services.scoring.scores.charts.chart_state import decode_state, encode_state
from services.scoring.scores.recall import Recalled
from services.scoring.scores.version_switch import (
    OpenChart,
    Piece,
    PieceDecision,
    decide_composites,
    decide_piece,
    nodes_at,
    series_span,
)
from services.scoring.store import Store
from services.scoring.store.progress import Fold
from services.scoring.store.steps import NewEntry, NewStep, SwitchPhase, SwitchPlace
from services.scoring.store.version_switch import StagedPiece
from services.scoring.system.model import IndicatorSystem, Window
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import EARLIEST_US
from services.scoring.wire.entries import entries_of
from services.scoring.wire.scores import score_message, score_of, signal_message, unpack_score

WINDOWS_MAX = 2_000
"""Of a piece."""

log = structlog.get_logger(__name__)


class SwitchOutcome(Enum):
    """NOT_DUE: steps may go on. MOVED: a piece was staged. ELSEWHERE: another replica is at it."""

    NOT_DUE = auto()
    MOVED = auto()
    ELSEWHERE = auto()


class VersionSwitch:
    """To one version, as this replica takes part in it."""

    def __init__(
        self, tenant: str, system: IndicatorSystem, store: Store, tail: ScoreTail, entry_bytes_max: int
    ) -> None:
        self._key = (tenant, system.name, system.version)
        self._system = system
        self._store = store
        self._tail = tail
        self._entry_bytes_max = entry_bytes_max

    async def go_on(
        self, opened: OpenedBook, fold: Fold, states: Collection[PartitionState], windows_max: int = WINDOWS_MAX
    ) -> SwitchOutcome:
        """One piece. Raises VersionRetired, LostLease and errors of the store, after which it may be called again."""
        opened.committed = None
        leases = [state.lease for state in states]
        async with self._store.switching(self._key) as step:
            state = await step.state(leases)
            # A piece is decided upon the statistics of all partitions.
            await catch_up(step, opened, state)
            everyone = {one.partition: one for one in state.progress}
            if state.switched or not is_caught_up(fold, everyone):
                return SwitchOutcome.NOT_DUE
            is_begun = state.switch.phase is not SwitchPhase.NONE
            if not any(one.partition == 0 for one in states):
                return SwitchOutcome.ELSEWHERE if is_begun else SwitchOutcome.NOT_DUE
            if is_begun and not _is_readable(state.switch):
                # A release with another format of charts began it.
                await step.restart(SwitchPlace(SwitchPhase.INDICATORS, series_span(self._system)[0], EARLIEST_US))
                return SwitchOutcome.MOVED
            if not is_begun:
                marker = NewStep(uuid.uuid4(), [], datetime.now(UTC), [NewEntry(b"", b"", b"")])
                opened.position = await step.commit(marker, state, leases)
                first, _ = series_span(self._system)
                await step.move(SwitchPlace(SwitchPhase.INDICATORS, first, EARLIEST_US))
                log.info("switch of versions begun", tenant=self._key[0], system=self._key[1], version=self._key[2])
                return SwitchOutcome.MOVED
        watermark_us = least_watermark(fold, everyone)
        piece: StagedPiece | None
        if state.switch.phase is SwitchPhase.INDICATORS:
            piece = await self._indicators(opened.book, state.switch, watermark_us, windows_max)
        else:
            piece = await self._composites(opened.book, state.switch, watermark_us, windows_max)
        async with self._store.switching(self._key) as step:
            if await step.state(leases) == state:
                if piece is None:
                    await step.publish(datetime.now(UTC), current_traceparent())
                    log.info("version switched to", tenant=self._key[0], system=self._key[1], version=self._key[2])
                else:
                    await step.stage(piece, state.switch)
                    retracted = sum(not one.standing for one in piece.signals)
                    scoring_metrics.add("andon.scoring.scores.published", len(piece.scores))
                    scoring_metrics.add("andon.scoring.signals.opened", len(piece.signals) - retracted)
                    scoring_metrics.add("andon.scoring.signals.retracted", retracted)
        if piece is None:
            self._tail.changed.notify()
        return SwitchOutcome.MOVED

    async def _indicators(
        self, book: ScoreBook, place: SwitchPlace, watermark_us: int | None, windows_max: int
    ) -> StagedPiece:
        _, end = series_span(self._system)
        async with self._store.switch_reading(self._key) as reader:
            next_windows = await reader.next_windows((place.series, place.start_us), end, windows_max)

        def decided() -> tuple[PieceDecision, SwitchPlace]:
            known = recalled_from(next_windows.stored)
            through = next_windows.through
            after, last = (place.series, place.start_us), through or (end, EARLIEST_US)
            for at, stats in book.statistics.items():
                if after < (at[0], at[1].start_us) <= last:
                    known.statistics[at] = stats
            goes_on = SeriesKey(through[0]) if through else None
            decision = decide_piece(book, Piece(known, _chart_of(place), goes_on), watermark_us)
            if through is None:
                return decision, SwitchPlace(SwitchPhase.COMPOSITES, "", EARLIEST_US)
            state = encode_state(decision.chart.state) if decision.chart else b""
            return decision, SwitchPlace(SwitchPhase.INDICATORS, *through, chart=state)

        return self._rows(*await asyncio.to_thread(decided), place.entries)

    async def _composites(
        self, book: ScoreBook, place: SwitchPlace, watermark_us: int | None, windows_max: int
    ) -> StagedPiece | None:
        """None: there are no more."""
        kinds = list(book.trees)
        kind = Window(place.series) if place.series else next(iter(kinds), None)
        if kind is None:
            return None
        series = nodes_at(book, kind)
        async with self._store.switch_reading(self._key) as reader:
            starts = await reader.next_starts(series, place.start_us, max(1, windows_max // len(series)))
            if not starts:
                following = kinds[kinds.index(kind) + 1 :]
                if not following:
                    return None
                return self._rows(
                    PieceDecision(()), SwitchPlace(place.phase, following[0].value, EARLIEST_US), place.entries
                )
            staged, published = await reader.scores_between(series, place.start_us, starts[-1])

        def decided() -> PieceDecision:
            known = Recalled()
            for row in published:
                known.place_score(score_of(unpack_score(row["body"])))
            leaves = [score_of(unpack_score(row["body"])) for row in staged]
            return decide_composites(book, leaves, known, watermark_us)

        after = SwitchPlace(place.phase, kind.value, starts[-1])
        return self._rows(await asyncio.to_thread(decided), after, place.entries)

    def _rows(self, decision: PieceDecision, place: SwitchPlace, entries_before: int) -> StagedPiece:
        now_us, traceparent = round(datetime.now(UTC).timestamp() * 1e6), current_traceparent()
        scores = [score_message(score, now_us) for score in decision.scores]
        signals = [signal_message(signal, now_us, traceparent) for signal in decision.signals]
        entries = entry_rows(
            entries_of(scores, signals, self._entry_bytes_max), encode_change(BookChange(charts=decision.charts))
        )
        return StagedPiece(
            replace(place, entries=entries_before + len(entries)),
            entries,
            [score_row(score, body.SerializeToString()) for score, body in zip(decision.scores, scores, strict=True)],
            [
                signal_row(signal, body.SerializeToString())
                for signal, body in zip(decision.signals, signals, strict=True)
            ],
            chart_state_rows(decision.landmarks),
        )


def _is_readable(place: SwitchPlace) -> bool:
    return not place.chart or decode_state(place.chart) is not None


def _chart_of(place: SwitchPlace) -> OpenChart | None:
    state = decode_state(place.chart) if place.chart else None
    return None if state is None else OpenChart(SeriesKey(place.series), state)
