"""Means and standard deviations of subgroups (Xbar-S): the chart of choice for subgroups of any, even varying, size.

Assumes independent, roughly normal values with the subgroup as the unit of short-term variation; for subgroups of one
value prefer `xmr`, for subgroups kept by hand of at most about 10 `xbar_r`.
Source: D. C. Montgomery, Introduction to Statistical Quality Control (7th ed., 2013), ch. 6; I. W. Burr, Control charts
for measurements with varying sample sizes, Journal of Quality Technology 1 (1969) 163-167, for the weighting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray, beyond_rounding
from andon_quality.control.chart import (
    Chart,
    ChartBaseline,
    Memoryless,
    Pair,
    StatisticKind,
    limits,
    observed,
    per_point,
    points,
    spread_of,
)
from andon_quality.control.constants import c4, each
from andon_quality.control.subgroups import grand_mean, sizes_of
from andon_quality.errors import OutOfRange

Method = Literal["minimum_variance", "average", "pooled"]


@checked_fields
@dataclass(frozen=True)
class XbarSBaseline(ChartBaseline):
    """Frozen grand mean and within-subgroup sigma of a single value."""


@checked
def baseline(means: ArrayLike, sds: ArrayLike, sizes: ArrayLike, method: Method = "minimum_variance") -> XbarSBaseline:
    """Centre = sum(n x) / sum(n); sigma from the subgroups of at least two values.

    "minimum_variance": sum(h s / c4) / sum(h) with h = c4^2 / (1 - c4^2), which is mean(s) / c4 for equal sizes;
    "average": mean of s / c4; "pooled": sqrt(sum((n-1) s^2) / sum(n-1)) / c4(sum(n-1) + 1), most efficient, but hurt
    by a single wild subgroup. means, sds, sizes: shape (..., time); NaN mean or size 0 = missing subgroup.
    Raises TooFew below 2 subgroups, NoSpread when every s is 0 or missing, OutOfRange for a negative s or size.
    From raw values: `groups = summarise(values)`, then means, sds and sizes of it. Cost: O(subgroups).

    >>> frozen = baseline([10.0, 12.0], [1.0, 1.0], 5)
    >>> float(frozen.centre), round(float(frozen.sigma), 4)
    (11.0, 1.0638)
    """
    x, s, n = _subgroups(means, sds, sizes)
    count = observed(x)
    sigma = spread_of(beyond_rounding(_sigma(s, n, method), x))
    return XbarSBaseline(StatisticKind.MEAN, grand_mean(x, n), sigma, count, method)


def chart(baseline: ChartBaseline, means: ArrayLike, sizes: ArrayLike, width: float = 3.0) -> Chart:
    """Means against centre +- width sigma / sqrt(n), limits per point as n varies; NaN mean or size 0 = missing.

    >>> frozen = baseline([10.0, 12.0], [1.0, 1.0], 5)
    >>> chart(frozen, [11.0, 13.0], [5, 20]).beyond
    array([False,  True])
    """
    x = points(means)
    n = sizes_of(sizes, x)
    sigma = np.divide(per_point(baseline.sigma), np.sqrt(n), out=np.full(x.shape, np.nan), where=n > 0)
    return limits(StatisticKind.MEAN, np.where(n > 0, x, np.nan), per_point(baseline.centre), sigma, width)


def sd_chart(baseline: ChartBaseline, sds: ArrayLike, sizes: ArrayLike, width: float = 3.0) -> Chart:
    """Standard deviations against c4 sigma +- width sigma sqrt(1 - c4^2), not below 0; missing below 2 values.

    >>> frozen = baseline([10.0, 12.0], [1.0, 1.0], 5)
    >>> round(float(sd_chart(frozen, [1.0], 5).upper[0]), 6)
    2.088998
    """
    s = points(sds)
    n = sizes_of(sizes, s)
    constant = each(c4, n)
    sigma = per_point(baseline.sigma)
    spread = np.sqrt(1.0 - constant**2) * sigma
    statistic = np.where(n >= 2, s, np.nan)
    return limits(StatisticKind.STANDARD_DEVIATION, statistic, constant * sigma, spread, width, floor=0.0)


def start(baseline: ChartBaseline) -> Memoryless:
    """The state before the first subgroup: none, as no point depends on another.

    >>> start(baseline([10.0, 12.0], [1.0, 1.0], 5))
    Memoryless()
    """
    return Memoryless()


def advance(
    baseline: ChartBaseline, state: Memoryless, means: ArrayLike, sds: ArrayLike, sizes: ArrayLike, width: float = 3.0
) -> tuple[Memoryless, Pair]:
    """The next subgroups, shape (..., m), on both charts; the same bits in any split into calls.

    >>> frozen = baseline([10.0, 12.0], [1.0, 1.0], 5)
    >>> advance(frozen, start(frozen), [13.0], [1.0], [20])[1].location.beyond
    array([ True])
    """
    return state, Pair(chart(baseline, means, sizes, width), sd_chart(baseline, sds, sizes, width))


def _sigma(s: FloatArray, n: FloatArray, method: Method) -> FloatArray:
    known = (n >= 2) & ~np.isnan(s)
    if not known.any(axis=-1).all():
        return np.zeros(known.shape[:-1])
    constant = np.where(known, each(c4, n), 1.0)
    match method:
        case "minimum_variance":
            ratio = np.where(known, constant**2 / np.where(known, 1.0 - constant**2, 1.0), 0.0)
            return np.asarray((ratio * np.where(known, s, 0.0) / constant).sum(axis=-1) / ratio.sum(axis=-1))
        case "average":
            return np.asarray(np.where(known, s / constant, 0.0).sum(axis=-1) / known.sum(axis=-1))
        case "pooled":
            df = np.where(known, n - 1, 0.0)
            total = df.sum(axis=-1)
            squares = np.where(known, df * s**2, 0.0).sum(axis=-1)
            return np.asarray(np.sqrt(squares / total) / each(c4, total + 1))
        case _:
            assert_never(method)


def _subgroups(means: ArrayLike, sds: ArrayLike, sizes: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    x = points(means)
    n = sizes_of(sizes, x)
    s = np.broadcast_to(points(sds), x.shape)
    if (s < 0).any():
        raise OutOfRange("a standard deviation cannot be negative")
    return np.where(n > 0, x, np.nan), s, np.where(np.isnan(n), 0.0, n)
