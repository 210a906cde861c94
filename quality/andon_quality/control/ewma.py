"""Exponentially weighted moving average chart: small lasting shifts of a mean, found sooner than by a Shewhart chart.

Assumes independent, roughly normal values (with smoothing below 0.1 nearly any distribution will do). A smoothing of
0.05 to 0.25 suits shifts of 0.5 to 1.5 sigma; for larger shifts prefer `xmr` or `xbar_s`.
Source: S. W. Roberts, Control chart tests based on geometric moving averages, Technometrics 1 (1959) 239-250;
J. M. Lucas and M. S. Saccucci, Exponentially weighted moving average control schemes, Technometrics 32 (1990) 1-29.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray
from andon_quality.control import xmr
from andon_quality.control.chart import Chart, ChartBaseline, StatisticKind, limits, per_point, points
from andon_quality.control.subgroups import sizes_of
from andon_quality.errors import OutOfRange

Limits = Literal["varying", "fixed"]
# Up to so many points, stepping over time with all series side by side is the quicker way.
_SHORT = 64


@dataclass(frozen=True)
class EwmaState:
    """The average of each series and the variance of that average in units of sigma^2, both of shape (...)."""

    average: FloatArray
    variance: FloatArray


@checked
def baseline(values: ArrayLike, method: xmr.Method = "moving_range") -> xmr.XmrBaseline:
    """Frozen mean and sigma of the values themselves, as for individuals; for subgroups take that of `xbar_s`.

    Raises TooFew below 2 points, NoSpread for a constant series, NotFinite for infinity.

    >>> float(baseline([9.0, 10.0, 11.0, 10.0]).centre)
    10.0
    """
    return xmr.baseline(values, method)


@checked
def chart(
    baseline: ChartBaseline,
    values: ArrayLike,
    smoothing: float = 0.2,
    width: float = 3.0,
    limits: Limits = "varying",
    sizes: ArrayLike = 1.0,
) -> Chart:
    """z_t = (1 - smoothing) z_(t-1) + smoothing x_t from z_0 = centre, against centre +- width sd(z_t).

    values: shape (..., time), individual values or means of `sizes` values each; NaN or size 0 = missing: the average
    holds and the point has no statistic. limits: "varying" uses the exact variance of z_t, from its first point and for
    varying sizes; "fixed" its asymptote sigma sqrt(smoothing / ((2 - smoothing) n)). Cost: O(values).
    Raises OutOfRange unless 0 < smoothing <= 1, width > 0.

    >>> frozen = baseline([9.0, 10.0, 11.0, 10.0])
    >>> chart(frozen, [10.0, 12.0], smoothing=0.5).statistic
    array([10., 11.])
    """
    return advance(baseline, start(baseline), values, smoothing, width, limits, sizes)[1]


def start(baseline: ChartBaseline) -> EwmaState:
    """The state before the first point: the average is at the centre and has no variance yet.

    >>> float(start(baseline([9.0, 11.0])).average)
    10.0
    """
    centre = np.asarray(baseline.centre, dtype=np.float64)
    return EwmaState(centre, np.zeros_like(centre))


@checked
def advance(
    baseline: ChartBaseline,
    state: EwmaState,
    values: ArrayLike,
    smoothing: float = 0.2,
    width: float = 3.0,
    limits: Limits = "varying",
    sizes: ArrayLike = 1.0,
) -> tuple[EwmaState, Chart]:
    """The next points of each series, shape (..., m); the same bits in any split into calls, O(1) per point.

    >>> frozen = baseline([9.0, 10.0, 11.0, 10.0])
    >>> state, _ = advance(frozen, start(frozen), [12.0], smoothing=0.5)
    >>> advance(frozen, state, [11.0], smoothing=0.5)[1].statistic
    array([11.])
    """
    if not 0 < smoothing <= 1:
        raise OutOfRange(f"smoothing must lie in (0, 1], got {smoothing}")
    x = points(values)
    n = sizes_of(sizes, x)
    present = ~np.isnan(x) & (n > 0)
    keep = 1.0 - smoothing
    average, last = smoothed(x, present, smoothing, keep, state.average)
    inverse = np.divide(1.0, n, out=np.full(x.shape, np.nan), where=present)
    growing, grown = smoothed(inverse, present, smoothing * smoothing, keep * keep, state.variance)
    variance = growing if limits == "varying" else inverse * (smoothing / (2.0 - smoothing))
    sigma = per_point(baseline.sigma) * np.sqrt(variance)
    return EwmaState(last, grown), _chart(average, baseline, sigma, width)


def smoothed(
    x: FloatArray, present: BoolArray, gain: float, keep: float, first: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """y_t = keep y_(t-1) + gain x_t per series over its present points, NaN at the others; also the last y of each.

    Long series run through a compiled recursive filter, short ones step by step; both give the same bits.

    >>> smoothed(np.array([2.0, 4.0]), np.array([True, True]), 0.5, 0.5, np.array(0.0))[0]
    array([1. , 2.5])
    """
    if not x.size:
        return np.array(x), np.array(first)
    rows, there = x.reshape(-1, x.shape[-1]), present.reshape(-1, x.shape[-1])
    held = np.broadcast_to(first, x.shape[:-1]).reshape(-1).copy()
    smooth = _stepwise if rows.shape[-1] <= _SHORT and _filter_rounds_each_step() else _filtered
    result = smooth(rows, there, gain, keep, held)
    return result.reshape(x.shape), held.reshape(x.shape[:-1])


def _stepwise(rows: FloatArray, there: BoolArray, gain: float, keep: float, held: FloatArray) -> FloatArray:
    """All series at once, one point after the other; leaves the last average of each in `held`."""
    result = np.full(rows.shape, np.nan)
    for t in range(rows.shape[-1]):
        np.copyto(held, keep * held + gain * rows[:, t], where=there[:, t])
        np.copyto(result[:, t], held, where=there[:, t])
    return result


def _filtered(rows: FloatArray, there: BoolArray, gain: float, keep: float, held: FloatArray) -> FloatArray:
    """All points of a series at once; leaves the last average of each in `held`."""
    from scipy.signal import lfilter

    full = there.all(axis=-1)
    if full.all():
        whole: FloatArray = lfilter([gain], [1.0, -keep], rows, axis=-1, zi=keep * held[:, None])[0]
        held[:] = whole[:, -1]
        return whole
    result = np.full(rows.shape, np.nan)
    if full.any():
        result[full] = lfilter([gain], [1.0, -keep], rows[full], axis=-1, zi=keep * held[full, None])[0]
        held[full] = result[full, -1]
    for row in np.flatnonzero(~full & there.any(axis=-1)):
        seen = lfilter([gain], [1.0, -keep], rows[row, there[row]], zi=keep * held[row : row + 1])[0]
        result[row, there[row]] = seen
        held[row] = seen[-1]
    return result


@cache
def _filter_rounds_each_step() -> bool:
    """Whether the compiled filter rounds the product and the sum apart, as numpy does; with fused steps it does not."""
    x = np.sin(np.arange(1.0, 257.0))[None, :]
    there, keep = np.ones(x.shape, dtype=np.bool_), 1.0 - 0.2
    return np.array_equal(_stepwise(x, there, 0.2, keep, np.zeros(1)), _filtered(x, there, 0.2, keep, np.zeros(1)))


def _chart(average: FloatArray, baseline: ChartBaseline, sigma: FloatArray, width: float) -> Chart:
    return limits(StatisticKind.EWMA, average, per_point(baseline.centre), sigma, width)
