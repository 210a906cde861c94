"""A series as trend, season and rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import OutOfRange, TooFew

INNER_PASSES = 5


@dataclass(frozen=True)
class Decomposition:
    """values = trend + season + rest, each of shape (n,). `seasonality`, `trendiness`: strengths from 0 to 1.

    strength of x = max(0, 1 - Var(rest) / Var(x + rest)).
    """

    trend: FloatArray
    season: FloatArray
    rest: FloatArray
    seasonality: float
    trendiness: float


def moving_average(values: ArrayLike, season: int) -> Decomposition:
    """The classical decomposition: a centred moving average over one season, and the mean of what is left by phase.

    An even season weights both ends by half. The first and last season // 2 points of the trend carry on its line
    through the nearest season. The season adds up to 0. values: shape (n,), n >= 2 season; O(n).
    Assumes one unchanging season; prefer `seasonal_trend` where it changes or points are wild.
    Raises TooFew, NotFinite, OutOfRange. Source: Macaulay, The Smoothing of Time Series (1931).

    >>> parts = moving_average([1.0, 3.0, 2.0, 4.0, 3.0, 5.0], 2)
    >>> parts.season[:2].tolist(), [round(x, 6) for x in parts.trend[1:5].tolist()]
    ([-0.75, 0.75], [2.25, 2.75, 3.25, 3.75])
    """
    series = _series(values, season)
    window = np.full(season, 1 / season)
    if season % 2 == 0:
        window = np.concatenate([[0.5], np.ones(season - 1), [0.5]]) / season
    half = window.size // 2
    inside = np.convolve(series, window, mode="valid")
    trend = _extended(inside, half, min(season, inside.size))
    phase = np.arange(series.size) % season
    detrended = (series - trend)[half : series.size - half]
    means = np.bincount(phase[half : series.size - half], detrended, season) / np.bincount(
        phase[half : series.size - half], minlength=season
    )
    return _parts(series, trend, (means - means.mean())[phase])


def seasonal_trend(
    values: ArrayLike, season: int, *, seasonal_span: int = 7, robust: bool = True, outer_passes: int = 6
) -> Decomposition:
    """STL: trend and season by local regression, the season free to change, wild points weighted down.

    Inner loop: each phase's series is smoothed by a local line over `seasonal_span` points, its own low-pass (two
    moving averages of a season, one of 3, a local line) taken out; the rest is smoothed to the trend over the next odd
    integer to 1.5 season / (1 - 1.5 / seasonal_span) points. Outer passes weight by the bisquare of
    |rest| / (6 median |rest|).

    values: shape (n,), n >= 2 season; seasonal_span odd, >= 3 (7 changes quickly; larger is stiffer).
    Assumes additive parts: take logarithms first if the season grows with the level. O(n span) a pass.
    Raises TooFew, NotFinite, OutOfRange.
    Source: Cleveland, Cleveland, McRae and Terpenning, Journal of Official Statistics 6 (1990) 3.

    >>> t = np.arange(48.0)
    >>> parts = seasonal_trend(t / 10 + np.resize([1.0, 0.0, -1.0, 0.0], 48), 4)
    >>> round(parts.seasonality, 3), round(parts.trendiness, 3)
    (1.0, 1.0)
    """
    series = _series(values, season)
    if seasonal_span < 3 or seasonal_span % 2 == 0 or outer_passes < 0:
        raise OutOfRange("the seasonal span is odd and at least 3")
    weights, trend, cycle = np.ones(series.size), np.zeros(series.size), np.zeros(series.size)
    span = _odd(1.5 * season / (1 - 1.5 / seasonal_span))
    for outer in range(outer_passes + 1 if robust else 1):
        for _ in range(INNER_PASSES if not robust or outer == 0 else 1):
            cycle = _season_of(series - trend, season, seasonal_span, weights)
            trend = local_line(series - cycle, span, weights)
        if not robust or outer == outer_passes:
            break
        weights = _bisquare(series - trend - cycle)
    return _parts(series, trend, cycle)


def local_line(values: FloatArray, span: int, weights: FloatArray, beyond: int = 0) -> FloatArray:
    """Loess of degree 1 with tricube weights over the `span` nearest points, at each point and `beyond` either end.

    values, weights: shape (n,); result: (n + 2 beyond,). O(n span).

    >>> local_line(np.arange(6.0), 5, np.ones(6), beyond=1).round(6).tolist()
    [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """
    n = values.size
    near = min(span, n)
    at = np.arange(-beyond, n + beyond, dtype=np.float64)
    first = np.clip(at.astype(np.int64) - near // 2, 0, n - near)
    index = first[:, None] + np.arange(near)
    apart = index - at[:, None]
    reach = np.abs(apart).max(axis=1) + (max(span - n, 0) // 2)
    tricube = np.clip(1 - (np.abs(apart) / np.maximum(reach, 1e-12)[:, None]) ** 3, 0, 1) ** 3
    tricube[np.abs(apart) <= 0.001 * reach[:, None]] = 1.0
    tricube[np.abs(apart) > 0.999 * reach[:, None]] = 0.0
    w = tricube * weights[index]
    y = values[index]
    total = w.sum(axis=1)
    lone = total <= 1e-12
    w[lone], total[lone] = 1.0, float(near)
    middle = (w * apart).sum(axis=1) / total
    mean = (w * y).sum(axis=1) / total
    off = apart - middle[:, None]
    squares = (w * off * off).sum(axis=1)
    slope = np.where(squares > 1e-9 * total, (w * off * y).sum(axis=1) / np.maximum(squares, 1e-300), 0.0)
    fitted: FloatArray = mean - slope * middle
    return fitted


def _series(values: ArrayLike, season: int) -> FloatArray:
    series = finite(values)
    if series.ndim != 1 or season < 2:
        raise OutOfRange("needs a one-dimensional series and a season of at least two phases")
    if series.size < 2 * season:
        raise TooFew("needs at least two whole seasons")
    return series


def _extended(inside: FloatArray, half: int, near: int) -> FloatArray:
    time = np.arange(near, dtype=np.float64)
    ahead = np.arange(1, half + 1, dtype=np.float64)
    if near == 1:
        return np.pad(inside, half, mode="edge")
    left, right = np.polyfit(time, inside[:near], 1), np.polyfit(time, inside[-near:], 1)
    return np.concatenate([np.polyval(left, -ahead[::-1]), inside, np.polyval(right, near - 1 + ahead)])


def _season_of(detrended: FloatArray, season: int, span: int, weights: FloatArray) -> FloatArray:
    n = detrended.size
    cycle = np.empty(n + 2 * season)
    for phase in range(season):
        smooth = local_line(detrended[phase::season], span, weights[phase::season], beyond=1)
        cycle[phase::season] = smooth
    low = np.convolve(cycle, np.full(season, 1 / season), mode="valid")
    low = np.convolve(low, np.full(season, 1 / season), mode="valid")
    low = np.convolve(low, np.full(3, 1 / 3), mode="valid")
    result: FloatArray = cycle[season : season + n] - local_line(low, _odd(season + 1), np.ones(n))
    return result


def _odd(value: float) -> int:
    whole = int(np.ceil(value))
    return whole if whole % 2 else whole + 1


def _bisquare(rest: FloatArray) -> FloatArray:
    size = np.abs(rest)
    scale = 6 * float(np.median(size))
    if scale <= 0:
        return np.ones(rest.size)
    u = np.clip(size / scale, 0, 1)
    weights: FloatArray = np.where(u <= 0.001, 1.0, np.where(u >= 0.999, 0.0, (1 - u * u) ** 2))
    return weights


def _parts(series: FloatArray, trend: FloatArray, season: FloatArray) -> Decomposition:
    rest = series - trend - season
    return Decomposition(trend, season, rest, _strength(season, rest), _strength(trend, rest))


def _strength(part: FloatArray, rest: FloatArray) -> float:
    both = float(np.var(part + rest))
    return max(0.0, 1 - float(np.var(rest)) / both) if both > 0 else 0.0
