"""What phase I freezes: centre and spread, and what it shows of how windows vary when nothing is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from andon_quality.calibration import (
    BaselineProfile,
    Lattice,
    Law,
    Sides,
    count_skewness,
    lag1_autocorrelation,
    lognormal_skewness,
    share_skewness,
)
from andon_quality.control import chart as control
from andon_quality.control import proportion, xbar_s, xmr
from numpy.typing import NDArray

from services.scoring.scores.charts.plan import SIGMAS, ChartPlan, Nature
from services.scoring.scores.charts.points import WindowPoint
from services.scoring.system.model import ChartKind, Direction

Floats = NDArray[np.float64]
# Below this variance of its hits a share jumps so far from one value to the next that limits must know where.
LATTICE_BELOW = 10.0


@dataclass(frozen=True)
class PhaseOne:
    """Frozen parameters: sigma is that of one case for means and shares, of a window's value for all else."""

    centre: float
    sigma: float
    overdispersion: float
    label: str
    profile: BaselineProfile


def phase_one_of(points: Sequence[WindowPoint], plan: ChartPlan) -> tuple[slice | None, int]:
    """The windows of phase I (None: not complete yet), and the index of the first point that is judged."""
    if plan.baseline_start_us is None and plan.baseline_end_us is None:
        enough = len(points) >= plan.baseline_windows
        return (slice(0, plan.baseline_windows) if enough else None), plan.baseline_windows
    start_us = plan.baseline_start_us if plan.baseline_start_us is not None else -(2**62)
    end_us = plan.baseline_end_us if plan.baseline_end_us is not None else 2**62
    first = sum(point.window.start_us < start_us for point in points)
    last = sum(point.window.end_us <= end_us for point in points)
    # Until a later window is complete, windows of the interval may still be to come.
    return (slice(first, last) if first < last < len(points) else None), last


def frozen(points: Sequence[WindowPoint], plan: ChartPlan) -> PhaseOne:
    """From the windows of phase I. Raises QualityError where they are too few or have no spread."""
    match plan.kind:
        case ChartKind.XMR:
            return _individuals(points, plan, "XmR")
        case ChartKind.EWMA:
            return _individuals(points, plan, "EWMA")
        case ChartKind.XBAR_S:
            return _means(points, plan)
        case ChartKind.P:
            return _shares(points)
        case ChartKind.UNSPECIFIED:
            raise ValueError("a chart's kind is resolved before it is drawn")
        case _:
            assert_never(plan.kind)


def sides_of(plan: ChartPlan, centre: float, sigma: float) -> Sides:
    """On which sides of the centre alarms are raised. sigma: of the plotted statistic."""
    if plan.both_sides:
        return Sides.BOTH
    match plan.direction:
        case Direction.LOWER_IS_BETTER:
            return Sides.UPPER
        case Direction.HIGHER_IS_BETTER:
            return Sides.LOWER
        case Direction.TARGET_IS_BETTER | Direction.UNSPECIFIED:
            # Towards a distant target nothing is adverse until it lies as far behind as it lay ahead.
            if plan.target is None or 2.0 * abs(centre - plan.target) < SIGMAS * sigma:
                return Sides.BOTH
            return Sides.UPPER if centre > plan.target else Sides.LOWER
        case _:
            assert_never(plan.direction)


def _individuals(points: Sequence[WindowPoint], plan: ChartPlan, label: str) -> PhaseOne:
    """By the standard deviation of phase I: where windows are autocorrelated, moving ranges are far too small."""
    values = np.array([point.value for point in points])
    base = xmr.baseline(values, "standard_deviation")
    centre, sigma = float(base.centre), float(base.sigma)
    skewness = _value_skewness(plan.nature, centre, sigma, len(points))
    profile = BaselineProfile(len(points), float(lag1_autocorrelation(values)), skewness, None, _law(plan.nature))
    return PhaseOne(centre, sigma, 1.0, label, profile)


def _means(points: Sequence[WindowPoint], plan: ChartPlan) -> PhaseOne:
    means, counts = np.array([point.value for point in points]), _counts(points)
    base = xbar_s.baseline(means, [point.deviation for point in points], counts, "pooled")
    centre, sigma = float(base.centre), float(base.sigma)
    z = (means - centre) / (sigma / np.sqrt(counts))
    excess, autocorrelation = _excess(z), _autocorrelation(z)
    skewness = _mean_skewness(plan.nature, centre, sigma, counts, excess)
    profile = BaselineProfile(len(points), autocorrelation, skewness, excess, _law(plan.nature))
    return _dispersed(base, excess, "Xbar-S", profile)


def _shares(points: Sequence[WindowPoint]) -> PhaseOne:
    hits, counts = np.array([point.total for point in points], dtype=np.float64), _counts(points)
    base = proportion.baseline(hits, counts)
    share, size = float(base.centre), float(counts.mean())
    z = (hits / counts - share) / np.sqrt(share * (1.0 - share) / counts)
    excess, autocorrelation = _excess(z), _autocorrelation(z)
    coarse = size * share * (1.0 - share) < LATTICE_BELOW
    lattice = Lattice(size * share, size) if coarse else None
    profile = BaselineProfile(
        len(points), autocorrelation, share_skewness(share, size, excess), excess, "gamma", lattice
    )
    return _dispersed(base, excess, "p", profile)


def _dispersed(base: control.ChartBaseline, excess: float, label: str, profile: BaselineProfile) -> PhaseOne:
    factor = math.sqrt(excess)
    return PhaseOne(
        float(base.centre), float(base.sigma) * factor, factor, f"{label}'" if factor > 1.0 else label, profile
    )


def _excess(z: Floats) -> float:
    """How many times the variance that a window's own cases explain, at least 1: queues make its cases alike."""
    return max(float(z @ z) / (len(z) - 1), 1.0)


def _autocorrelation(z: Floats) -> float:
    """Cases are drawn anew in every window, so only what windows vary beyond them can be autocorrelated."""
    return min(float(lag1_autocorrelation(z)), 1.0 - 1.0 / _excess(z))


def _counts(points: Sequence[WindowPoint]) -> Floats:
    return np.array([point.count for point in points], dtype=np.float64)


def _law(nature: Nature) -> Law:
    return "lognormal" if nature is Nature.DURATIONS else "gamma"


def _value_skewness(nature: Nature, mean: float, sd: float, cases: float = math.inf) -> float:
    """Of single values above 0 that are known by the mean and spread of so many; other values count as symmetric."""
    if not mean > 0.0 or not sd > 0.0:
        return 0.0
    match nature:
        case Nature.VALUES:
            return 0.0
        case Nature.COUNTS:
            return min(count_skewness(mean, sd * sd), 2.0 * sd / mean)
        case Nature.DURATIONS:
            return lognormal_skewness(sd / mean, cases)
        case _:
            assert_never(nature)


def _mean_skewness(nature: Nature, mean: float, sd: float, counts: Floats, excess: float) -> float:
    """Of means of `counts` cases (sd): third moments of what cases explain and of what windows vary beyond it."""
    within = _value_skewness(nature, mean, sd, float(counts.sum())) * float((1.0 / np.sqrt(counts)).mean())
    beyond = _value_skewness(nature, mean, sd * math.sqrt((excess - 1.0) / float(counts.mean())))
    return float((within + beyond * (excess - 1.0) ** 1.5) / excess**1.5)
