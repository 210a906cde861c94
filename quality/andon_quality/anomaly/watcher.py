"""One way in which a point can be strange, and when it is strange enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from andon_quality.anomaly.rolling import Rolling, Running

# A score beyond this says no more than "never seen"; a higher one would leave its watcher deaf.
SCORE_MAX = 1000.0
# The spread of a quiet window counts as at least this share of the spread of all values so far.
SPREAD_FLOOR = 1e-3
# How fast the mean of a phase follows, and how many points a burst of spread takes.
PHASE_SMOOTHING = 0.3
BURST_POINTS = 50


class Aspect(Enum):
    """What a watcher looks at."""

    LEVEL = "level"
    JUMP = "jump"
    SPREAD = "spread"
    SEASON = "season"


@dataclass(frozen=True)
class Watch:
    """How one watcher is set: its aspect, the points it compares with, and when a score is a record.

    A record is a score above `ratio` times the highest so far, the highest fading by 1 / `memory` with each point.
    """

    aspect: Aspect
    window: int
    ratio: float
    memory: int


@dataclass
class Watcher:
    """The state of one watcher. `score` is O(1) a point, and returns the score over what a record needs."""

    watch: Watch
    season: int | None
    past: Rolling = field(init=False)
    overall: Running = field(default_factory=Running)
    record: float = 0.0
    last: float | None = None
    burst: Rolling = field(default_factory=lambda: Rolling(BURST_POINTS))
    phases: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.past = Rolling(self.watch.window)

    def score(self, value: float, index: int, learning: bool) -> float:
        score = self._distance(self._seen(value, index))
        over = score / (self.watch.ratio * self.record) if self.record > 0 else 0.0
        self.record *= 1 - 1 / self.watch.memory
        if not learning:
            self.record = max(self.record, score)
        return over

    def copy(self) -> Watcher:
        twin = Watcher(self.watch, self.season, self.overall.copy(), self.record, self.last)
        twin.past, twin.burst, twin.phases = self.past.copy(), self.burst.copy(), self.phases.copy()
        return twin

    def _seen(self, value: float, index: int) -> float | None:
        match self.watch.aspect:
            case Aspect.LEVEL:
                return value
            case Aspect.JUMP:
                before, self.last = self.last, value
                return 0.0 if before is None else value - before
            case Aspect.SPREAD:
                return self._log_spread(value)
            case Aspect.SEASON:
                return self._off_phase(value, index)
            case _:
                assert_never(self.watch.aspect)

    def _log_spread(self, value: float) -> float | None:
        self.burst.push(value)
        self.overall.push(value)
        spread = self.burst.moments()[1] + 1e-6 * self.overall.variance
        return math.log(spread) if spread > 0 else None

    def _off_phase(self, value: float, index: int) -> float:
        if self.season is None:
            return 0.0
        phase = index % self.season
        rest = value - self.phases.get(phase, value)
        self.phases[phase] = value - (1 - PHASE_SMOOTHING) * rest
        return rest

    def _distance(self, seen: float | None) -> float:
        if seen is None:
            return 0.0
        if self.watch.aspect is not Aspect.SPREAD:
            floor = SPREAD_FLOOR * self.overall.deviation
            self.overall.push(seen)
        else:
            floor = 0.0
        mean, variance = self.past.moments()
        known = bool(self.past.ring)
        self.past.push(seen)
        away = abs(seen - mean)
        if not known or away == 0:
            return 0.0
        spread = math.sqrt(variance) + floor
        return min(away / spread, SCORE_MAX) if spread > 0 else SCORE_MAX
