"""Charts of counts of events: c (constant opportunity), u (per unit of opportunity) and Laney's u'.

Assumes Poisson counts; there may be more events than units. When units differ more than Poisson allows
(`is_overdispersed`), prefer `laney=True`; when most points are 0, prefer the `gap` or `time_between` chart.
Source: D. C. Montgomery, Introduction to Statistical Quality Control (7th ed., 2013), ch. 7; D. B. Laney, Improved
control charts for attributes, Quality Engineering 14 (2002) 531-537.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked_fields
from andon_quality.arrays import BoolArray, FloatArray
from andon_quality.control import laney as dispersal
from andon_quality.control.chart import (
    Chart,
    ChartBaseline,
    Memoryless,
    StatisticKind,
    limits,
    observed,
    per_point,
    points,
    spread_of,
)
from andon_quality.control.subgroups import per_unit, refuse_fractions, sizes_of
from andon_quality.errors import OutOfRange


@checked_fields
@dataclass(frozen=True)
class RateBaseline(ChartBaseline):
    """Frozen events per unit (centre); sigma = sigma_z sqrt(centre), that of one unit; sigma_z is 1 for c and u."""

    sigma_z: FloatArray


def baseline(counts: ArrayLike, sizes: ArrayLike = 1.0, laney: bool = False) -> RateBaseline:
    """u = sum(counts) / sum(sizes); with `laney`, sigma_z = mean moving range of the z-scores / d2(2).

    counts, sizes: shape (..., time); sizes are any measure of opportunity (units, days, customers), 1 for the c chart.
    NaN count or size 0 = missing. Raises TooFew below 2 points, NoSpread without any event, OutOfRange for a negative
    count or size. Cost: O(points).

    >>> float(baseline([10, 14], [5, 5]).centre)
    2.4
    """
    x, n = _counts(counts, sizes)
    seen = observed(x)
    u = np.nansum(x, axis=-1) / np.where(np.isnan(x), 0.0, n).sum(axis=-1)
    unit = spread_of(np.sqrt(u))
    factor = spread_of(dispersal.sigma_z(_z(x, n, u, unit))) if laney else np.ones_like(unit)
    return RateBaseline(StatisticKind.RATE, u, unit * factor, seen, "laney" if laney else "poisson", factor)


def chart(baseline: RateBaseline, counts: ArrayLike, sizes: ArrayLike = 1.0, width: float = 3.0) -> Chart:
    """The u chart: counts / sizes against u +- width sigma_z sqrt(u / n), not below 0; limits per point as n varies.

    >>> chart(baseline([10, 14], [5, 5]), [30], [5]).beyond
    array([ True])
    """
    x, n = _counts(counts, sizes)
    sigma = per_point(baseline.sigma) / np.sqrt(n)
    return limits(StatisticKind.RATE, per_unit(x, n), per_point(baseline.centre), sigma, width, floor=0.0)


def count_chart(baseline: RateBaseline, counts: ArrayLike, sizes: ArrayLike = 1.0, width: float = 3.0) -> Chart:
    """The c chart: counts against n u +- width sigma_z sqrt(n u), not below 0. Prefer u when n varies.

    >>> round(float(count_chart(baseline([16, 16]), [16]).upper[0]), 6)
    28.0
    """
    x, n = _counts(counts, sizes)
    sigma = np.sqrt(n) * per_point(baseline.sigma)
    return limits(StatisticKind.COUNT, x, n * per_point(baseline.centre), sigma, width, floor=0.0)


def dispersion(counts: ArrayLike, sizes: ArrayLike = 1.0) -> dispersal.Dispersion:
    """Chi-square dispersion of the counts around their common rate, one result per series.

    >>> round(float(dispersion([4, 25, 10]).ratio), 2)
    9.0
    """
    x, n = _counts(counts, sizes)
    observed(x)
    u = np.nansum(x, axis=-1) / np.where(np.isnan(x), 0.0, n).sum(axis=-1)
    return dispersal.dispersion(_z(x, n, u, spread_of(np.sqrt(u))))


def is_overdispersed(counts: ArrayLike, sizes: ArrayLike = 1.0, alpha: float = 0.05) -> BoolArray:
    """True where counts differ more than one common Poisson rate explains, so that u' should be used; shape (...).

    >>> bool(is_overdispersed([4, 25, 10]))
    True
    """
    return dispersal.significant(dispersion(counts, sizes), alpha)


def start(baseline: RateBaseline) -> Memoryless:
    """The state before the first point: none, as no point depends on another.

    >>> start(baseline([10, 14], [5, 5]))
    Memoryless()
    """
    return Memoryless()


def advance(
    baseline: RateBaseline, state: Memoryless, counts: ArrayLike, sizes: ArrayLike = 1.0, width: float = 3.0
) -> tuple[Memoryless, Chart]:
    """The next points, shape (..., m); the same bits in any split into calls.

    >>> frozen = baseline([10, 14], [5, 5])
    >>> advance(frozen, start(frozen), [30], [5])[1].beyond
    array([ True])
    """
    return state, chart(baseline, counts, sizes, width)


def _z(x: FloatArray, n: FloatArray, u: FloatArray, unit: FloatArray) -> FloatArray:
    return (per_unit(x, n) - per_point(u)) / (per_point(unit) / np.sqrt(n))


def _counts(counts: ArrayLike, sizes: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x = points(counts)
    n = sizes_of(sizes, x)
    refuse_fractions(x)
    if (x < 0).any():
        raise OutOfRange("a count cannot be negative")
    missing = np.isnan(x) | ~(n > 0)
    return np.where(missing, np.nan, x), np.where(missing, np.nan, n)
