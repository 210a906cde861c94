"""Cumulative sum chart: small lasting shifts of a mean, accumulated until they exceed common-cause variation.

Assumes independent, roughly normal values. With reference value k it is the fastest scheme for a lasting shift of 2 k
sigma; for large shifts prefer `xmr` or `xbar_s`, for a smoothed level to read off prefer `ewma`. Source: E. S. Page,
Continuous inspection schemes, Biometrika 41 (1954) 100-115; J. M. Lucas and R. B. Crosier, Fast initial response for
CUSUM quality-control schemes, Technometrics 24 (1982) 199-205, for the head start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray
from andon_quality.control import xmr
from andon_quality.control.chart import Chart, ChartBaseline, StatisticKind, per_point, points
from andon_quality.control.subgroups import sizes_of
from andon_quality.errors import OutOfRange
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Sums start afresh from their own value every so many points: few enough that no digits are lost to a drifting sum.
_BLOCK = 2048


@dataclass(frozen=True)
class CusumState:
    """Points seen, and for each side, shape (2, ...), the running sum and its minimum since the last fresh start."""

    age: int
    total: FloatArray
    least: FloatArray


@dataclass(frozen=True)
class CusumChart(Result):
    """The upper sum (0 and up, limit +h) and the lower sum (0 and down, limit -h), in units of sigma."""

    high: Chart
    low: Chart

    @property
    def beyond(self) -> BoolArray:
        """True where either side lies beyond its limit."""
        return np.asarray(self.high.beyond | self.low.beyond)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Both sums of one series in one figure. Raises Inconsistent, MissingExtra."""
        drawn = self.high.plot(axes)
        return self.low.plot(drawn)


@checked
def baseline(values: ArrayLike, method: xmr.Method = "moving_range") -> xmr.XmrBaseline:
    """Frozen mean and sigma of the values themselves, as for individuals; for subgroups take that of `xbar_s`.

    Raises TooFew below 2 points, NoSpread for a constant series, NotFinite for infinity.

    >>> float(baseline([9.0, 10.0, 11.0, 10.0]).centre)
    10.0
    """
    return xmr.baseline(values, method)


def chart(
    baseline: ChartBaseline,
    values: ArrayLike,
    k: float = 0.5,
    h: float = 5.0,
    head_start: float = 0.0,
    sizes: ArrayLike = 1.0,
) -> CusumChart:
    """C+ = max(0, C+ + z - k) and C- = min(0, C- + z + k) with z = (x - centre) sqrt(n) / sigma; both sides.

    values: shape (..., time), individual values or means of `sizes` values each; NaN or size 0 = missing: the sums hold
    and the point has no statistic. reference value k, decision interval h and head_start are in sigma; a head
    start of h / 2 finds a process that starts off target. Sums are not reset by an alarm. Cost: O(values).
    Raises OutOfRange unless k >= 0, h > 0 and 0 <= head_start < h.

    >>> from andon_quality.control.xmr import XmrBaseline
    >>> known = XmrBaseline(StatisticKind.INDIVIDUALS, np.array(10.0), np.array(1.0), np.array(30), "known")
    >>> chart(known, [11.0, 12.0, 9.0]).high.statistic
    array([0.5, 2. , 0.5])
    """
    return advance(baseline, start(baseline, head_start), values, k, h, sizes)[1]


def start(baseline: ChartBaseline, head_start: float = 0.0) -> CusumState:
    """The state before the first point; head_start in sigma, the same on both sides.

    >>> start(baseline([9.0, 11.0]), 2.5).total
    array([2.5, 2.5])
    """
    if not head_start >= 0:
        raise OutOfRange(f"a head start cannot be negative, got {head_start}")
    shape = (2, *np.shape(baseline.centre))
    return CusumState(0, np.full(shape, float(head_start)), np.zeros(shape))


def advance(
    baseline: ChartBaseline,
    state: CusumState,
    values: ArrayLike,
    k: float = 0.5,
    h: float = 5.0,
    sizes: ArrayLike = 1.0,
) -> tuple[CusumState, CusumChart]:
    """The next points of each series, shape (..., m); the same bits in any split into calls, O(1) per point.

    >>> frozen = baseline([9.0, 10.0, 11.0, 10.0])
    >>> state, one = advance(frozen, start(frozen), [12.0])
    >>> bool(advance(frozen, state, [12.0])[1].high.statistic[0] > one.high.statistic[0])
    True
    """
    if not (k >= 0 and h > 0):
        raise OutOfRange(f"needs k >= 0 and h > 0, got {k} and {h}")
    if state.age == 0 and (state.total >= h).any():
        raise OutOfRange("a head start must lie below the decision interval")
    x = points(values)
    n = sizes_of(sizes, x)
    present = ~np.isnan(x) & (n > 0)
    z = (x - per_point(baseline.centre)) * np.sqrt(n) / per_point(baseline.sigma)
    steps = np.where(present, np.stack((z - k, -z - k)), 0.0)
    state, sums = _accumulate(state, steps)
    shown = np.where(present, sums, np.nan)
    return state, CusumChart(_chart(shown[0], 0.0, h, h), _chart(-shown[1], -h, 0.0, h))


def _accumulate(state: CusumState, steps: FloatArray) -> tuple[CusumState, FloatArray]:
    """max(0, C + step) along time, as the running sum less its running minimum, block by block."""
    sums = np.empty(steps.shape)
    age, total, least = state.age, state.total, state.least
    done, end = 0, steps.shape[-1]
    while done < end:
        if age % _BLOCK == 0:
            total, least = total - least, np.zeros_like(least)
        many = min(_BLOCK - age % _BLOCK, end - done)
        part = steps[..., done : done + many]
        running = np.add.accumulate(np.concatenate((total[..., None], part), axis=-1), axis=-1)[..., 1:]
        floor = np.minimum(np.minimum.accumulate(running, axis=-1), least[..., None])
        np.subtract(running, floor, out=sums[..., done : done + many])
        total, least = running[..., -1].copy(), floor[..., -1].copy()
        age, done = age + many, done + many
    return CusumState(age, total, least), sums


def _chart(statistic: FloatArray, lower: float, upper: float, h: float) -> Chart:
    centre, low, high, sigma = (np.broadcast_to(np.float64(v), statistic.shape) for v in (0.0, lower, upper, np.nan))
    return Chart(StatisticKind.CUSUM, statistic, centre, low, high, sigma, h)
