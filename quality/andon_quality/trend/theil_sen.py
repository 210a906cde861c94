"""How steep a trend is, unmoved by outliers: the Theil-Sen line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, PerSeries, blocks, by_series, finite, plain, refuse
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.inference.ties import tie_sizes
from andon_quality.result import Result


@dataclass(frozen=True)
class Line(Result):
    """slope (unit per period) with its interval, and the intercept at time 0; arrays of shape (series,) for many."""

    slope: PerSeries
    lower: PerSeries
    upper: PerSeries
    intercept: PerSeries


def theil_sen(
    values: ArrayLike, times: ArrayLike | None = None, confidence: float = 0.95, *, inflation: PerSeries = 1.0
) -> Line:
    """The median of the slopes between all pairs of points, with Sen's rank interval.

    Interval: the slopes of ranks (N -+ z sqrt(Var S)) / 2 among the N of distinct times, Var S as in Mann-Kendall;
    `inflation` multiplies Var S - pass `mann_kendall(...).inflation` where points depend on each other.
    intercept = median(values) - slope median(times).

    values: shape (n,), n >= 3, or (series, n) for many at once; times: shape (n,), the same for all, default 0, 1, ....
    Up to 29 % of the points may be wild; prefer least squares (`structure.regress`) where none are. O(n^2 log n) time
    and O(n^2) memory a series. Raises TooFew, NotFinite, OutOfRange, Inconsistent, NoSpread (all times equal).
    Source: Sen, Journal of the American Statistical Association 63 (1968) 1379.

    >>> line = theil_sen([1.0, 3.0, 5.0, 7.0, 90.0])
    >>> line.slope, line.intercept
    (2.0, 1.0)
    """
    y = by_series(values, 3)
    t = np.arange(y.shape[-1], dtype=np.float64) if times is None else finite(times, 3)
    if t.shape != y.shape[-1:]:
        raise Inconsistent("needs one time for each value")
    if not 0 < confidence < 1 or np.any(np.asarray(inflation) < 1):
        raise OutOfRange("needs 0 < confidence < 1 and an inflation of 1 or more")
    refuse((t == t[0]).all(), NoSpread, "every time is equal")
    variance = np.broadcast_to(_variance(y, t) * inflation, y.shape[:-1]).reshape(-1)
    flat = y.reshape(-1, y.shape[-1])
    found = np.concatenate(
        [_slopes(flat[part], t, variance[part], confidence) for part in blocks(len(flat), t.size**2)]
    )
    slope, lower, upper = found.T.reshape(3, *y.shape[:-1])
    intercept = np.median(y, axis=-1) - slope * np.median(t)
    return Line(plain(slope), plain(lower), plain(upper), plain(intercept))


def median_slope(series: FloatArray) -> PerSeries:
    """The Theil-Sen slope per period of equally spaced points, shape (n,) or (series, n), n >= 2. O(n^2) a series.

    >>> median_slope(np.array([0.0, 2.0, 4.0]))
    2.0
    """
    n = series.shape[-1]
    flat, times = series.reshape(-1, n), np.arange(n, dtype=np.float64)
    medians = [np.median(pair_slopes(flat[part], times), axis=-1) for part in blocks(len(flat), n * n)]
    return plain(np.concatenate(medians).reshape(series.shape[:-1]))


def pair_slopes(values: FloatArray, times: FloatArray) -> FloatArray:
    """The slopes between all pairs of points with different times, shape (..., n) to (..., pairs). O(n^2) a series.

    >>> pair_slopes(np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 2.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    first, second = np.triu_indices(values.shape[-1], 1)
    apart = times[second] - times[first]
    used = apart != 0
    rise = np.take(values, second[used], axis=-1) - np.take(values, first[used], axis=-1)
    return np.asarray(rise / apart[used])


def _slopes(values: FloatArray, times: FloatArray, variance: FloatArray, confidence: float) -> FloatArray:
    """Median slope and both ends of its interval, shape (series, 3)."""
    from scipy.special import ndtri

    slopes = np.sort(pair_slopes(values, times), axis=-1)
    pairs = slopes.shape[-1]
    spread = float(ndtri((1 + confidence) / 2)) * np.sqrt(variance)
    low = np.maximum(np.rint((pairs - spread) / 2).astype(np.int64) - 1, 0)
    high = np.minimum(np.rint((pairs + spread) / 2).astype(np.int64), pairs - 1)
    ends = np.take_along_axis(slopes, np.stack([low, high], axis=-1), axis=-1)
    middle = (slopes[:, (pairs - 1) // 2] + slopes[:, pairs // 2]) / 2
    return np.concatenate([middle[:, None], ends], axis=-1)


def _variance(values: FloatArray, times: FloatArray) -> FloatArray:
    n = values.shape[-1]
    lost = sum((ties * (ties - 1) * (2 * ties + 5)).sum(axis=-1) for ties in (tie_sizes(values), tie_sizes(times)))
    return np.asarray(np.maximum((n * (n - 1) * (2 * n + 5) - lost) / 18, 0.0))
