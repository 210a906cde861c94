"""What a chart needs of its past to go on: phase I while it is collected, then frozen numbers and its rules' memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Any, assert_never

from andon_quality.calibration import ShiftDetection

from services.scoring.scores.charts.points import SeriesEnd, WindowPoint
from services.scoring.scores.results import Baseline, CentreBound, LimitCalibration, PhaseOneState, Score
from services.scoring.system.model import ChartKind
from services.scoring.system.windows import WindowId

FORMAT = 3
"""Raised where states are laid out otherwise, and where the same windows of phase I freeze other limits.

Charts are then drawn from all their windows when they move next.
"""
_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True)
class Collecting:
    """Phase I is not complete: its points until now, at most as many as it has, and how many windows were too thin."""

    points: tuple[WindowPoint, ...] = ()
    thin_count: int = 0


@dataclass(frozen=True)
class Unusable:
    """Phase I is complete, with so many windows, and nothing can be judged by it."""

    why: PhaseOneState
    window_count: int


@dataclass(frozen=True)
class RuleMemory:
    """The last points that a rule may need, oldest first; None where one is missing. z: from the centre in sigma."""

    statistic: tuple[float | None, ...]
    z: tuple[float | None, ...]


@dataclass(frozen=True)
class AverageMemory:
    """The moving average, and its variance in units of sigma^2."""

    average: float
    variance: float


@dataclass(frozen=True)
class Watching:
    """Phase I is frozen. sigma: of one case for means and shares, of a window's value for individuals.

    kind: as planned, but of single values where the cases of a window show no spread. floor, ceiling: what the plotted
    statistic can be at all; None: anything.
    """

    kind: ChartKind
    baseline: Baseline
    sigma: float
    floor: float | None
    ceiling: float | None
    memory: RuleMemory | AverageMemory


@dataclass(frozen=True)
class ControlChartState:
    """Of one series under one plan: a new version of the document begins with `START`."""

    end: SeriesEnd
    phase: Collecting | Unusable | Watching

    @property
    def is_judged(self) -> bool:
        """Whether phase I is over: its windows have no part in what comes."""
        return not isinstance(self.phase, Collecting)

    def continues(self, scores: Iterable[Score]) -> bool:
        """Whether all of them lie behind what was taken in; else the chart is drawn from all its windows."""
        return all(score.window.start_us >= self.end.through_us for score in scores if score.complete)


START = ControlChartState(SeriesEnd(), Collecting())


def encode_state(state: ControlChartState) -> bytes:
    """As JSON; every number comes back to the last bit."""
    return _written([FORMAT, astuple(state.end), _phase_row(state.phase)]).encode()


def decode_state(raw: bytes) -> ControlChartState | None:
    """None: it was written by another format, so the chart has to be drawn from all its windows."""
    version, *rest = json.loads(raw)
    if version != FORMAT:
        return None
    end, phase = rest
    return ControlChartState(SeriesEnd(*end), _phase_of(*phase))


def _phase_row(phase: Collecting | Unusable | Watching) -> list[Any]:
    match phase:
        case Collecting(points, thin_count):
            return ["collecting", [astuple(point) for point in points], thin_count]
        case Unusable(why, window_count):
            return ["unusable", int(why), window_count]
        case Watching(kind, baseline, sigma, floor, ceiling, memory):
            numbers = (sigma, floor, ceiling)
            return ["watching", kind.value, _baseline_row(baseline), numbers, astuple(memory)]
        case _:
            assert_never(phase)


def _phase_of(kind: str, *row: Any) -> Collecting | Unusable | Watching:
    if kind == "collecting":
        return Collecting(tuple(WindowPoint(WindowId(*window), *rest) for window, *rest in row[0]), row[1])
    if kind == "unusable":
        return Unusable(PhaseOneState(row[0]), row[1])
    drawn_as, frozen, (sigma, floor, ceiling), remembered = row
    memory: RuleMemory | AverageMemory
    if ChartKind(drawn_as) is ChartKind.EWMA:
        memory = AverageMemory(*remembered)
    else:
        memory = RuleMemory(*(tuple(column) for column in remembered))
    return Watching(ChartKind(drawn_as), _baseline_of(*frozen), sigma, floor, ceiling, memory)


def _baseline_row(baseline: Baseline) -> list[Any]:
    detection = baseline.calibration.detection
    plain = replace(baseline, calibration=replace(baseline.calibration, detection=None))
    # JSON has no infinity.
    delay = None if detection is None or math.isinf(detection.delay) else detection.delay
    seen = detection and [detection.shift, detection.within, detection.chance, delay]
    return [astuple(plain), seen]


def _baseline_of(row: list[Any], seen: list[Any] | None) -> Baseline:
    *plain, calibration, bound = row
    detection = ShiftDetection(*[*seen[:3], math.inf if seen[3] is None else seen[3]]) if seen else None
    found = replace(LimitCalibration(*calibration), detection=detection)
    return Baseline(*[*plain, found, CentreBound(bound)])
