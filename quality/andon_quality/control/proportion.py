"""Charts of a proportion: p and np (binomial), and Laney's p' for subgroups that vary more than binomially.

Assumes independent yes/no outcomes with one probability (p), or one that itself varies between subgroups (p').
With subgroups of thousands nearly every p point is "out": test `is_overdispersed` and prefer `laney=True`.
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
class ProportionBaseline(ChartBaseline):
    """Frozen proportion (centre); sigma = sigma_z sqrt(p(1-p)), that of one unit; sigma_z is 1 for plain p."""

    sigma_z: FloatArray


def baseline(counts: ArrayLike, sizes: ArrayLike, laney: bool = False) -> ProportionBaseline:
    """p = sum(counts) / sum(sizes); with `laney`, sigma_z = mean moving range of the z-scores / d2(2).

    counts, sizes: shape (..., time), NaN count or size 0 = missing. Cost: O(points).
    Raises TooFew below 2 points, NoSpread when p is 0 or 1, OutOfRange for counts below 0 or above their size.

    >>> frozen = baseline([12, 8], 50)
    >>> float(frozen.centre), float(frozen.sigma_z)
    (0.2, 1.0)
    """
    x, n = _counts(counts, sizes)
    seen = observed(x)
    p = np.nansum(x, axis=-1) / np.where(np.isnan(x), 0.0, n).sum(axis=-1)
    unit = spread_of(np.sqrt(p * (1 - p)))
    factor = spread_of(dispersal.sigma_z(_z(x, n, p, unit))) if laney else np.ones_like(unit)
    method = "laney" if laney else "binomial"
    return ProportionBaseline(StatisticKind.PROPORTION, p, unit * factor, seen, method, factor)


def chart(baseline: ProportionBaseline, counts: ArrayLike, sizes: ArrayLike, width: float = 3.0) -> Chart:
    """Proportions against p +- width sigma_z sqrt(p(1-p)/n), cut at 0 and 1; limits per point as n varies.

    >>> chart(baseline([12, 8], 50), [10, 20], [50, 50]).beyond
    array([False,  True])
    """
    x, n = _counts(counts, sizes)
    sigma = per_point(baseline.sigma) / np.sqrt(n)
    return limits(
        StatisticKind.PROPORTION, per_unit(x, n), per_point(baseline.centre), sigma, width, floor=0.0, ceiling=1.0
    )


def number_chart(baseline: ProportionBaseline, counts: ArrayLike, sizes: ArrayLike, width: float = 3.0) -> Chart:
    """The np chart: counts against n p +- width sigma_z sqrt(n p (1-p)), cut at 0 and n. Prefer p when n varies.

    >>> float(number_chart(baseline([12, 8], 50), [10], 50).centre[0])
    10.0
    """
    x, n = _counts(counts, sizes)
    plain = limits(
        StatisticKind.NUMBER,
        x,
        n * per_point(baseline.centre),
        np.sqrt(n) * per_point(baseline.sigma),
        width,
        floor=0.0,
    )
    return Chart(plain.kind, x, plain.centre, plain.lower, np.minimum(plain.upper, n), plain.sigma, width)


def dispersion(counts: ArrayLike, sizes: ArrayLike) -> dispersal.Dispersion:
    """Chi-square dispersion of the counts around their common proportion, one result per series.

    >>> round(float(dispersion([20, 5, 12], 50).ratio), 2)
    6.06
    """
    x, n = _counts(counts, sizes)
    observed(x)
    p = np.nansum(x, axis=-1) / np.where(np.isnan(x), 0.0, n).sum(axis=-1)
    return dispersal.dispersion(_z(x, n, p, spread_of(np.sqrt(p * (1 - p)))))


def is_overdispersed(counts: ArrayLike, sizes: ArrayLike, alpha: float = 0.05) -> BoolArray:
    """True where subgroups differ more than one common proportion explains, so that p' should be used; shape (...).

    >>> bool(is_overdispersed([20, 5, 12], 50))
    True
    """
    return dispersal.significant(dispersion(counts, sizes), alpha)


def start(baseline: ProportionBaseline) -> Memoryless:
    """The state before the first point: none, as no point depends on another.

    >>> start(baseline([12, 8], 50))
    Memoryless()
    """
    return Memoryless()


def advance(
    baseline: ProportionBaseline, state: Memoryless, counts: ArrayLike, sizes: ArrayLike, width: float = 3.0
) -> tuple[Memoryless, Chart]:
    """The next points, shape (..., m); the same bits in any split into calls.

    >>> frozen = baseline([12, 8], 50)
    >>> advance(frozen, start(frozen), [20], [50])[1].beyond
    array([ True])
    """
    return state, chart(baseline, counts, sizes, width)


def _z(x: FloatArray, n: FloatArray, p: FloatArray, unit: FloatArray) -> FloatArray:
    return (per_unit(x, n) - per_point(p)) / (per_point(unit) / np.sqrt(n))


def _counts(counts: ArrayLike, sizes: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x = points(counts)
    n = sizes_of(sizes, x)
    refuse_fractions(x)
    if (x < 0).any() or ((x > n) & (n > 0)).any():
        raise OutOfRange("a count must lie between 0 and its size")
    missing = np.isnan(x) | ~(n > 0)
    return np.where(missing, np.nan, x), np.where(missing, np.nan, n)
