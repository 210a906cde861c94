"""A series as trend, season and rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality import plot
from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, blocks, by_series, plain
from andon_quality.effect.phases import over_phases, phase_means
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.result import Result
from andon_quality.trend.line import straight
from andon_quality.trend.loess import bisquare, local_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INNER_PASSES = 5


@dataclass(frozen=True)
class Decomposition(Result):
    """values = trend + season + rest, each of the shape of the values. `seasonality`, `trendiness`: strengths, 0 to 1.

    strength of x = max(0, 1 - Var(rest) / Var(x + rest)); a number, or shape (series,) for many series.
    """

    trend: FloatArray
    season: FloatArray
    rest: FloatArray
    seasonality: PerSeries
    trendiness: PerSeries

    def plot(self) -> tuple[Axes, ...]:
        """Trend, season and rest of one series, one above the other. Raises Inconsistent, MissingExtra."""
        plot.one_series(self.trend)
        panels = tuple(plot.panels(3))
        for axes, name in zip(panels, ("trend", "season", "rest"), strict=True):
            axes.plot(getattr(self, name), color=plot.VALUE, linewidth=1)
            axes.set_ylabel(name)
        return panels


@checked
def moving_average(values: ArrayLike, season: int) -> Decomposition:
    """The classical decomposition: a centred moving average over one season, and the mean of what is left by phase.

    An even season weights both ends by half. The first and last season // 2 points of the trend carry on its line
    through the nearest season. The season adds up to 0. values: shape (n,), n >= 2 season, or (series, n) for many at
    once; O(n season) a series. Assumes one unchanging season; prefer `seasonal_trend` where it changes or points are
    wild. Raises TooFew, NotFinite, OutOfRange, Inconsistent. Source: Macaulay, The Smoothing of Time Series (1931).

    >>> parts = moving_average([1.0, 3.0, 2.0, 4.0, 3.0, 5.0], 2)
    >>> parts.season[:2].tolist(), [round(x, 6) for x in parts.trend[1:5].tolist()]
    ([-0.75, 0.75], [2.25, 2.75, 3.25, 3.75])
    """
    series = _series(values, season)
    n, half = series.shape[-1], season // 2
    ends = [0.5] if season % 2 == 0 else []
    inside = _moving(series, np.array([*ends, *[1.0] * (season - len(ends)), *ends]) / season)
    trend = _extended(inside, half, min(season, inside.shape[-1]))
    by_phase = phase_means((series - trend)[..., half : n - half], season)
    return _parts(series, trend, over_phases(np.roll(by_phase, half, axis=-1), n))


@checked
def seasonal_trend(
    values: ArrayLike, season: int, *, seasonal_span: int = 7, robust: bool = True, outer_passes: int = 6
) -> Decomposition:
    """STL: trend and season by local regression, the season free to change, wild points weighted down.

    Inner loop: each phase's series is smoothed by a local line over `seasonal_span` points, its own low-pass (two
    moving averages of a season, one of 3, a local line) taken out; the rest is smoothed to the trend over the next odd
    integer to 1.5 season / (1 - 1.5 / seasonal_span) points. Outer passes weight by the bisquare of
    |rest| / (6 median |rest|).

    values: shape (n,), n >= 2 season, or (series, n) for many at once; seasonal_span odd, >= 3 (7 changes quickly;
    larger is stiffer). Assumes additive parts: take logarithms first if the season grows with the level. Prefer
    `moving_average` where nothing is wild and the season stays. O(n span) a pass and series.
    Raises TooFew, NotFinite, OutOfRange, Inconsistent.
    Source: Cleveland, Cleveland, McRae and Terpenning, Journal of Official Statistics 6 (1990) 3.

    >>> t = np.arange(48.0)
    >>> parts = seasonal_trend(t / 10 + np.resize([1.0, 0.0, -1.0, 0.0], 48), 4)
    >>> round(parts.seasonality, 3), round(parts.trendiness, 3)
    (1.0, 1.0)
    """
    series = _series(values, season)
    if seasonal_span < 3 or seasonal_span % 2 == 0 or outer_passes < 0:
        raise OutOfRange("the seasonal span is odd and at least 3")
    n, span = series.shape[-1], _odd(1.5 * season / (1 - 1.5 / seasonal_span))
    flat, outer = series.reshape(-1, n), outer_passes if robust else 0
    found = [_loops(flat[part], season, seasonal_span, span, outer) for part in blocks(len(flat), n * min(span, n))]
    trend, cycle = (np.concatenate(parts).reshape(series.shape) for parts in zip(*found, strict=True))
    return _parts(series, trend, cycle)


def _loops(
    series: FloatArray, season: int, seasonal_span: int, span: int, outer_passes: int
) -> tuple[FloatArray, FloatArray]:
    weights, trend = np.ones(series.shape[-1]), np.zeros(series.shape)
    for outer in range(outer_passes + 1):
        for _ in range(INNER_PASSES if outer == 0 else 1):
            cycle = _season_of(series - trend, season, seasonal_span, weights)
            trend = local_line(series - cycle, span, weights)
        if outer < outer_passes:
            weights = bisquare(series - trend - cycle)
    return trend, cycle


def _series(values: ArrayLike, season: int) -> FloatArray:
    series = by_series(values)
    if season < 2:
        raise OutOfRange("needs a season of at least two phases")
    if series.shape[-1] < 2 * season:
        raise TooFew("needs at least two whole seasons")
    return series


def _moving(values: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted sums over as many neighbours as there are weights, shape (..., n) to (..., n - weights + 1)."""
    kept = values.shape[-1] - weights.size + 1
    total = np.zeros((*values.shape[:-1], kept))
    for place, weight in enumerate(weights.tolist()):
        total += weight * values[..., place : place + kept]
    return total


def _extended(inside: FloatArray, half: int, near: int) -> FloatArray:
    """`inside` carried on by `half` points at either end, along the line through its `near` points there."""
    ahead = np.arange(1, half + 1, dtype=np.float64)
    if near == 1:
        return np.concatenate([inside[..., :1] + 0 * ahead, inside, inside[..., -1:] + 0 * ahead], axis=-1)
    (left, fall), (right, rise) = straight(inside[..., :near]), straight(inside[..., -near:])
    before = left[..., None] - fall[..., None] * ahead[::-1]
    return np.concatenate([before, inside, right[..., None] + rise[..., None] * (near - 1 + ahead)], axis=-1)


def _season_of(detrended: FloatArray, season: int, span: int, weights: FloatArray) -> FloatArray:
    n = detrended.shape[-1]
    cycle = np.empty((*detrended.shape[:-1], n + 2 * season))
    # Phases of equal length are smoothed together: first those with one point more, then the others.
    for first, last, points in ((0, n % season, n // season + 1), (n % season, season, n // season)):
        places = np.arange(first, last)[:, None] + season * np.arange(points)
        if places.size:
            smooth = local_line(np.take(detrended, places, axis=-1), span, np.take(weights, places, axis=-1), beyond=1)
            cycle[..., np.arange(first, last)[:, None] + season * np.arange(points + 2)] = smooth
    even = np.full(season, 1 / season)
    low = _moving(_moving(_moving(cycle, even), even), np.full(3, 1 / 3))
    result: FloatArray = cycle[..., season : season + n] - local_line(low, _odd(season + 1), np.ones(n))
    return result


def _odd(value: float) -> int:
    whole = int(np.ceil(value))
    return whole if whole % 2 else whole + 1


def _parts(series: FloatArray, trend: FloatArray, season: FloatArray) -> Decomposition:
    rest = series - trend - season
    return Decomposition(trend, season, rest, _strength(season, rest), _strength(trend, rest))


def _strength(part: FloatArray, rest: FloatArray) -> PerSeries:
    both, left = (part + rest).var(axis=-1), rest.var(axis=-1)
    return plain(np.maximum(1 - np.divide(left, both, out=np.ones(both.shape), where=both > 0), 0.0))
