"""What every control chart returns, and the parameters that phase I freezes for the points that follow."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andon_quality import plot
from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import BoolArray, FloatArray, IntArray
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scalar = TypeVar("Scalar", bound=np.generic)


class StatisticKind(StrEnum):
    """What a chart plots; it decides which run rules apply (see `rules.applicable`)."""

    INDIVIDUALS = "individuals"
    MOVING_RANGE = "moving_range"
    MEAN = "mean"
    RANGE = "range"
    STANDARD_DEVIATION = "standard_deviation"
    PROPORTION = "proportion"
    NUMBER = "number"
    COUNT = "count"
    RATE = "rate"
    GAP = "gap"
    TIME_BETWEEN = "time_between"
    RUN = "run"
    EWMA = "ewma"
    CUSUM = "cusum"
    T2 = "t2"
    MEWMA = "mewma"


@checked_fields
@dataclass(frozen=True)
class Chart(Result):
    """Points and their limits, all of shape (..., time).

    statistic is NaN where the point is missing. lower and upper are the limits of each point, `width` sigma from the
    centre unless the statistic cannot go there (a proportion stops at 0 and 1); sigma is the standard deviation of the
    statistic at that point, so zones are centre + k sigma. Where the distribution is skewed (T2, g, t) sigma is NaN and
    only the limits speak.
    """

    kind: StatisticKind
    statistic: FloatArray
    centre: FloatArray
    lower: FloatArray
    upper: FloatArray
    sigma: FloatArray
    width: float

    @property
    def beyond(self) -> BoolArray:
        """True where the point lies strictly outside its limits; False where it is missing.

        >>> limits(StatisticKind.MEAN, np.array([1.0, 4.0, np.nan]), 0.0, 1.0, 3.0).beyond
        array([False,  True, False])
        """
        return np.asarray((self.statistic > self.upper) | (self.statistic < self.lower))

    def plot(self, axes: Axes | None = None) -> Axes:
        """The chart of one series, with the points beyond its limits in red. Raises Inconsistent, MissingExtra."""
        drawn = plot.control_chart(axes, self.statistic, self.centre, (self.lower, self.upper), self.beyond)
        drawn.set_ylabel(self.kind.value.replace("_", " "))
        return drawn


@dataclass(frozen=True)
class Pair(Result):
    """A chart of where the process is and a chart of how much it spreads."""

    location: Chart
    spread: Chart

    def plot(self) -> tuple[Axes, Axes]:
        """Both charts of one series, one above the other. Raises Inconsistent, MissingExtra."""
        above, below = plot.panels(2)
        return self.location.plot(above), self.spread.plot(below)


@checked_fields
@dataclass(frozen=True)
class ChartBaseline(Result):
    """Phase-I parameters, frozen: later points are judged against them and never change them.

    kind: the chart it was estimated for. centre, sigma: shape (...), one per series; sigma is that of a single value,
    for attributes that of a single unit. points: how many points of each series entered. method: how sigma was
    estimated.
    """

    kind: StatisticKind
    centre: FloatArray
    sigma: FloatArray
    points: IntArray
    method: str


@dataclass(frozen=True)
class Memoryless:
    """The state of a chart whose points do not depend on earlier ones: there is nothing to carry."""


@checked
def limits(
    kind: StatisticKind,
    statistic: FloatArray,
    centre: ArrayLike,
    sigma: ArrayLike,
    width: float,
    floor: float = -np.inf,
    ceiling: float = np.inf,
) -> Chart:
    """A chart with limits at centre +- width sigma, cut at `floor` and `ceiling`.

    centre and sigma broadcast against statistic, shape (..., time). Raises OutOfRange for a width that is not positive.

    >>> float(limits(StatisticKind.MEAN, np.array([1.0]), 0.0, 2.0, 3.0).upper[0])
    6.0
    """
    if not width > 0:
        raise OutOfRange(f"the width of limits must be positive, got {width}")
    middle = np.broadcast_to(np.asarray(centre, dtype=np.float64), statistic.shape)
    spread = np.broadcast_to(np.asarray(sigma, dtype=np.float64), statistic.shape)
    lower = np.maximum(middle - width * spread, floor)
    upper = np.minimum(middle + width * spread, ceiling)
    return Chart(kind, statistic, middle, lower, upper, spread, width)


def bounded(chart: Chart, floor: float = -np.inf, ceiling: float = np.inf) -> Chart:
    """The chart with its limits inside what the quantity can be: a share 0 to 1, a count or a duration from 0.

    A limit at the end of the range says that this side cannot alarm by a single point; zones stay where they were.
    Raises OutOfRange for a centre outside the range.

    >>> shares = limits(StatisticKind.INDIVIDUALS, np.array([0.9]), 0.8, 0.1, 3.0)
    >>> float(bounded(shares, 0.0, 1.0).upper[0])
    1.0
    """
    if (chart.centre < floor).any() or (chart.centre > ceiling).any():
        raise OutOfRange(f"the centre lies outside the range from {floor:g} to {ceiling:g}")
    return replace(chart, lower=np.maximum(chart.lower, floor), upper=np.minimum(chart.upper, ceiling))


def points(values: ArrayLike) -> FloatArray:
    """`values` as float64 of shape (..., time), NaN meaning a missing point; raises NotFinite for infinity.

    >>> points([1, np.nan]).shape
    (2,)
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0:
        raise Inconsistent("a series needs a time axis, got a single number")
    if np.isinf(array).any():
        raise NotFinite("points must be finite, or NaN where missing")
    return array


@checked
def observed(array: FloatArray, at_least: int = 2) -> IntArray:
    """Points of each series that are not missing, shape (...); raises TooFew where fewer than `at_least`.

    >>> int(observed(np.array([1.0, np.nan, 2.0])))
    2
    """
    count = np.asarray((~np.isnan(array)).sum(axis=-1), dtype=np.int64)
    if (count < at_least).any():
        raise TooFew(f"a baseline needs at least {at_least} points, got {int(count.min())}")
    return count


def spread_of(sigma: ArrayLike) -> FloatArray:
    """`sigma` when every series has spread; else raises NoSpread and says which series (flat index) have none.

    >>> float(spread_of(2.0))
    2.0
    """
    array = np.asarray(sigma, dtype=np.float64)
    flat = np.flatnonzero(~(array > 0))
    if flat.size:
        raise NoSpread(f"no spread in the baseline of series {flat[:10].tolist()}{'...' if flat.size > 10 else ''}")
    return array


def per_point(parameter: NDArray[Scalar]) -> NDArray[Scalar]:
    """A parameter of shape (...) ready to broadcast against points of shape (..., time).

    >>> per_point(np.zeros(3)).shape
    (3, 1)
    """
    return np.asarray(parameter)[..., None]


def tail_of(width: float) -> float:
    """Probability of one normal tail beyond `width` sigma: the false-alarm rate of one limit at that width.

    >>> round(tail_of(3.0), 6)
    0.00135
    """
    if not width > 0:
        raise OutOfRange(f"the width of limits must be positive, got {width}")
    return 0.5 * math.erfc(width / math.sqrt(2.0))
