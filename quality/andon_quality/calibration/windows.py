"""How wide the control limits of a chart of windows must be for its in-control ARL to be the requested one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import assert_never

import numpy as np

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray
from andon_quality.calibration.skewness import share_skewness
from andon_quality.calibration.streams import (
    AUTOCORRELATION_MOST,
    POINTS_LEAST,
    Law,
    lag1_autocorrelation,
    standard_streams,
)
from andon_quality.control.constants import c4
from andon_quality.errors import OutOfRange
from andon_quality.result import Result
from andon_quality.rules import Pattern, Rule

# The ARL holds from the first window on: each simulated chart is watched for this many after its baseline.
WINDOWS_WATCHED = 100
STREAMS = 4_000
# Enough for the chance of an alarm after a shift, to a standard error of 1.6 % at most.
STREAMS_SHIFTED = 1_000
# So few that they stay in a processor's cache.
STREAMS_AT_ONCE = 500
# Rare alarms take more streams to count, up to ten times as many.
STREAMS_ENOUGH_FOR = 400.0
WIDTH = 3.0
# Times the width for independent windows: an autocorrelation of .7 needs as much where 20 windows show it.
WIDENED_MOST = 2.0
# Autocorrelation and skewness lie on grids of these steps.
AUTOCORRELATION_STEP, SKEWNESS_STEP = 0.1, 0.05
AUTOCORRELATIONS = np.round(AUTOCORRELATION_STEP * np.arange(10), 2)
# Widths by autocorrelation: streams at most, rounds, the nudge that tells how the run grows with the width, and the
# least growth and the longest step (in logarithms) that are believed.
AUTOCORRELATION_STREAMS, ROUNDS, NUDGE, GROWTH_LEAST, STEP_MOST = 8_000, 4, 0.05, 0.5, 0.3


class Sides(Enum):
    """Which alarms count."""

    UPPER = "upper"
    LOWER = "lower"
    BOTH = "both"


@checked_fields
@dataclass(frozen=True)
class WindowScheme:
    """How windows are judged: by rules of the pattern "k of n beyond a line", or by an EWMA with varying limits.

    smoothing: of the EWMA; None: rules.
    """

    sides: Sides
    rules: tuple[Rule, ...] = ()
    smoothing: float | None = None

    def __post_init__(self) -> None:
        if (self.smoothing is None) == (not self.rules):
            raise OutOfRange("windows are judged by rules or by an average, and by one of them")
        if any(rule.pattern is not Pattern.BEYOND for rule in self.rules):
            raise OutOfRange("only rules about points beyond a line have sides")


@checked_fields
@dataclass(frozen=True)
class Lattice:
    """Hits among items: `hits` are expected among `size`."""

    hits: float
    size: float

    def rounded(self) -> Lattice:
        """On a grid of sizes and of the rarer outcome's number.

        >>> Lattice(2.9, 33.0).rounded()
        Lattice(hits=3.58, size=38.4)
        """
        share, size = self.hits / self.size, _on_powers(self.size, 1.5)
        rarer = min(_on_powers(min(share, 1.0 - share) * size, 1.2), 0.5 * size)
        return Lattice(rarer if share <= 0.5 else size - rarer, size)


@checked_fields
@dataclass(frozen=True)
class BaselineProfile:
    """What `size` windows of phase I show of their process.

    lag1_autocorrelation: of successive windows, in [0, 0.9]. skewness: of a window's value. excess: how many times the
    variance that a window's own cases explain, at least 1; None where the windows alone show how much they vary.
    lattice: where few hits are expected, so that their number jumps.
    """

    size: int
    lag1_autocorrelation: float = 0.0
    skewness: float = 0.0
    excess: float | None = None
    law: Law = "gamma"
    lattice: Lattice | None = None

    @property
    def is_plain(self) -> bool:
        """Whether windows count as independent and normal, varying no more than their cases explain."""
        return self.lag1_autocorrelation == self.skewness == 0.0 and self.excess in (None, 1.0) and self.lattice is None

    def rounded(self) -> BaselineProfile:
        """On a grid that series share, so that a thousand of them need some dozens of calibrations.

        >>> BaselineProfile(20, 0.234, 0.26, 1.23).rounded()
        BaselineProfile(size=20, lag1_autocorrelation=0.2, skewness=0.25, excess=1.22, law='gamma', lattice=None)
        """
        excess = None if self.excess is None else _on_powers(max(self.excess, 1.0), 1.22)
        skewness, lattice = self.skewness, self.lattice
        if lattice is not None:
            lattice = lattice.rounded()
            skewness = share_skewness(lattice.hits / lattice.size, lattice.size, excess or 1.0)
        phi = min(max(_on_grid(self.lag1_autocorrelation, AUTOCORRELATION_STEP), 0.0), AUTOCORRELATION_MOST)
        skewness = min(max(_on_grid(skewness, SKEWNESS_STEP), -4.0), 4.0)
        return BaselineProfile(self.size, phi, skewness, excess, self.law, lattice)


@dataclass(frozen=True)
class LimitWidth(Result):
    """Limits at `width` from the centre, and the run that simulated charts had with them, to three digits.

    is_capped: they would have to be wider to meet the request, for an autocorrelation that may be a season.
    """

    width: float
    expected_arl: float
    is_capped: bool = False


@dataclass(frozen=True)
class ShiftDetection:
    """What a chart sees of a lasting shift of `shift` standard deviations of a window.

    chance: of an alarm within `within` windows after the shift. delay: windows until half of such shifts have alarmed,
    infinite where it is more than a hundred.
    """

    shift: float
    within: int
    chance: float
    delay: float

    @property
    def detects(self) -> bool:
        """Whether an alarm within so many windows is more likely than none; else the chart is blind to the shift."""
        return self.chance >= 0.5


def calibrate_windows(scheme: WindowScheme, profile: BaselineProfile, requested_arl: float) -> LimitWidth:
    """The least width of limits at which a false alarm comes no sooner than once in `requested_arl` windows watched.

    Phase I is simulated as the evidence has it; each simulated chart estimates centre and spread from its own (the
    mean; the standard deviation over c4, or where cases tell what to expect the root of the excess, at least 1), widens
    its limits for the autocorrelation that it finds, and judges the hundred windows that follow, until its first alarm.
    Windows watched over alarms is the run: an average over baselines in which every window counts alike, lucky baseline
    or not. The mean of first alarms without an end would be made by a few lucky baselines (with 20 windows and 3 sigma
    on one side it is 7,000 where known parameters give 741). Zones move with the limits, the centre line stays. Where
    no width reaches the request (a rule about one side of the centre alone), 3 sigma and what they give.
    Autocorrelation widens limits to twice those of independent windows at most: few windows with a season look like a
    process that wanders, and limits for one (22 sigma with 12 windows) never fire; `expected_arl` says what is left.
    Deterministic;
    cached for every rounded profile. Cost: some 20 ms once, up to 0.3 s for requests above 4,000. Raises OutOfRange for
    fewer than 2 windows or a request of at most 1. Sources: Jensen, Jones-Farmer, Champ and Woodall (2006), Journal of
    Quality Technology 38, 349-364; Gandy and Kvaloy (2013), Scandinavian Journal of Statistics 40, 647-668.

    >>> from andon_quality.rules import BEYOND_LIMITS
    >>> one_side = WindowScheme(Sides.UPPER, (BEYOND_LIMITS,))
    >>> 3.2 < calibrate_windows(one_side, BaselineProfile(28), 741.0).width < 3.5
    True
    """
    if profile.size < 2:
        raise OutOfRange(f"a baseline needs at least 2 windows, got {profile.size}")
    if not 1.0 < requested_arl < np.inf:
        raise OutOfRange(f"the requested ARL must be above 1 and finite, got {requested_arl}")
    return _calibrated(scheme, profile.rounded(), float(requested_arl))


@lru_cache(maxsize=16_384)
def _calibrated(scheme: WindowScheme, profile: BaselineProfile, requested_arl: float) -> LimitWidth:
    charts = _charts(scheme, profile, _streams_for(requested_arl))
    needed = charts.needed
    if profile.size >= POINTS_LEAST:
        widths = _widths_by_autocorrelation(scheme, profile.size, requested_arl)
        needed = needed / (_width_at(charts.found, widths) / _width_at(profile.lag1_autocorrelation, widths))
    least = _least(needed, requested_arl)
    if profile.lag1_autocorrelation == 0.0:
        return least
    independent = _calibrated(scheme, replace(profile, lag1_autocorrelation=0.0), requested_arl)
    most = _three_digits(WIDENED_MOST * independent.width)
    if least.width <= most:
        return least
    return LimitWidth(most, _three_digits(_run(needed, most)), True)


@checked
def detection(
    scheme: WindowScheme,
    profile: BaselineProfile,
    width: float,
    shift: float = 2.0,
    within: int = 10,
    lowest: float = -np.inf,
    highest: float = np.inf,
) -> ShiftDetection:
    """Whether, and how soon, a chart with limits at `width` sees a lasting shift of its windows.

    shift: in standard deviations of a window as the baseline has them, to either side that alarms (of two the one found
    later). lowest, highest: how far below and above the centre a window can lie at all, in the same unit: for a share
    -centre / sigma and (1 - centre) / sigma, for counts and durations -centre / sigma and infinity; limits beyond them
    cannot fire. The windows after the shift vary as the profile has it, centre and spread taken as they were estimated:
    1,000 simulated streams of 100 windows. Deterministic, cached for every rounded profile and the lines within reach;
    some ms once.
    Raises OutOfRange for a width or shift that is not positive, a window's range without its centre, or `within`
    outside 1 to 100.

    >>> from andon_quality.rules import BEYOND_LIMITS
    >>> both = WindowScheme(Sides.BOTH, (BEYOND_LIMITS,))
    >>> detection(both, BaselineProfile(12), 3.0).detects, detection(both, BaselineProfile(12), 8.0).detects
    (True, False)
    """
    if not (0.0 < width < np.inf and 0.0 < shift < np.inf):
        raise OutOfRange(f"width and shift must be positive and finite, got {width}, {shift}")
    if not 1 <= within <= WINDOWS_WATCHED:
        raise OutOfRange(f"a shift is watched for 1 to {WINDOWS_WATCHED} windows, got {within}")
    if not lowest <= 0.0 <= highest:
        raise OutOfRange(f"the centre must lie within the range of a window, got {lowest} to {highest}")
    sides = (Sides.UPPER, Sides.LOWER) if scheme.sides is Sides.BOTH else (scheme.sides,)
    lower = np.inf if _ignores(scheme, Sides.UPPER) else _reach(scheme, width, -lowest)
    upper = np.inf if _ignores(scheme, Sides.LOWER) else _reach(scheme, width, highest)
    alarms = [_alarmed(scheme, profile.rounded(), width, shift, side, -lower, upper) for side in sides]
    seen = min(alarms, key=lambda share: (share[within - 1], share.sum()))
    delay = int(np.argmax(seen >= 0.5)) + 1 if seen[-1] >= 0.5 else np.inf
    return ShiftDetection(shift, within, _three_digits(float(seen[within - 1])), delay)


def _ignores(scheme: WindowScheme, watched: Sides) -> bool:
    """Whether how far points lie on the other side of the centre changes no alarm: rules have no memory of it."""
    return scheme.smoothing is None and scheme.sides is watched


def _reach(scheme: WindowScheme, width: float, farthest: float) -> float:
    """How far a window can lie, as far as it matters: series whose ranges differ otherwise share one simulation.

    Rules ask only which of their lines points lie beyond, so any place between two lines does. Averages round it up to
    a tenth of a sigma.
    """
    if not np.isfinite(farthest):
        return farthest
    if scheme.smoothing is not None:
        return float(np.ceil(10.0 * farthest) / 10.0)
    lines = [0.0, *sorted(rule.zone_sigma * width / WIDTH for rule in scheme.rules if rule.zone_sigma > 0.0), np.inf]
    place = int(np.searchsorted(lines, farthest))
    if place == len(lines) - 1:
        return np.inf
    return 0.5 * (lines[place - 1] + lines[place]) if place > 0 else 0.0


@lru_cache(maxsize=1024)
def _alarmed(
    scheme: WindowScheme,
    profile: BaselineProfile,
    width: float,
    shift: float,
    side: Sides,
    lowest: float,
    highest: float,
) -> FloatArray:
    """The share of streams that have alarmed up to each window after a shift to this side, shape (windows,)."""
    rng = np.random.default_rng(_seed(profile))
    shape = (WINDOWS_WATCHED, STREAMS_SHIFTED)
    z = standard_streams(profile.lag1_autocorrelation, profile.skewness, profile.law, shape, rng)
    z += -shift if side is Sides.LOWER else shift
    if profile.lattice is not None:
        # In standard deviations of what cases explain, where the hits lie.
        excess = np.sqrt(profile.excess or 1.0)
        z = _on_lattice(z * excess, profile.lattice) / excess
    needed = _least_widths(scheme, np.clip(z, lowest, highest))
    return np.asarray((np.maximum.accumulate(needed, axis=0) > width).mean(axis=1))


@lru_cache(maxsize=256)
def _widths_by_autocorrelation(scheme: WindowScheme, size: int, requested_arl: float) -> FloatArray:
    """What limits should be for each autocorrelation on the grid, where it is what a chart finds: normal windows.

    A chart's estimate says little of the true autocorrelation, and the less the higher it is: limits for the estimate
    would be too narrow for a process that has more. So the widths are moved, together, until the requested ARL is met
    at every true autocorrelation; a few rounds, since each of them moves mostly the charts that find it.
    """
    streams = min(_streams_for(requested_arl), AUTOCORRELATION_STREAMS)
    processes = [_charts(scheme, BaselineProfile(size, phi), streams) for phi in AUTOCORRELATIONS.tolist()]
    widths = np.array([_least(charts.needed, requested_arl).width for charts in processes])

    def runs(widths: FloatArray) -> FloatArray:
        return np.array([_run(charts.needed, _width_at(charts.found, widths)) for charts in processes])

    now = runs(widths)
    growth = np.log(runs((1.0 + NUDGE) * widths) / now) / np.log1p(NUDGE)
    for _ in range(ROUNDS):
        wider = np.log(requested_arl / now) / np.maximum(growth, GROWTH_LEAST)
        widths = np.maximum.accumulate(widths * np.exp(np.clip(wider, -STEP_MOST, STEP_MOST)))
        now = runs(widths)
    return widths


def _width_at(phi: float | FloatArray, widths: FloatArray) -> FloatArray:
    """Between the autocorrelations of the grid, linear."""
    return np.asarray(np.interp(phi, AUTOCORRELATIONS, widths))


@dataclass(frozen=True)
class _Charts:
    """needed: the width above which each simulated chart has been quiet until then, shape (followed, streams).

    found: the autocorrelation that each finds in its phase I, shape (streams,).
    """

    needed: FloatArray
    found: FloatArray


def _charts(scheme: WindowScheme, profile: BaselineProfile, streams: int) -> _Charts:
    rng = np.random.default_rng(_seed(profile))
    charts = _Charts(np.empty((WINDOWS_WATCHED, streams)), np.empty(streams))
    for start in range(0, streams, STREAMS_AT_ONCE):
        part = slice(start, min(start + STREAMS_AT_ONCE, streams))
        values = _simulated(profile, part.stop - start, rng)
        phase_one, ahead = values[: profile.size], values[profile.size :]
        widths = _least_widths(scheme, _in_own_sigma(profile, phase_one, ahead))
        np.maximum.accumulate(widths, axis=0, out=charts.needed[:, part])
        charts.found[part] = _autocorrelation_found(profile, phase_one)
    return charts


def _streams_for(requested_arl: float) -> int:
    return int(STREAMS * min(max(requested_arl / STREAMS_ENOUGH_FOR, 1.0), 10.0))


def _simulated(profile: BaselineProfile, streams: int, rng: np.random.Generator) -> FloatArray:
    """Phase I and the windows after it, in standard deviations of what cases explain, shape (time, streams)."""
    shape = (profile.size + WINDOWS_WATCHED, streams)
    values = standard_streams(profile.lag1_autocorrelation, profile.skewness, profile.law, shape, rng)
    if profile.excess is not None:
        values = values * np.sqrt(profile.excess)
    return values if profile.lattice is None else _on_lattice(values, profile.lattice)


def _in_own_sigma(profile: BaselineProfile, phase_one: FloatArray, ahead: FloatArray) -> FloatArray:
    sd = phase_one.std(axis=0, ddof=1)
    sigma = np.maximum(sd / c4(profile.size), 1e-9) if profile.excess is None else np.maximum(sd, 1.0)
    return np.asarray((ahead - phase_one.mean(axis=0)) / sigma)


def _autocorrelation_found(profile: BaselineProfile, phase_one: FloatArray) -> FloatArray:
    found = lag1_autocorrelation(phase_one)
    if profile.excess is None:
        return found
    return np.asarray(np.minimum(found, 1.0 - 1.0 / np.maximum(phase_one.var(axis=0, ddof=1), 1.0)))


def _least(needed: FloatArray, requested_arl: float) -> LimitWidth:
    low, high = _bracket(np.sort(needed[-1]), requested_arl)
    if not np.isfinite(high):
        return LimitWidth(WIDTH, _three_digits(_run(needed, WIDTH)))
    while high - low > 1e-3:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _run(needed, middle) < requested_arl else (low, middle)
    width = float(np.ceil(max(high, 1e-3) * 1e3) / 1e3)
    return LimitWidth(width, _three_digits(_run(needed, width)))


def _bracket(highest: FloatArray, requested_arl: float) -> tuple[float, float]:
    """Widths between which the least one lies: with A alarms among B streams the run is (B - A) L / A to B L / A.

    highest: what each stream needs to stay quiet all along, ascending; infinite where no width makes so many quiet.
    """
    streams = len(highest)
    most = int(np.ceil(streams * WINDOWS_WATCHED / requested_arl))
    fewest = int(streams * WINDOWS_WATCHED / (requested_arl + WINDOWS_WATCHED))
    low = float(highest[streams - 2 - most]) if most <= streams - 2 else 0.0
    high = float(highest[streams - 1 - fewest])
    return min(max(low, 0.0), max(high, 0.0)), max(high, 0.0)


def _seed(profile: BaselineProfile) -> list[int]:
    lattice = profile.lattice or Lattice(0.0, 0.0)
    numbers = (profile.lag1_autocorrelation, profile.skewness + 10.0, profile.excess or 0.0, lattice.hits, lattice.size)
    return [profile.size, profile.law == "gamma", *(round(1e3 * number) for number in numbers)]


def _on_lattice(values: FloatArray, lattice: Lattice) -> FloatArray:
    sd = np.sqrt(lattice.hits * (1.0 - lattice.hits / lattice.size))
    hits = np.clip(np.rint(lattice.hits + sd * values), 0.0, lattice.size)
    return np.asarray((hits - lattice.hits) / sd)


def _least_widths(scheme: WindowScheme, z: FloatArray) -> FloatArray:
    """For each window the width up to which it alarms, shape as z: (time, streams)."""
    if scheme.smoothing is not None:
        averages = _averages(z, scheme.smoothing)
        return _by_side(scheme.sides, averages, lambda side: side)
    return _by_side(scheme.sides, z, lambda side: np.max([_of_rule(rule, side) for rule in scheme.rules], axis=0))


def _by_side(sides: Sides, z: FloatArray, needed: Callable[[FloatArray], FloatArray]) -> FloatArray:
    match sides:
        case Sides.UPPER:
            return needed(z)
        case Sides.LOWER:
            return needed(-z)
        case Sides.BOTH:
            return np.maximum(needed(z), needed(-z))
        case _:
            assert_never(sides)


def _of_rule(rule: Rule, z: FloatArray) -> FloatArray:
    """The k-th highest of the last n points, in units of the rule's line; no width moves a centre line."""
    highest = _kth_highest(z, rule.k, rule.n)
    if rule.zone_sigma == 0.0:
        return np.where(highest > 0.0, np.inf, -np.inf)
    return np.asarray(highest * (WIDTH / rule.zone_sigma))


def _kth_highest(z: FloatArray, k: int, n: int) -> FloatArray:
    """The k-th highest of each point and the n - 1 before it, by insertion; minus infinity before k points."""
    if n == 1:
        return z
    highest = [np.full(z.shape, -np.inf) for _ in range(k)]
    for lag in range(n):
        ranked, passed = [part[lag:] for part in highest], z[: len(z) - lag]
        for rank in ranked:
            lower = np.minimum(rank, passed)
            np.maximum(rank, passed, out=rank)
            passed = lower
    return highest[-1]


def _averages(z: FloatArray, smoothing: float) -> FloatArray:
    """The average after each point in units of its own standard deviation."""
    averages, average, variance = np.empty(z.shape), np.zeros(z.shape[1]), 0.0
    for at, point in enumerate(z):
        average = (1.0 - smoothing) * average + smoothing * point
        variance = (1.0 - smoothing) ** 2 * variance + smoothing**2
        averages[at] = average / np.sqrt(variance)
    return averages


def _run(needed: FloatArray, width: float | FloatArray) -> float:
    """Windows watched over first alarms at this width; where none came, all that were watched."""
    quiet = needed <= width
    alarms = int((~quiet[-1]).sum())
    watched = int(quiet.sum()) + alarms
    return watched / max(alarms, 1)


def _on_grid(number: float, step: float) -> float:
    # Adding 0.0 makes one zero of two.
    return round(round(number / step) * step, 2) + 0.0


def _on_powers(number: float, step: float) -> float:
    return float(f"{step ** round(np.log(number) / np.log(step)):.3g}")


def _three_digits(run: float) -> float:
    return float(f"{run:.3g}")
