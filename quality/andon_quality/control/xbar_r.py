"""Means and ranges of subgroups (Xbar-R): the classic for small subgroups of at most about 10 values.

Assumes independent, roughly normal values; the range wastes data as subgroups grow, so above 10 prefer `xbar_s`.
Source: W. A. Shewhart, Economic Control of Quality of Manufactured Product (1931); D. C. Montgomery, Introduction to
Statistical Quality Control (7th ed., 2013), ch. 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray, beyond_rounding
from andon_quality.control import xbar_s
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
from andon_quality.control.constants import Table, d2, d3, each
from andon_quality.control.subgroups import grand_mean, sizes_of
from andon_quality.errors import OutOfRange

Method = Literal["minimum_variance", "average"]


@checked_fields
@dataclass(frozen=True)
class XbarRBaseline(ChartBaseline):
    """Frozen grand mean and within-subgroup sigma of a single value, estimated from ranges."""


@checked
def baseline(
    means: ArrayLike,
    ranges: ArrayLike,
    sizes: ArrayLike,
    method: Method = "minimum_variance",
    table: Table = "exact",
) -> XbarRBaseline:
    """Centre = sum(n x) / sum(n); sigma from the subgroups of at least two values.

    "minimum_variance": sum(h R / d2) / sum(h) with h = (d2 / d3)^2, which is mean(R) / d2 for equal sizes; "average":
    mean of R / d2. table: "printed" takes d2 as qcc, JASP and Minitab print it. means, ranges, sizes: shape (...,
    time); NaN mean or size 0 = missing. Cost: O(subgroups). Raises TooFew below 2 subgroups, NoSpread when every range
    is 0 or missing, OutOfRange for a negative range or size.

    >>> frozen = baseline([10.0, 12.0], [2.0, 3.0], 5)
    >>> float(frozen.centre), round(float(frozen.sigma), 4)
    (11.0, 1.0748)
    """
    x = points(means)
    n = sizes_of(sizes, x)
    r = np.broadcast_to(points(ranges), x.shape)
    if (r < 0).any():
        raise OutOfRange("a range cannot be negative")
    count = observed(np.where(n > 0, x, np.nan))
    sigma = spread_of(beyond_rounding(_sigma(r, n, method, table), x))
    return XbarRBaseline(StatisticKind.MEAN, grand_mean(x, n), sigma, count, method)


def chart(baseline: ChartBaseline, means: ArrayLike, sizes: ArrayLike, width: float = 3.0) -> Chart:
    """Means against centre +- width sigma / sqrt(n), limits per point as n varies; NaN mean or size 0 = missing.

    >>> round(float(chart(baseline([10.0, 12.0], [2.0, 3.0], 5), [11.0], 5).upper[0]), 4)
    12.442
    """
    return xbar_s.chart(baseline, means, sizes, width)


@checked
def range_chart(
    baseline: ChartBaseline, ranges: ArrayLike, sizes: ArrayLike, width: float = 3.0, table: Table = "exact"
) -> Chart:
    """Ranges against d2 sigma +- width d3 sigma, not below 0; missing below 2 values. table: as in `baseline`.

    >>> round(float(range_chart(baseline([10.0, 12.0], [1.0, 1.0], 5), [1.0], 5).upper[0]), 6)
    2.114499
    """
    r = points(ranges)
    n = sizes_of(sizes, r)
    sigma = per_point(baseline.sigma)
    statistic = np.where(n >= 2, r, np.nan)
    return limits(
        StatisticKind.RANGE,
        statistic,
        each(lambda size: d2(size, table), n) * sigma,
        each(d3, n) * sigma,
        width,
        floor=0.0,
    )


def start(baseline: ChartBaseline) -> Memoryless:
    """The state before the first subgroup: none, as no point depends on another.

    >>> start(baseline([10.0, 12.0], [2.0, 3.0], 5))
    Memoryless()
    """
    return Memoryless()


@checked
def advance(
    baseline: ChartBaseline,
    state: Memoryless,
    means: ArrayLike,
    ranges: ArrayLike,
    sizes: ArrayLike,
    width: float = 3.0,
    table: Table = "exact",
) -> tuple[Memoryless, Pair]:
    """The next subgroups, shape (..., m), on both charts; the same bits in any split into calls.

    >>> frozen = baseline([10.0, 12.0], [2.0, 3.0], 5)
    >>> advance(frozen, start(frozen), [13.0], [2.0], [20])[1].location.beyond
    array([ True])
    """
    return state, Pair(chart(baseline, means, sizes, width), range_chart(baseline, ranges, sizes, width, table))


def _sigma(r: FloatArray, n: FloatArray, method: Method, table: Table) -> FloatArray:
    known = (n >= 2) & ~np.isnan(r)
    if not known.any(axis=-1).all():
        return np.zeros(known.shape[:-1])
    mean, spread = np.where(known, each(lambda size: d2(size, table), n), 1.0), np.where(known, each(d3, n), 1.0)
    single = np.where(known, r, 0.0) / mean
    match method:
        case "minimum_variance":
            weight = np.where(known, (mean / spread) ** 2, 0.0)
            return np.asarray((weight * single).sum(axis=-1) / weight.sum(axis=-1))
        case "average":
            return np.asarray(single.sum(axis=-1) / known.sum(axis=-1))
        case _:
            assert_never(method)
