"""Commits what was gathered: decides what follows from it, and writes all of it in one transaction.

Theory of operation
===================

A commit takes what a step of the fold adds to window statistics (`Gathered`), recalls what has left memory and is
needed (`scores.recall`), decides which scores and signals follow (`scores.decision`, pure), and writes the progress of
the partitions, the entries of the score log, scores, signals, statistics that leave memory and observations at once:
all of it is there, or none.

What is invariant. A score follows from the statistics of all partitions, and a replica folds only some of them. It
learns what the others add from the score log. So a decision is valid only for a book that holds every entry of its
version up to `scored_position`, with what was recalled at that position, and only while the leases are held. Both are
compared again in the statement that writes; where one differs nothing is written and `Outdated` is raised, and what
was recalled is dropped.

Who may be first. Replicas of one version commit in any order: the row lock of the log's head decides. Whoever comes
second takes over the entries of the first one and decides again under the lock, where nobody else can move the
version on. While a replica owns every partition, nobody else writes for this version: then it decides without the
lock, and a step costs one round trip.

What is lost when it dies. Before the commit: nothing, since the next owner folds the same events from the last
snapshot and comes to the same rows. After the commit and before its answer: nothing either. The retry finds entries
with the id of its own step, takes them over as if they were another's, and is done: a difference counts once. What was
folded cannot be unfolded, so an unavailable store is waited for; after
any other error the fold and the book are dropped and restored from what was committed (`replica.follow`).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from services.runtime.database import STORE_ERRORS, is_unavailable
from services.runtime.telemetry import current_traceparent
from services.scoring.metrics import scoring_metrics
from services.scoring.replica.gathered import Gathered
from services.scoring.replica.partition_state import PartitionState
from services.scoring.replica.recalled_windows import recall
from services.scoring.replica.reopen import CommittedState, OpenedBook, catch_up, least_watermark
from services.scoring.replica.step_rows import chart_state_rows, entry_rows, score_row, signal_row, statistics_row
from services.scoring.replica.tail import ScoreTail
from services.scoring.scores.book import ScoreBook
from services.scoring.scores.book_codec import encode_change
from services.scoring.scores.decision import Decision, decide, draws
from services.scoring.scores.recall import NOTHING_RECALLED, needs_of
from services.scoring.store import Store
from services.scoring.store.progress import Fold, Progress
from services.scoring.store.steps import NewStep, Outdated, SwitchPhase, VersionState
from services.scoring.store.windows import VersionKey, WindowReader
from services.scoring.system.model import IndicatorSystem
from services.scoring.wire.entries import PublishedEntry, entries_of
from services.scoring.wire.scores import score_message, signal_message

RETRY_S_MIN, RETRY_S_MAX = 0.05, 2.0
INLINE_CHANGES_MAX = 400
"""So few changes are decided upon where they arrive: to hand them to a thread and to wait for it takes longer."""

Recalling = Callable[[VersionKey], AbstractAsyncContextManager[WindowReader]]
"""Opens what windows are recalled from: a transaction of its own, or that of the step."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class CommitPlan:
    """A decision, the progress of every partition after it, what is written, and what followers are given of it."""

    decision: Decision
    progress: Mapping[int, Progress]
    new: NewStep
    published: Sequence[PublishedEntry]


@dataclass(frozen=True)
class PendingStep:
    """What is to be committed; `id` tells its entries in the log from those of others."""

    id: uuid.UUID
    gathered: Gathered
    moved: Sequence[PartitionState]


class SwitchUnderWay(Exception):
    """The version is being switched to, so its statistics stay as they are until that is over."""


class Committer:
    """Of one version in this replica."""

    def __init__(
        self,
        tenant: str,
        system: IndicatorSystem,
        store: Store,
        tail: ScoreTail,
        replica: str,
        entry_bytes_max: int,
    ) -> None:
        self.tenant = tenant
        self.system = system
        self._key = (tenant, system.name, system.version)
        self._store = store
        self._tail = tail
        self._replica = replica
        self._entry_bytes_max = entry_bytes_max

    async def commit_with_retry(
        self, gathered: Gathered, opened: OpenedBook, fold: Fold, states: Collection[PartitionState]
    ) -> None:
        """Returns once all is committed. Raises VersionRetired, LostLease, EntriesGone, SwitchUnderWay."""
        moved = [
            state
            for state in states
            if not state.is_behind
            and (
                state.position > state.committed_position
                or state.partition in gathered.partitions
                or gathered.values
                or closes_window(opened.book, state)
            )
        ]
        if not moved:
            return None
        pause_s, step = RETRY_S_MIN, PendingStep(uuid.uuid4(), gathered, moved)
        while True:
            try:
                return await self._commit(step, opened, fold, states)
            except Outdated:
                # Nobody moves the version on while it is decided under the lock: once more, and it is committed.
                log.debug("commit re-decided under the lock", system=self.system.name)
            except STORE_ERRORS as error:
                if not is_unavailable(error):
                    raise
                log.warning("commit failed, retrying", system=self.system.name, error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S_MAX)

    async def _commit(
        self, pending: PendingStep, opened: OpenedBook, fold: Fold, states: Collection[PartitionState]
    ) -> None:
        begun, leases = self._tail.changed.generation(), [state.lease for state in states]
        committed, opened.committed = opened.committed, None
        if committed is not None and committed.leases == frozenset(leases):
            plan = await self._plan(pending, opened, fold, committed.state, self._store.recalling)
            with self._tail.publishing(len(plan.published)):
                position = await self._store.commit_step(*self._key, plan.new, committed.state, leases)
        else:
            async with self._store.step(*self._key) as step:
                state = await step.state(leases)
                if state.switch.phase is not SwitchPhase.NONE:
                    raise SwitchUnderWay
                if await catch_up(step, opened, state, pending.id):
                    for one in pending.moved:
                        one.committed()
                    self._tail.changed.notify()
                    return
                plan = await self._plan(pending, opened, fold, state, lambda _: nullcontext(step))
                position = await step.commit(plan.new, state, leases)
        opened.book.apply(plan.decision)
        if plan.published:
            opened.position = position
            self._tail.published(begun, position, plan.published)
        else:
            self._tail.changed.notify()
        if len(leases) == fold.partition_count:
            version = VersionState(opened.position, opened.book.switched, list(plan.progress.values()))
            opened.committed = CommittedState(frozenset(leases), version)
        for one in pending.moved:
            one.committed()

    async def _plan(
        self, pending: PendingStep, opened: OpenedBook, fold: Fold, state: VersionState, recalling: Recalling
    ) -> CommitPlan:
        gathered = pending.gathered
        progress = [one.progress(self._replica) for one in pending.moved]
        everyone = {one.partition: one for one in (*state.progress, *progress)}
        decision = await self._decide(opened, gathered, least_watermark(fold, everyone), recalling)
        now, traceparent = datetime.now(UTC), current_traceparent()
        # What a version that catches up in silence says of old moments is nothing that anybody waits for.
        open_cases = gathered.clocks.step(self._entry_bytes_max if opened.book.switched else 0)
        if decision.empty and not gathered.observations:
            return CommitPlan(decision, everyone, NewStep(pending.id, progress, now, open_cases=open_cases), [])
        now_us = round(now.timestamp() * 1e6)
        scores = [score_message(score, now_us) for score in decision.scores]
        signals = [signal_message(signal, now_us, traceparent) for signal in decision.signals]
        entries = entries_of(scores, signals, self._entry_bytes_max)
        new = NewStep(
            pending.id,
            progress,
            now,
            entry_rows(entries, encode_change(decision.change)),
            gathered.observations,
            [score_row(score, body.SerializeToString()) for score, body in zip(decision.scores, scores, strict=True)],
            [
                signal_row(signal, body.SerializeToString())
                for signal, body in zip(decision.signals, signals, strict=True)
            ],
            [statistics_row(place, stats) for place, stats in decision.left.items()],
            traceparent,
            chart_state_rows(decision.landmarks),
            {
                series: landmarks.kept_us
                for series, landmarks in decision.landmarks.items()
                if landmarks.kept_us is not None
            },
            open_cases,
        )
        retracted = sum(not signal.active for signal in decision.signals)
        scoring_metrics.add("andon.scoring.steps")
        scoring_metrics.add("andon.scoring.scores.published", len(decision.scores))
        scoring_metrics.add("andon.scoring.signals.opened", len(decision.signals) - retracted)
        scoring_metrics.add("andon.scoring.signals.retracted", retracted)
        published = [PublishedEntry(tuple(scored), tuple(signalled), traceparent, now) for scored, signalled in entries]
        return CommitPlan(decision, everyone, new, published)

    async def _decide(
        self,
        opened: OpenedBook,
        gathered: Gathered,
        watermark_us: int | None,
        recalling: Recalling,
    ) -> Decision:
        book = opened.book
        began_s = time.perf_counter()
        needs = needs_of(book, gathered.differences, watermark_us, gathered.values)
        recalled = NOTHING_RECALLED
        if needs:
            async with recalling(self._key) as reader:
                recalled = await recall(reader, book, needs)
        corrected = frozenset(gathered.corrected)
        arguments = (book, gathered.differences, watermark_us, corrected, recalled, gathered.values)
        many = len(gathered.differences) > INLINE_CHANGES_MAX or bool(needs.slices)
        is_long = many or draws(book, gathered.differences, watermark_us)
        decision = await asyncio.to_thread(decide, *arguments) if is_long else decide(*arguments)
        scoring_metrics.record("andon.scoring.decision.duration", time.perf_counter() - began_s)
        return decision


def closes_window(book: ScoreBook, state: PartitionState) -> bool:
    """Whether the clock alone has come to the end of a window: nothing was written, and it is complete all the same."""
    now_us, before_us = state.watermark_us, state.committed_watermark_us
    if now_us is None or now_us == before_us:
        return False
    since_us, passed_us = (book.system.spec.passed_us(one) for one in (before_us, now_us))
    return any(since_us < end_us <= passed_us for end_us in (*book.provisional, *book.silent))
