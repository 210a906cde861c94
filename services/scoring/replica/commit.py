"""What was gathered, decided upon and kept: one transaction under the tenant's lock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from services.runtime.database import UNAVAILABLE_ERRORS
from services.runtime.telemetry import current_traceparent
from services.scoring.metrics import scoring_metrics
from services.scoring.replica.gathered import Gathered
from services.scoring.replica.partition_state import PartitionState
from services.scoring.replica.reopen import Known, OpenedBook, apply_entry, is_caught_up, least_watermark
from services.scoring.replica.tail import ScoreTail, Step
from services.scoring.scores.book import Book, Decision
from services.scoring.scores.decision import decide, redraws
from services.scoring.scores.part_codec import encode_parts
from services.scoring.store import Store
from services.scoring.store.progress import Fold, Progress
from services.scoring.store.steps import (
    NewEntry,
    NewStep,
    Outdated,
    Stated,
    StepTransaction,
    VersionRetired,
    VersionState,
)
from services.scoring.system.model import IndicatorSystem
from services.scoring.wire.entries import Said, entries_of
from services.scoring.wire.scores import pack_scores, pack_signals, score_message, signal_message

RETRY_S_MIN, RETRY_S_MAX = 0.05, 2.0
INLINE_CHANGES_MAX = 400
NO_PARTS = encode_parts({}, {})

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Plan:
    """A step that was decided upon, what is written of it, and what each of its entries says."""

    decision: Decision
    everyone: Mapping[int, Progress]
    new: NewStep
    said: Sequence[Step]

    def state_after(self, opened: OpenedBook) -> VersionState:
        return VersionState(opened.position, opened.book.switched, list(self.everyone.values()))


class Keeper:
    """Of one version. What was folded cannot be unfolded, so a store that is away is waited for."""

    def __init__(
        self,
        tenant: str,
        system: IndicatorSystem,
        store: Store,
        scores: ScoreTail,
        replica: str,
        entry_bytes_max: int,
    ) -> None:
        self.tenant = tenant
        self.system = system
        self._key = (tenant, system.name, system.version)
        self._store = store
        self._scores = scores
        self._replica = replica
        self._entry_bytes_max = entry_bytes_max

    async def keep_until_kept(
        self, gathered: Gathered, opened: OpenedBook, fold: Fold, states: Collection[PartitionState]
    ) -> None:
        moved = [state for state in states if state.position > state.kept_position]
        if not moved and opened.book.switched:
            return
        pause_s = RETRY_S_MIN
        while True:
            try:
                await self._keep(gathered, opened, fold, states, moved)
                return
            except Outdated:
                # Nobody moves the version on while it is asked for under the lock: once more, and it is kept.
                log.debug("commit re-decided under the lock", system=self.system.name)
            except UNAVAILABLE_ERRORS as error:
                log.warning("commit failed, retrying", system=self.system.name, error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S_MAX)

    async def _keep(
        self,
        gathered: Gathered,
        opened: OpenedBook,
        fold: Fold,
        states: Collection[PartitionState],
        moved: Sequence[PartitionState],
    ) -> None:
        begun, leases = self._scores.changed.generation(), [state.lease for state in states]
        known, opened.known = opened.known, None
        if known is not None and known.leases == frozenset(leases):
            plan = await self._plan(gathered, opened, fold, known.state, moved)
            with self._scores.stating(len(plan.said)):
                position = await self._store.keep_step(*self._key, plan.new, known.state, leases)
        else:
            async with self._store.step(*self._key) as step:
                state = await step.state(leases)
                await _catch_up(step, opened, state)
                plan = await self._plan(gathered, opened, fold, state, moved)
                position = await step.keep(plan.new, state, leases)
        self._take_over(plan, opened, position, begun)
        if len(leases) == fold.partition_count:
            opened.known = Known(frozenset(leases), plan.state_after(opened))
        for one in moved:
            one.kept_position, one.kept_offset, one.kept_through = one.position, one.next_offset, one.through

    async def _plan(
        self,
        gathered: Gathered,
        opened: OpenedBook,
        fold: Fold,
        state: VersionState,
        moved: Sequence[PartitionState],
    ) -> _Plan:
        progress = [self._progress(one) for one in moved]
        everyone = {one.partition: one for one in (*state.progress, *progress)}
        decision = await _decide(opened, fold, gathered, everyone)
        return _Plan(decision, everyone, *self._new_step(opened.book, gathered, decision, progress))

    def _take_over(self, plan: _Plan, opened: OpenedBook, position: int, begun: int) -> None:
        """What was kept is so from now on, for the book and for those who follow."""
        opened.book.apply(plan.decision)
        if plan.said:
            opened.position = position
            self._scores.stated(begun, position, plan.said)
        else:
            self._scores.changed.notify()

    def _new_step(
        self, book: Book, gathered: Gathered, decision: Decision, progress: Sequence[Progress]
    ) -> tuple[NewStep, list[Step]]:
        """What is written, and what each entry says; no entry: there was nothing to say."""
        now, traceparent = datetime.now(UTC), current_traceparent()
        if decision.empty and not gathered.observations:
            return NewStep(progress, now), []
        now_us = round(now.timestamp() * 1e6)
        scores = [score_message(score, now_us) for score in decision.scores]
        signals = [signal_message(signal, now_us, traceparent) for signal in decision.signals]
        stated = entries_of(scores, signals, self._entry_bytes_max)
        new = NewStep(
            progress,
            now,
            _entries(stated, encode_parts(decision.parts, book.parts)),
            gathered.observations,
            [
                Stated(score, message.SerializeToString())
                for score, message in zip(decision.scores, scores, strict=True)
            ],
            [Stated(one, message.SerializeToString()) for one, message in zip(decision.signals, signals, strict=True)],
            traceparent,
            decision.switches,
        )
        _count(decision)
        return new, [Step(tuple(scored), tuple(signalled), traceparent, now) for scored, signalled in stated]

    def _progress(self, state: PartitionState) -> Progress:
        return Progress(
            partition=state.partition,
            epoch=state.lease.epoch,
            owner=self._replica,
            position=state.position,
            through=state.through,
            next_offset=state.next_offset,
            watermark_us=state.watermark_us,
            case_count=state.case_count,
            event_count=state.event_count,
        )


async def _catch_up(step: StepTransaction, opened: OpenedBook, state: VersionState) -> None:
    if opened.book.switched and not state.switched:
        # Another version was scored by in between: this book does not know what that one stated.
        raise VersionRetired
    if state.scored_position != opened.position:
        async for entry in step.entries_missed(opened.position):
            apply_entry(opened, entry)
        opened.position = state.scored_position
    opened.book.switched = state.switched


async def _decide(opened: OpenedBook, fold: Fold, gathered: Gathered, everyone: Mapping[int, Progress]) -> Decision:
    book, caught_up = opened.book, is_caught_up(fold, everyone)
    watermark_us = least_watermark(fold, everyone)
    arguments = (book, gathered.parts, watermark_us, frozenset(gathered.corrected), caught_up)
    began_s = time.perf_counter()
    many = sum(map(len, gathered.parts.values())) > INLINE_CHANGES_MAX or (caught_up and not book.switched)
    is_long = many or redraws(book, gathered.parts, watermark_us)
    decision = await asyncio.to_thread(decide, *arguments) if is_long else decide(*arguments)
    scoring_metrics.record("andon.scoring.decision.duration", time.perf_counter() - began_s)
    return decision


def _entries(stated: Sequence[Said], parts: bytes) -> list[NewEntry]:
    """Parts of a step go with its first entry."""
    return [
        NewEntry(pack_scores(scores), pack_signals(signals), NO_PARTS if number else parts)
        for number, (scores, signals) in enumerate(stated)
    ]


def _count(decision: Decision) -> None:
    retracted = sum(not signal.standing for signal in decision.signals)
    scoring_metrics.add("andon.scoring.steps")
    scoring_metrics.add("andon.scoring.scores.published", len(decision.scores))
    scoring_metrics.add("andon.scoring.signals.opened", len(decision.signals) - retracted)
    scoring_metrics.add("andon.scoring.signals.retracted", retracted)
