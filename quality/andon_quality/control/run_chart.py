"""The run chart: no limits, only whether points cross their median as often as common-cause variation would have it.

Assumes independent points that fall on either side of the median with equal probability, of any distribution; the test
grows stronger up to about 100 points and means little below 10. It finds lasting shifts; for single wild points add a
control chart.
Source: J. Anhoej and A. V. Olesen, Run charts revisited, PLoS ONE 9 (2014) e113825; M. F. Schilling, The surprising
predictability of long runs, Mathematics Magazine 85 (2012) 141-149, for log2(n) + 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality import plot
from andon_quality.arguments import checked_fields
from andon_quality.arrays import BoolArray, FloatArray, IntArray
from andon_quality.control.chart import ChartBaseline, StatisticKind, observed, per_point, points
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked_fields
@dataclass(frozen=True)
class RunBaseline(ChartBaseline):
    """Frozen median (centre); sigma is NaN, as a run chart has none."""


@dataclass(frozen=True)
class RunChart(Result):
    """What is known after each point, all of shape (..., time).

    useful counts the points off the median; a longest run above longest_run_max or fewer crossings than crossings_min
    is a signal of a special cause.
    """

    statistic: FloatArray
    centre: FloatArray
    useful: IntArray
    longest_run: IntArray
    longest_run_max: IntArray
    crossings: IntArray
    crossings_min: IntArray

    @property
    def signal(self) -> BoolArray:
        """True from the point on at which the points so far are unlikely to be common-cause variation alone."""
        return np.asarray((self.longest_run > self.longest_run_max) | (self.crossings < self.crossings_min))

    def plot(self, axes: Axes | None = None) -> Axes:
        """Points and their median, in red from where they signal. Raises Inconsistent, MissingExtra."""
        return plot.control_chart(axes, self.statistic, self.centre, (), self.signal)


@dataclass(frozen=True)
class RunState:
    """Counts so far, all of shape (...): useful points, side of the last one, its run, longest, crossings."""

    useful: IntArray
    side: IntArray
    run: IntArray
    longest: IntArray
    crossings: IntArray


def baseline(values: ArrayLike) -> RunBaseline:
    """Centre = median of the points, shape (..., time), NaN = missing. Raises TooFew below 2 points. Cost: O(values).

    >>> float(baseline([1.0, 9.0, 2.0]).centre)
    2.0
    """
    array = points(values)
    count = observed(array)
    median = np.asarray(np.nanmedian(array, axis=-1))
    return RunBaseline(StatisticKind.RUN, median, np.full(median.shape, np.nan), count, "median")


def chart(baseline: RunBaseline, values: ArrayLike) -> RunChart:
    """Runs and crossings about the median after every point; points on the median and missing points count for neither.

    A run is of consecutive useful points on one side. Limits: longest run at most round(log2(useful) + 3); crossings at
    least the 5 % quantile of Binomial(useful - 1, 1/2). Cost: O(values).

    >>> shifted = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0] + [8.0, 9.0] * 5
    >>> bool(chart(baseline([1.0, 2.0]), shifted).signal[-1])
    True
    """
    return advance(baseline, start(baseline), values)[1]


def start(baseline: RunBaseline) -> RunState:
    """The state before the first point.

    >>> int(start(baseline([1.0, 2.0])).useful)
    0
    """
    zero = np.zeros(np.shape(baseline.centre), dtype=np.int64)
    return RunState(zero, zero, zero, zero, zero)


def advance(baseline: RunBaseline, state: RunState, values: ArrayLike) -> tuple[RunState, RunChart]:
    """The next points of each series, shape (..., m); equal in any split into calls, O(1) per point.

    >>> frozen = baseline([1.0, 2.0])
    >>> state, _ = advance(frozen, start(frozen), [1.0, 1.0])
    >>> int(advance(frozen, state, [2.0])[1].crossings[0])
    1
    """
    x = points(values)
    centre = np.broadcast_to(per_point(baseline.centre), x.shape)
    # The carried point is in column 0, so that the first new one has a neighbour.
    side = np.concatenate((per_point(state.side), np.nan_to_num(np.sign(x - centre)).astype(np.int64)), axis=-1)
    time = np.arange(side.shape[-1])
    held: IntArray = np.take_along_axis(side, np.maximum.accumulate(np.where(side != 0, time, 0), axis=-1), axis=-1)
    crossed = side[..., 1:] * held[..., :-1] < 0
    is_useful = side[..., 1:] != 0
    useful = per_point(state.useful) + np.cumsum(is_useful, axis=-1)
    before_run = np.maximum.accumulate(np.where(crossed, useful - 1, per_point(state.useful - state.run)), axis=-1)
    run = useful - before_run
    longest = np.maximum(np.maximum.accumulate(run, axis=-1), per_point(state.longest))
    crossings = per_point(state.crossings) + np.cumsum(crossed, axis=-1)
    found = RunChart(x, centre, useful, longest, _longest_max(useful), crossings, _crossings_min(useful))
    if not x.shape[-1]:
        return state, found
    ends = (useful, held[..., 1:], run, longest, crossings)
    return RunState(*(np.asarray(column[..., -1]) for column in ends)), found


def _longest_max(useful: IntArray) -> IntArray:
    return np.round(np.log2(np.maximum(useful, 1)) + 3).astype(np.int64)


def _crossings_min(useful: IntArray) -> IntArray:
    """Smallest k with P(Binomial(useful - 1, 1/2) <= k) >= 5 %, from the normal quantile and corrected to be exact."""
    from scipy.special import bdtr

    distinct, where = np.unique(useful, return_inverse=True)
    trials = np.maximum(distinct - 1, 0)
    k = np.maximum(np.floor(trials / 2 - 0.8224 * np.sqrt(trials)), 0.0)
    while (low := bdtr(k, trials, 0.5) < 0.05).any():
        k = k + low
    while (high := (k > 0) & (bdtr(np.maximum(k - 1, 0), trials, 0.5) >= 0.05)).any():
        k = k - high
    return np.asarray(k[where].reshape(useful.shape), dtype=np.int64)
