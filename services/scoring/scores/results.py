"""What scoring states: scores, signals, baselines, chart points; and a digest of what must not depend on arrival."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from andon_quality.calibration import ShiftDetection

from services.scoring.system.case_model import Text
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId


class ScoreState(IntEnum):
    MET = 1
    MISSED = 2
    NOT_ENOUGH_DATA = 3
    NO_TARGET = 4


class SignalState(IntEnum):
    ACTIVE = 1
    RETRACTED = 2


class PhaseOneState(IntEnum):
    """Whether limits were frozen, or what they wait for.

    INTERVAL_OPEN: no window after the interval of phase I is complete. NO_SPREAD, INTERVAL_EMPTY: nothing will be
    judged; all windows of phase I are alike, or its interval has fewer than two with enough data.
    """

    FROZEN = 1
    WINDOWS_MISSING = 2
    WINDOWS_PROVISIONAL = 3
    INTERVAL_OPEN = 4
    INTERVAL_EMPTY = 5
    NO_SPREAD = 6


@dataclass(frozen=True)
class PhaseOneStatus:
    """window_count: complete windows with enough data in phase I. windows_missing: of its requested size."""

    state: PhaseOneState
    window_count: int
    windows_missing: int
    explanation: Text


@dataclass(frozen=True, slots=True)
class Score:
    """count: cases observed. unobserved: cases of the window without a value. Both 0: the score is withdrawn.

    total, squares: in multiples of the resolution. None: a composite.
    """

    series: SeriesKey
    window: WindowId
    value: float | None
    count: int
    state: ScoreState
    points: float | None
    points_low: float | None
    points_high: float | None
    complete: bool
    version: int
    total: int | None = None
    squares: int | None = None
    resolution: float = 1.0
    revision: int = 1
    reason: str = ""
    unobserved: int = 0

    @property
    def present(self) -> bool:
        return self.count > 0 or self.unobserved > 0

    def says_the_same(self, other: Score) -> bool:
        # What changes mostly changes here, and to write everything out takes longest.
        mine = (self.count, self.total, self.unobserved, self.version)
        if mine != (other.count, other.total, other.unobserved, other.version):
            return False
        return _content(self) == _content(other)


@dataclass(frozen=True, slots=True)
class LimitCalibration:
    """How limits were derived: what was asked for, what they give, on which sides ("upper", "lower", "both"), and why.

    lag1_autocorrelation, skewness: of the windows of phase I, on the grid of calibrations. method: "normal", "fitted".
    is_capped: limits that reach the request would lie farther out. detection None: a signal of an earlier release.
    """

    requested_arl0: float
    expected_arl0: float
    sides: str
    lag1_autocorrelation: float
    skewness: float
    method: str
    is_capped: bool = False
    detection: ShiftDetection | None = None


class CentreBound(IntEnum):
    """Whether the centre is an estimate, or the worst that a phase I without any exception leaves plausible."""

    ESTIMATE = 0
    AT_MOST = 1
    AT_LEAST = 2


@dataclass(frozen=True, slots=True)
class Baseline:
    """Phase I, frozen. `sigma` is that of the plotted statistic at the mean size."""

    start_us: int
    end_us: int
    window_count: int
    centre: float
    sigma: float
    overdispersion: float
    chart: str
    limit_width: float
    calibration: LimitCalibration
    centre_bound: CentreBound = CentreBound.ESTIMATE


@dataclass(frozen=True, slots=True)
class Signal:
    name: str
    series: SeriesKey
    window: WindowId
    rule: str
    statistic: str
    value: float
    centre: float
    lower: float
    upper: float
    baseline: Baseline
    arl0: float
    adverse: bool
    symptom_of: tuple[str, ...] = ()
    state: SignalState = SignalState.ACTIVE
    reason: str = ""
    revision: int = 1

    @property
    def active(self) -> bool:
        return self.state is SignalState.ACTIVE

    def says_the_same(self, other: Signal) -> bool:
        return self.state is other.state and _signal_content(self) == _signal_content(other)


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """`sigma` is that of the statistic at this point; limits are absent before phase I is complete."""

    window: WindowId
    value: float
    statistic: float
    count: int
    centre: float | None
    lower: float | None
    upper: float | None
    in_baseline: bool
    rules: tuple[str, ...]


def signal_name(process: str, series: SeriesKey, window: WindowId, rule: str) -> str:
    """The same for the same set of events, whatever the version, the order or the number of restarts."""
    text = "\n".join(("andon signal 1", series, str(window.start_us), str(window.end_us), rule))
    return f"processes/{process}/signals/{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def score_digest(score: Score) -> bytes:
    """SHA-256 of the canonical line of a score: no revision, reason, time or version number."""
    return hashlib.sha256("\t".join(_content(score)).encode()).digest()


def signal_digest(signal: Signal) -> bytes:
    return hashlib.sha256("\t".join(_signal_content(signal)).encode()).digest()


def _content(score: Score) -> tuple[str, ...]:
    return (
        score.series,
        str(score.window.start_us),
        str(score.window.end_us),
        _exact(score.value),
        str(score.count),
        score.state.name,
        _exact(score.points),
        _exact(score.points_low),
        _exact(score.points_high),
        "complete" if score.complete else "provisional",
        "" if score.total is None else str(score.total),
        "" if score.squares is None else str(score.squares),
        _exact(score.resolution),
        str(score.unobserved),
    )


def _signal_content(signal: Signal) -> tuple[str, ...]:
    # Not what a chart can detect: it follows from what is here.
    baseline = signal.baseline
    numbers = (signal.value, signal.centre, signal.lower, signal.upper, signal.arl0)
    calibration = baseline.calibration
    frozen = (baseline.centre, baseline.sigma, baseline.overdispersion, baseline.limit_width)
    derived = (
        calibration.requested_arl0,
        calibration.expected_arl0,
        calibration.lag1_autocorrelation,
        calibration.skewness,
    )
    return (
        signal.name,
        signal.series,
        str(signal.window.start_us),
        str(signal.window.end_us),
        signal.rule,
        signal.statistic,
        *map(_exact, numbers),
        "adverse" if signal.adverse else "favourable",
        str(baseline.start_us),
        str(baseline.end_us),
        str(baseline.window_count),
        baseline.chart,
        *map(_exact, frozen),
        calibration.sides,
        calibration.method,
        *map(_exact, derived),
        *signal.symptom_of,
    )


def _exact(number: float | None) -> str:
    return "" if number is None else float(number).hex()
