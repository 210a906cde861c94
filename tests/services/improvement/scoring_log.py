"""Scoring as improvement meets it: a log of commits that change signals and scores, and evidence of both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence

from andon.scoring.v1 import score_pb2

from services.improvement.causes import Evidence, SliceSums
from services.improvement.model import DAY_US, ActiveSignal, ChangedScore, Family, ProblemName, Text
from services.improvement.occurrences import Occurrence
from services.improvement.scoring_client import SignalChanges
from services.improvement.wire.signals import active_signal, is_active
from services.runtime.cursors import CursorCodec


def signal_message(
    day: int, indicator: str = "rework", *, window: str = "day", days: int = 1, rule: str = "WE1", symptom_of=()
) -> score_pb2.Signal:
    """An adverse alarm, 4 sigma from the centre of a phase I of 20 days."""
    made = score_pb2.Signal(
        name=f"signals/{indicator}@{window}-{day}-{rule}",
        series=f"desk/main/{indicator}@{window}",
        rule=rule,
        value=0.5,
        centre=0.1,
        lower=-0.2,
        upper=0.4,
        arl0=370,
        adverse=True,
        state=score_pb2.Signal.STATE_ACTIVE,
        symptom_of=symptom_of,
    )
    made.interval.start.seconds, made.interval.end.seconds = day * 86_400, (day + days) * 86_400
    made.baseline.interval.end.seconds = 20 * 86_400
    made.baseline.limit_width = 3
    return made


class Interrupted(BaseException):
    """What a process that is killed does not get to see."""


class ScoringLog:
    """Serves what `ScoringClient` asks. `patience`: so many answers later the follower is interrupted; None: never.

    `error`: what the evidence is answered with instead.
    """

    def __init__(self) -> None:
        self._codec = CursorCodec(uuid.uuid4())
        self._commits: list[tuple[list[score_pb2.Signal], set[tuple[Family, int]]]] = []
        self._changed = asyncio.Event()
        self.scores: dict[tuple[Family, int], int] = {}
        self.active: dict[str, ActiveSignal] = {}
        self._bodies: dict[str, bytes] = {}
        self.asked: list[ProblemName] = []
        self.patience: int | None = None
        self.error: Exception | None = None

    def commit(self, signals: Sequence[score_pb2.Signal] = (), scores: Sequence[tuple[Family, int]] = ()) -> None:
        """`scores`: windows, as family and first day, that get another value."""
        for one in scores:
            self.scores[one] = self.scores.get(one, 0) + 1
        for signal in signals:
            self.active.pop(signal.name, None)
            if is_active(signal):
                self.active[signal.name] = active_signal(signal)
                self._bodies[signal.name] = signal.SerializeToString()
        self._commits.append((list(signals), set(scores)))
        self._changed.set()

    def _interrupt(self) -> None:
        if self.patience is not None:
            self.patience -= 1
            if self.patience < 0:
                raise Interrupted

    @property
    def position(self) -> int:
        return len(self._commits)

    async def signals(self, after: str) -> AsyncIterator[SignalChanges]:
        position = self._codec.decode(after) if after else 0
        while True:
            self._interrupt()
            if position < self.position:
                signals = self._commits[position][0]
                position += 1
                if signals:
                    yield SignalChanges(
                        {one.name: active_signal(one) if is_active(one) else None for one in signals},
                        {one.name: one.SerializeToString() for one in signals if is_active(one)},
                        self._codec.encode(position),
                        "",
                    )
                continue
            yield SignalChanges({}, {}, self._codec.encode(position), "")
            self._changed.clear()
            if position == self.position:
                await self._changed.wait()

    async def evidence(self, occurrences: Sequence[Occurrence]) -> dict[ProblemName, Evidence]:
        self.asked += [one.name for one in occurrences]
        await asyncio.sleep(0)
        self._interrupt()
        if self.error is not None:
            raise self.error
        return {one.name: self.evidence_of(one) for one in occurrences}

    async def active_signals(self, families: Sequence[Family], start_us: int, end_us: int) -> SignalChanges:
        found: dict[str, ActiveSignal | None] = {
            name: one
            for name, one in self.active.items()
            if one.family in families and start_us < one.end_us and one.start_us < end_us
        }
        return SignalChanges(found, {name: self._bodies[name] for name in found}, "", "")

    def evidence_of(self, occurrence: Occurrence) -> Evidence:
        alarmed = {signal.start_us // DAY_US for signal in occurrence.own}
        extra = sum(self.scores.get((occurrence.family, day), 0) for day in {*range(20), *alarmed})
        north = SliceSums(10, 100, 30 + extra, 100)
        return Evidence(Text(occurrence.family.indicator), {"team": {"N": north, "S": SliceSums(10, 100, 30, 100)}})

    async def changed_scores(
        self, after: str, through: int, families: Sequence[Family]
    ) -> AsyncIterator[list[ChangedScore]]:
        for position in range(self._codec.decode(after), through):
            self._interrupt()
            changed = [one for one in self._commits[position][1] if one[0] in families]
            if changed:
                yield [ChangedScore(family, day * DAY_US, position + 1) for family, day in changed]
