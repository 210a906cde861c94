"""Follows scoring's signals: gather what they rest on, decide about problems, store both with the cursor.

One step is one transaction: the changed signals, the problems that they change, and the cursor through which scoring's
log was followed become visible together, under the tenant's lock and the lease's epoch. Nothing is remembered between
steps, so that the next follower, after a crash at any moment, reads the state that the last transaction left. Steps
that wait are taken together; a step says only which signals are active now, so that folding several into one, or
meeting one of them again, ends in the same problems.

Causes are found when an occurrence's own signals change, and again when a score that they rest on changes later: at a
pause the changes of scores since the last one are followed, and only problems whose windows they touch are asked about.

What fails because scoring or the database is unavailable is tried again soon, and then later and later. Anything else
is a defect, which trying again does not cure: the intake stops, says so in the status, and is tried again after some
time. Its traceback is logged once; the status is cleared by the first step that gets past where it failed. Only the
tenant's signals wait meanwhile: what people do with problems, and the other tenants, go on.
"""

from __future__ import annotations

import asyncio
import traceback
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.improvement.audit_trail import entries_from_signals
from services.improvement.index_build import build_index
from services.improvement.metrics import metrics
from services.improvement.model import ActiveSignal, ProblemName
from services.improvement.neighbourhood import gather, store_index
from services.improvement.problems import decide, needs_evidence
from services.improvement.scoring_client import CursorExpired, ScoringClient, SignalChanges
from services.improvement.store import IntakeFailure, ProblemStore
from services.runtime.cursors import foreign_position
from services.runtime.database import STORE_ERRORS
from services.runtime.notifier import Notifier
from services.runtime.ownership import Lease, LostLease
from services.runtime.peers import defect_of
from services.runtime.telemetry import batch_span

# Steps that wait while one is decided are taken together, up to so many, and up to so many signals.
STEPS_MAX = 256
SIGNALS_MAX = 1000
# Problems whose causes are found again in one transaction.
STALE_MAX = 64
FAMILIES_MAX = 1000
RETRY_S_MIN, RETRY_S_MAX = 0.5, 10.0
DEFECT_RETRY_S = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class IntakeProgress:
    """How far scoring's log is followed once a step is stored. `settled` -1: causes may still have to be found."""

    through: str
    position: int
    settled: int = -1


class Intake:
    """One tenant's signals, under one lease. `replica` is how this process is named in the status."""

    def __init__(
        self,
        lease: Lease,
        store: ProblemStore,
        scoring: ScoringClient,
        changed: Notifier,
        clock_us: Callable[[], int],
        replica: str,
        defect_retry_s: float = DEFECT_RETRY_S,
    ) -> None:
        self._lease = lease
        self._tenant = lease.tenant
        self._store = store
        self._scoring = scoring
        self._changed = changed
        self._clock_us = clock_us
        self._replica = replica
        self._defect_retry_s = defect_retry_s
        # Where the step that was begun last leads to.
        self._position = -1
        self._failure: IntakeFailure | None = None
        self._failed_at = ""

    async def run(self) -> None:
        """Until the lease is lost; a failure loses nothing: the next try goes on from what was stored."""
        pause_s = RETRY_S_MIN
        while True:
            before, self._position = self._position, -1
            try:
                await self._follow()
            except LostLease:
                raise
            except Exception as error:
                if (defect := defect_of(error, "scoring")) is not None:
                    await self._stop(error, defect)
                    await asyncio.sleep(self._defect_retry_s)
                    continue
                log.warning("intake failed, restarting", tenant=self._tenant, error=type(error).__name__)
            metrics.add("andon.improvement.intake.restarts")
            pause_s = RETRY_S_MIN if self._position > before else min(2 * pause_s, RETRY_S_MAX)
            await asyncio.sleep(pause_s)

    async def _stop(self, error: Exception, defect: str) -> None:
        """Says where a person looks that signals are not processed, and why."""
        metrics.add("andon.improvement.intake.stops")
        place = "".join(traceback.format_tb(error.__traceback__)[-1:]) + defect
        incident = self._failure.incident if self._failure and place == self._failed_at else uuid.uuid4().hex
        is_known = self._failure is not None and incident == self._failure.incident
        log.error(
            "intake stopped by a defect",
            tenant=self._tenant,
            error=defect,
            incident=incident,
            exc_info=None if is_known else error,
        )
        self._failure, self._failed_at = IntakeFailure(self._replica, defect, incident, self._position), place
        try:
            await self._store.store_failure(self._tenant, self._failure)
        except STORE_ERRORS as unstored:
            log.error("a stopped intake is in this log only", tenant=self._tenant, error=type(unstored).__name__)

    async def _follow(self) -> None:
        """For ever, from what was stored."""
        async with self._store.transaction(self._tenant) as transaction:
            head = await transaction.lock()
            await transaction.guard(self._lease)
            if not head.indexed:
                await build_index(transaction, self._clock_us())
            if not head.listed:
                await transaction.fill_lists()
        self._failure = self._failure or await self._store.failure(self._tenant)
        inbox: asyncio.Queue[SignalChanges] = asyncio.Queue(STEPS_MAX)
        reading = asyncio.create_task(self._read(head.signals_through, inbox))
        settled = head.settled_position
        try:
            while True:
                steps = await _taken(inbox, reading)
                self._position = foreign_position(steps[-1].through, field="through")
                with batch_span("improvement.follow", [step.traceparent for step in steps if step.traceparent]):
                    settled = await self.take(steps, settled)
                if self._failure is not None and self._position >= self._failure.position:
                    await self._store.clear_failure(self._tenant)
                    self._failure = None
        finally:
            reading.cancel()
            # Not `await reading`: what cancels this task meanwhile would be taken for the reading's end.
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, after: str, inbox: asyncio.Queue[SignalChanges]) -> None:
        async for step in self._scoring.signals(after):
            await inbox.put(step)

    async def take(self, steps: Sequence[SignalChanges], settled: int) -> int:
        """A step without signals is a heartbeat: time to see whether causes moved with restated scores."""
        signals = {name: signal for step in steps for name, signal in step.signals.items()}
        bodies = {name: body for step in steps for name, body in step.bodies.items()}
        through = steps[-1].through
        position = foreign_position(through, field="through")
        if signals:
            await self._settle(IntakeProgress(through, position), signals, bodies)
            metrics.add("andon.improvement.signals", len(signals))
        if steps[-1].signals or position == settled:
            return settled
        await self._age_evidence(position)
        while True:
            async with self._store.transaction(self._tenant) as transaction:
                stale = await transaction.index.unread(STALE_MAX)
            is_last = len(stale) < STALE_MAX
            await self._settle(IntakeProgress(through, position, position if is_last else -1), stale=stale)
            if is_last:
                return position

    async def _age_evidence(self, through: int) -> None:
        """Marks the problems that rest on scores which changed since the last pause."""
        async with self._store.transaction(self._tenant) as transaction:
            head = await transaction.head()
            families = await transaction.index.evidence_families(FAMILIES_MAX) if head.scores_through else []
        if not families:
            return
        try:
            async for scores in self._scoring.changed_scores(head.scores_through, through, families):
                async with self._store.transaction(self._tenant) as transaction:
                    await transaction.index.age_evidence(scores)
        except CursorExpired:
            async with self._store.transaction(self._tenant) as transaction:
                await transaction.index.expire_evidence()

    async def _settle(
        self,
        progress: IntakeProgress,
        signals: Mapping[str, ActiveSignal | None] | None = None,
        bodies: Mapping[str, bytes] | None = None,
        stale: Collection[ProblemName] = (),
    ) -> None:
        changes = signals or {}
        async with self._store.transaction(self._tenant) as transaction:
            found = await gather(transaction, changes, stale)
        of_stale = {one.signal for problem in found.problems if problem.name in stale for one in problem.signals}
        asked = needs_evidence(found.occurrences, found.problems, [*changes, *of_stale])
        evidence = await self._scoring.evidence(asked)
        async with self._store.transaction(self._tenant) as transaction:
            head = await transaction.lock()
            await transaction.guard(self._lease)
            # Decided on what there is now: a person may have changed a problem while evidence was gathered.
            found = await gather(transaction, changes, stale)
            decision = await asyncio.to_thread(decide, found.occurrences, evidence, found.problems, self._clock_us())
            position = await transaction.store(decision.changed, head)
            before = {problem.name: problem for problem in found.problems}
            await transaction.append_history(entries_from_signals(before, decision.changed))
            await transaction.index.store_signals(found.active, bodies or {})
            await transaction.index.delete_signals(found.gone)
            await store_index(transaction, found, decision, evidence, progress.position)
            scores_through = head.scores_through or (progress.through if evidence else "")
            if progress.settled >= 0:
                scores_through = progress.through if (await transaction.head()).live_count else ""
            await transaction.store_cursor(progress.through, progress.settled, scores_through)
        for problem in decision.changed:
            metrics.add("andon.improvement.problems", state=problem.state.value)
        if position != head.position or progress.settled >= 0:
            self._changed.notify()


async def _taken(inbox: asyncio.Queue[SignalChanges], reading: asyncio.Task[None]) -> list[SignalChanges]:
    """At least one step, and what waits behind it; raises what ended the reading."""
    first = asyncio.create_task(inbox.get())
    await asyncio.wait({first, reading}, return_when=asyncio.FIRST_COMPLETED)
    if not first.done():
        first.cancel()
        await reading
        raise ConnectionError("the signals came to an end")
    steps = [first.result()]
    count = len(steps[0].signals)
    while not inbox.empty() and len(steps) < STEPS_MAX and count < SIGNALS_MAX:
        steps.append(inbox.get_nowait())
        count += len(steps[-1].signals)
    return steps
