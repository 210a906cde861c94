"""Follows scoring's signals: gather what they rest on, decide about problems, keep both with the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
from andon.scoring.v1 import score_pb2

from services.improvement.causes import Evidence
from services.improvement.metrics import metrics
from services.improvement.model import Problem, ProblemName
from services.improvement.peer import ScoringPeer, Step
from services.improvement.problems import current_sessions, decide
from services.improvement.sessions import Session
from services.improvement.store import ProblemStore
from services.improvement.wire.signals import is_standing, standing_signal
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
        self, lease: Lease, store: ProblemStore, peer: ScoringPeer, changed: Notifier, clock_us: Callable[[], int]
    ) -> None:
        self._lease = lease
        self._tenant = lease.tenant
        self._store = store
        self._peer = peer
        self._changed = changed
        self._clock_us = clock_us
        self._signals: dict[str, score_pb2.Signal] = {}
        self._settled = -1

    async def run(self) -> None:
        """For ever; a failure loses nothing: the next owner goes on from what was kept."""
        async with self._store.session(self._tenant) as session:
            head = await session.head()
            kept = [score_pb2.Signal.FromString(raw) for raw in await session.signals()]
        self._signals = {signal.name: signal for signal in kept}
        self._settled = head.settled_position
        inbox: asyncio.Queue[Step] = asyncio.Queue(STEPS_MAX)
        reading = asyncio.create_task(self._read(head.signals_through, inbox))
        try:
            while True:
                steps = await _taken(inbox, reading)
                with batch_span("improvement.follow", [step.traceparent for step in steps if step.traceparent]):
                    await self._take(steps)
        finally:
            reading.cancel()

    async def _read(self, after: str, inbox: asyncio.Queue[Step]) -> None:
        async for step in self._peer.signals(after):
            await inbox.put(step)

    async def _take(self, steps: Sequence[Step]) -> None:
        """A step without signals is a heartbeat: time to see whether causes moved with restated scores."""
        changed = {signal.name: signal for step in steps for signal in step.signals}
        through = steps[-1].through
        position = foreign_position(through, field="through")
        idle = not steps[-1].signals
        if not changed and (not idle or position == self._settled):
            return
        standing = {name: signal for name, signal in changed.items() if is_standing(signal)}
        gone = [name for name in changed if name not in standing]
        self._signals = {**self._signals, **standing}
        for name in gone:
            self._signals.pop(name, None)
        await self._settle(standing, gone, through, position if idle else -1)
        metrics.add("andon.improvement.signals", len(changed))
        if idle:
            self._settled = position

    async def _settle(
        self, standing: dict[str, score_pb2.Signal], gone: Sequence[str], through: str, settled: int
    ) -> None:
        signals = [standing_signal(signal) for signal in self._signals.values()]
        async with self._store.session(self._tenant) as session:
            known = await session.problems()
        # While signals pour in, only what they are about is looked at; when they pause, everything that is open is.
        moved = {standing_signal(signal).family for signal in standing.values()}
        found = current_sessions(signals, known)
        evidence = await self._evidence([one for one in found if settled >= 0 or one.family in moved])
        async with self._store.session(self._tenant) as session:
            head = await session.lock()
            await session.guard(self._lease)
            problems = await session.problems()
            # Decided on what there is now: a person may have moved a problem while evidence was gathered.
            after = decide(current_sessions(signals, problems), evidence, problems, self._clock_us())
            position = await session.keep(after, head)
            await session.keep_signals({name: one.SerializeToString() for name, one in standing.items()}, gone)
            await session.keep_followed(through, settled)
        _count(after)
        if position != head.position or settled >= 0:
            self._changed.notify()

    async def _evidence(self, sessions: Sequence[Session]) -> dict[ProblemName, Evidence]:
        room = asyncio.Semaphore(EVIDENCE_AT_ONCE)

        async def one(session: Session) -> tuple[ProblemName, Evidence]:
            async with room:
                return session.name, await self._peer.evidence(session)

        return dict(await asyncio.gather(*(one(session) for session in sessions)))


async def _taken(inbox: asyncio.Queue[Step], reading: asyncio.Task[None]) -> list[Step]:
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
