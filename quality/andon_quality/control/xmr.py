"""Individuals and moving-range charts (XmR, also I-MR): one value per point.

Assumes independent, roughly normal values; skewed or autocorrelated series alarm far more often than the in-control ARL
says (see the measured figures in the published tables), then calibrate the width with `arl`. Source: W. A. Shewhart,
Economic Control of Quality of Manufactured Product (1931); D. J. Wheeler and D. S. Chambers, Understanding Statistical
Process Control (1992).
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
    Pair,
    StatisticKind,
    limits,
    observed,
    per_point,
    points,
    spread_of,
)
from andon_quality.control.constants import Table, c4, d2, d3, each
from andon_quality.errors import TooFew

Method = Literal["moving_range", "median_moving_range", "standard_deviation"]
# Median of |x - y| for two standard normal values: sqrt(2) Phi^-1(3/4).
_MEDIAN_RANGE = 0.9538725524


@checked_fields
@dataclass(frozen=True)
class XmrBaseline(ChartBaseline):
    """Frozen mean and sigma of individual values; centre and sigma have shape (...)."""


@dataclass(frozen=True)
class XmrState:
    """What the next moving range needs: the last value of each series, NaN after a missing point."""

    last: FloatArray


@checked
def baseline(values: ArrayLike, method: Method = "moving_range", table: Table = "exact") -> XmrBaseline:
    """Centre = mean; sigma = mean moving range / d2(2), median moving range / 0.9539, or s / c4(n).

    values: shape (..., time), NaN = missing; a moving range that spans a missing point is not formed.
    The moving range hardly notices a shift inside the baseline and is the usual choice; its median also withstands
    outliers but is 70 / n % too large, and the standard deviation is the most efficient for a baseline known to be
    stable. table: "printed" takes d2(2) as qcc, JASP and Minitab print it, 1.128. Cost: O(values).
    Raises TooFew below 2 points (or no two adjacent ones), NoSpread for a constant series, NotFinite for infinity.

    >>> frozen = baseline([9.0, 10.0, 11.0, 10.0])
    >>> float(frozen.centre), round(float(frozen.sigma), 4)
    (10.0, 0.8862)
    """
    array = points(values)
    count = observed(array)
    centre = np.asarray(np.nansum(array, axis=-1) / count)
    sigma = spread_of(beyond_rounding(_sigma(array, method, table), array))
    return XmrBaseline(StatisticKind.INDIVIDUALS, centre, sigma, count, method)


def chart(baseline: XmrBaseline, values: ArrayLike, width: float = 3.0) -> Chart:
    """Individuals against centre +- width sigma; shape (..., time), NaN = missing point. Cost: O(values).

    >>> chart(baseline([9.0, 10.0, 11.0, 10.0]), [10.0, 13.0]).beyond
    array([False,  True])
    """
    return limits(
        StatisticKind.INDIVIDUALS, points(values), per_point(baseline.centre), per_point(baseline.sigma), width
    )


@checked
def range_chart(baseline: XmrBaseline, values: ArrayLike, width: float = 3.0, table: Table = "exact") -> Chart:
    """Moving ranges |x_t - x_(t-1)| against d2 sigma +- width d3 sigma; the first point is missing.

    table: as in `baseline`.

    >>> round(float(range_chart(baseline([9.0, 10.0, 11.0, 10.0]), [9.0, 10.0]).upper[1]), 4)
    3.2665
    """
    return advance(baseline, start(baseline), values, width, table)[1].spread


def start(baseline: XmrBaseline) -> XmrState:
    """The state before the first point.

    >>> bool(np.isnan(start(baseline([1.0, 2.0])).last))
    True
    """
    return XmrState(np.full(np.shape(baseline.centre), np.nan))


@checked
def advance(
    baseline: XmrBaseline, state: XmrState, values: ArrayLike, width: float = 3.0, table: Table = "exact"
) -> tuple[XmrState, Pair]:
    """The next points of each series: values shape (..., m) -> the new state and both charts of shape (..., m).

    Any split of a series into calls gives the same bits as one call. Cost: O(values), no history kept.

    >>> frozen = baseline([9.0, 10.0, 11.0, 10.0])
    >>> _, pair = advance(frozen, XmrState(np.array(10.0)), [12.0])
    >>> float(pair.spread.statistic[0])
    2.0
    """
    array = points(values)
    ranges = np.abs(np.diff(array, axis=-1, prepend=per_point(state.last)))
    sigma = per_point(baseline.sigma)
    location = chart(baseline, array, width)
    spread = limits(StatisticKind.MOVING_RANGE, ranges, d2(2, table) * sigma, d3(2) * sigma, width, floor=0.0)
    return XmrState(array[..., -1] if array.shape[-1] else state.last), Pair(location, spread)


def _sigma(array: FloatArray, method: Method, table: Table) -> FloatArray:
    match method:
        case "moving_range":
            return np.asarray(np.nanmean(_ranges(array), axis=-1) / d2(2, table))
        case "median_moving_range":
            return np.asarray(np.nanmedian(_ranges(array), axis=-1) / _MEDIAN_RANGE)
        case "standard_deviation":
            count = (~np.isnan(array)).sum(axis=-1)
            return np.asarray(np.nanstd(array, axis=-1, ddof=1) / each(c4, count))
        case _:
            assert_never(method)


def _ranges(array: FloatArray) -> FloatArray:
    ranges = np.abs(np.diff(array, axis=-1))
    if np.isnan(ranges).all(axis=-1).any():
        raise TooFew("a moving range needs two adjacent points")
    return ranges
