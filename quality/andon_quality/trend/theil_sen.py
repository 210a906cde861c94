"""How steep a trend is, unmoved by outliers: the Theil-Sen line."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange


@dataclass(frozen=True)
class Line:
    """slope (unit per period) with its interval, and the intercept at time 0."""

    slope: float
    lower: float
    upper: float
    intercept: float


def theil_sen(
    values: ArrayLike, times: ArrayLike | None = None, confidence: float = 0.95, *, inflation: float = 1.0
) -> Line:
    """The median of the slopes between all pairs of points, with Sen's rank interval.

    Interval: the slopes of ranks (N -+ z sqrt(Var S)) / 2 among the N of distinct times, Var S as in Mann-Kendall;
    `inflation` multiplies Var S - pass `mann_kendall(...).inflation` where points depend on each other.
    intercept = median(values) - slope median(times).

    values, times: shape (n,), n >= 3; times default to 0, 1, .... Up to 29 % of the points may be wild. O(n^2) time
    and memory. Raises TooFew, NotFinite, OutOfRange, Inconsistent, NoSpread (all times equal).
    Source: Sen, Journal of the American Statistical Association 63 (1968) 1379.

    >>> line = theil_sen([1.0, 3.0, 5.0, 7.0, 90.0])
    >>> line.slope, line.intercept
    (2.0, 1.0)
    """
    from scipy.special import ndtri

    y = finite(values, 3)
    t = np.arange(y.size, dtype=np.float64) if times is None else finite(times, 3)
    if y.ndim != 1 or y.shape != t.shape:
        raise Inconsistent("needs one time for each value")
    if not 0 < confidence < 1 or inflation < 1:
        raise OutOfRange("needs 0 < confidence < 1 and an inflation of 1 or more")
    slopes = np.sort(pair_slopes(y, t))
    if slopes.size == 0:
        raise NoSpread("every time is equal")
    slope = float(np.median(slopes))
    spread = float(ndtri((1 + confidence) / 2)) * math.sqrt(_variance(y, t) * inflation)
    low = max(round((slopes.size - spread) / 2) - 1, 0)
    high = min(round((slopes.size + spread) / 2), slopes.size - 1)
    return Line(slope, float(slopes[low]), float(slopes[high]), float(np.median(y) - slope * np.median(t)))


def median_slope(series: FloatArray) -> float:
    """The Theil-Sen slope per period of equally spaced points, shape (n,), n >= 2. O(n^2).

    >>> median_slope(np.array([0.0, 2.0, 4.0]))
    2.0
    """
    return float(np.median(pair_slopes(series, np.arange(series.size, dtype=np.float64))))


def pair_slopes(values: FloatArray, times: FloatArray) -> FloatArray:
    """The slopes between all pairs of points with different times. O(n^2).

    >>> pair_slopes(np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 2.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    first, second = np.triu_indices(values.size, 1)
    apart = times[second] - times[first]
    used = apart != 0
    slopes: FloatArray = (values[second] - values[first])[used] / apart[used]
    return slopes


def _variance(values: FloatArray, times: FloatArray) -> float:
    n = values.size

    def tied(of: FloatArray) -> float:
        ties = np.unique(of, return_counts=True)[1].astype(np.float64)
        return float(np.sum(ties * (ties - 1) * (2 * ties + 5)))

    return max((n * (n - 1) * (2 * n + 5) - tied(values) - tied(times)) / 18, 0.0)
