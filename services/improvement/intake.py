"""Follows scoring's signals: gather what they rest on, decide about problems, store both with the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
from andon.scoring.v1 import score_pb2

from services.improvement.causes import Evidence
from services.improvement.metrics import metrics
from services.improvement.model import Problem, ProblemName
from services.improvement.occurrences import Occurrence
from services.improvement.problems import current_occurrences, decide
from services.improvement.scoring_client import ScoringClient, SignalChanges
from services.improvement.store import ProblemStore
from services.improvement.wire.signals import active_signal, is_active
from services.runtime.following import Notifier, foreign_position
from services.runtime.ownership import Lease
from services.runtime.telemetry import batch_span

# Steps that wait while one is decided are taken together.
STEPS_MAX = 256
EVIDENCE_AT_ONCE = 8

log = structlog.get_logger(__name__)


class Intake:
    """One tenant's signals, under one lease."""

    def __init__(
        self, lease: Lease, store: ProblemStore, scoring: ScoringClient, changed: Notifier, clock_us: Callable[[], int]
    ) -> None:
        self._lease = lease
        self._tenant = lease.tenant
        self._store = store
        self._scoring = scoring
        self._changed = changed
        self._clock_us = clock_us
        self._signals: dict[str, score_pb2.Signal] = {}
        self._settled = -1

    async def run(self) -> None:
        """For ever; a failure loses nothing: the next owner goes on from what was stored."""
        async with self._store.transaction(self._tenant) as transaction:
            head = await transaction.head()
            stored = [score_pb2.Signal.FromString(raw) for raw in await transaction.signals()]
        self._signals = {signal.name: signal for signal in stored}
        self._settled = head.settled_position
        inbox: asyncio.Queue[SignalChanges] = asyncio.Queue(STEPS_MAX)
        reading = asyncio.create_task(self._read(head.signals_through, inbox))
        try:
            while True:
                steps = await _taken(inbox, reading)
                with batch_span("improvement.follow", [step.traceparent for step in steps if step.traceparent]):
                    await self._take(steps)
        finally:
            reading.cancel()

    async def _read(self, after: str, inbox: asyncio.Queue[SignalChanges]) -> None:
        async for step in self._scoring.signals(after):
            await inbox.put(step)

    async def _take(self, steps: Sequence[SignalChanges]) -> None:
        """A step without signals is a heartbeat: time to see whether causes moved with restated scores."""
        changed = {signal.name: signal for step in steps for signal in step.signals}
        through = steps[-1].through
        position = foreign_position(through, field="through")
        idle = not steps[-1].signals
        if not changed and (not idle or position == self._settled):
            return
        active = {name: signal for name, signal in changed.items() if is_active(signal)}
        gone = [name for name in changed if name not in active]
        self._signals = {**self._signals, **active}
        for name in gone:
            self._signals.pop(name, None)
        await self._settle(active, gone, through, position if idle else -1)
        metrics.add("andon.improvement.signals", len(changed))
        if idle:
            self._settled = position

    async def _settle(
        self, active: dict[str, score_pb2.Signal], gone: Sequence[str], through: str, settled: int
    ) -> None:
        signals = [active_signal(signal) for signal in self._signals.values()]
        async with self._store.transaction(self._tenant) as transaction:
            known = await transaction.problems()
        # While signals pour in, only what they are about is looked at; when they pause, everything that is open is.
        moved = {active_signal(signal).family for signal in active.values()}
        found = current_occurrences(signals, known)
        evidence = await self._evidence([one for one in found if settled >= 0 or one.family in moved])
        async with self._store.transaction(self._tenant) as transaction:
            head = await transaction.lock()
            await transaction.guard(self._lease)
            problems = await transaction.problems()
            # Decided on what there is now: a person may have moved a problem while evidence was gathered.
            after = decide(current_occurrences(signals, problems), evidence, problems, self._clock_us())
            position = await transaction.store(after, head)
            await transaction.store_signals({name: one.SerializeToString() for name, one in active.items()}, gone)
            await transaction.store_cursor(through, settled)
        _count(after)
        if position != head.position or settled >= 0:
            self._changed.notify()

    async def _evidence(self, occurrences: Sequence[Occurrence]) -> dict[ProblemName, Evidence]:
        room = asyncio.Semaphore(EVIDENCE_AT_ONCE)

        async def one(occurrence: Occurrence) -> tuple[ProblemName, Evidence]:
            async with room:
                return occurrence.name, await self._scoring.evidence(occurrence)

        return dict(await asyncio.gather(*(one(occurrence) for occurrence in occurrences)))


async def _taken(inbox: asyncio.Queue[SignalChanges], reading: asyncio.Task[None]) -> list[SignalChanges]:
    """At least one step, and whatever waits behind it; raises what ended the reading."""
    first = asyncio.create_task(inbox.get())
    await asyncio.wait({first, reading}, return_when=asyncio.FIRST_COMPLETED)
    if not first.done():
        first.cancel()
        await reading
        raise ConnectionError("the signals came to an end")
    steps = [first.result()]
    while not inbox.empty() and len(steps) < STEPS_MAX:
        steps.append(inbox.get_nowait())
    return steps


def _count(problems: Sequence[Problem]) -> None:
    for problem in problems:
        metrics.add("andon.improvement.problems", state=problem.state.value)
