"""Forecasts by exponential smoothing, with an interval and how often that interval was right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from andon_quality import plot
from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, IntArray, PerSeries, by_series, plain
from andon_quality.effect.student import quantile
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.result import Result
from andon_quality.trend.exponential import Smoother, SmootherState, advance, initial
from andon_quality.trend.simplex import minimise

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Forecast(Result):
    """mean, lower, upper: shape (horizon,), or (series, horizon); smoother and state: as fitted, to go on from with
    `advance`; deviation: of the one-step errors."""

    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    smoother: Smoother
    state: SmootherState
    deviation: PerSeries

    def plot(self, axes: Axes | None = None) -> Axes:
        """The forecast with its interval, of one series. Raises Inconsistent, MissingExtra."""
        return plot.band(axes, self.mean, self.lower, self.upper)


@checked
def forecast(
    values: ArrayLike,
    horizon: int,
    *,
    trend: bool = True,
    season: int | None = None,
    confidence: float = 0.95,
    smoother: Smoother | None = None,
) -> Forecast:
    """The next `horizon` values by additive exponential smoothing (level, damped trend, season).

    The weights minimise the summed squares of the one-step errors (unless a `smoother` is given); for the rest see
    `forecast_on`. As points come in, `advance` and `forecast_on` carry on from the `smoother` and `state` of the
    result.

    values: shape (n,), n >= 8 and at least two seasons, equally spaced; or (series, n) for many series, each with
    weights of its own. Assumes additive parts with errors of one size; for counts take square roots or logarithms
    first. Prefer `seasonal_trend` to look back. O(n) for each of up to 250 tries, a series; O(n) with a smoother given.
    Raises TooFew, NotFinite, OutOfRange, Inconsistent.
    Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008) ch. 6; Gardner and
    McKenzie, Management Science 31 (1985) 1237 for the damping.

    >>> result = forecast([10.0, 12.0] * 10, 2, trend=False, season=2)
    >>> [round(x, 6) for x in result.mean.tolist()]
    [10.0, 12.0]
    """
    series = by_series(values)
    period = 1 if season is None else season
    if horizon < 1 or period < 1 or (season is not None and season < 2):
        raise OutOfRange("needs a horizon, and a season of at least two phases")
    if series.shape[-1] < max(8, 2 * period):
        raise TooFew("needs eight points and two whole seasons")
    start = initial(series, trend, period)
    chosen = smoother if smoother is not None else _fit(series, start, trend, period)
    return forecast_on(chosen, advance(chosen, start, series)[0], horizon, confidence)


@checked
def forecast_on(smoother: Smoother, state: SmootherState, horizon: int, confidence: float = 0.95) -> Forecast:
    """What a smoother in some state expects of the next `horizon` points.

    The variance h ahead is s^2 (1 + sum_{j<h} c_j^2), c_j = a (1 + b (d + ... + d^j)) + g [j mod period = 0], with s^2
    the squares of the errors over their degrees of freedom, and Student quantiles. smoother, state: of one series, or
    of many, then the answer is of shape (series, horizon), in the unit of the values. Assumes that the weights go on to
    suit, with errors of one size. O(horizon) a series. Prefer `forecast` to start from values.
    Raises OutOfRange. Source: Hyndman, Koehler, Ord and Snyder (2008) ch. 6.

    >>> known = SmootherState(10.0, 0.0, (0.0,), squares=8.0, points=10)
    >>> forecast_on(Smoother(0.5), known, 2).mean.tolist(), forecast_on(Smoother(0.5), known, 2).deviation
    ([10.0, 10.0], 1.0)
    """
    ahead = np.arange(1, horizon + 1)
    by_phase = np.stack(state.phases, axis=-1)
    period = by_phase.shape[-1]
    level, slope, share, damping, trend, season = (
        np.asarray(0.0 if part is None else part)[..., None]
        for part in (state.level, state.slope, smoother.level, smoother.damping, smoother.trend, smoother.season)
    )
    damped = np.cumsum(np.power(damping, ahead.astype(np.float64)), axis=-1)
    mean = level + slope * damped + by_phase[..., (ahead - 1) % period]
    free = 1 + 2 * (smoother.trend is not None) + (smoother.season is not None)
    df = max(state.points - free - period, 1)
    deviation = np.sqrt(np.asarray(state.squares) / df)
    passed = share * (1 + trend * damped) + season * (ahead % period == 0)
    grown = 1 + np.cumsum(passed * passed, axis=-1) - passed * passed
    reach = quantile(confidence, df) * deviation[..., None] * np.sqrt(grown)
    return Forecast(mean, mean - reach, mean + reach, smoother, state, plain(deviation))


@checked
def coverage(
    values: ArrayLike,
    horizon: int,
    *,
    first: int,
    every: int = 1,
    trend: bool = True,
    season: int | None = None,
    confidence: float = 0.95,
) -> PerSeries:
    """The share of values that fell inside the interval predicted `horizon` periods before, from rolling origins.

    Origins first, first + every, ...; the weights are fitted once, on the first `first` points. Compare the result with
    `confidence` before believing an interval. values: shape (n,) or (series, n). Assumes one regime throughout. O(n +
    origins horizon) a series, and the fit. Prefer several horizons to one. Raises as `forecast`, TooFew without an
    origin.
    Source: Tashman, International Journal of Forecasting 16 (2000) 437, on rolling origins.

    >>> rng = np.random.default_rng(0)
    >>> 0.9 < coverage(rng.normal(size=300), 1, first=100, trend=False) < 1.0
    True
    """
    series = by_series(values)
    origins = range(first, series.shape[-1] - horizon + 1, every)
    if len(origins) == 0 or first < 8:
        raise TooFew("needs an origin with values after it")
    known = forecast(series[..., :first], horizon, trend=trend, season=season, confidence=confidence)
    hits = np.zeros(series.shape[:-1])
    for origin in origins:
        if origin > first:
            state, _ = advance(known.smoother, known.state, series[..., origin - every : origin])
            known = forecast_on(known.smoother, state, horizon, confidence)
        value = series[..., origin + horizon - 1]
        hits += (known.lower[..., -1] <= value) & (value <= known.upper[..., -1])
    return plain(hits / len(origins))


def _fit(values: FloatArray, start: SmootherState, trend: bool, period: int) -> Smoother:
    flat = values.reshape(-1, values.shape[-1])
    begin = [-1.0, *([-2.0, 1.0] if trend else []), *([-1.5] if period > 1 else [])]

    def squares(free: FloatArray, which: IntArray) -> FloatArray:
        # A single series goes through as one, which is faster and the same to the bit.
        at = which if which.size > 1 else which[0]
        points = free if which.size > 1 else free[0]
        with np.errstate(over="ignore", invalid="ignore"):
            after, _ = advance(_smoother(points, trend, period), _of(start, values.ndim, at), flat[at])
        total = np.atleast_1d(np.asarray(after.squares))
        return np.where(np.isfinite(total), total, 1e300)

    found = minimise(squares, np.array(begin), len(flat))
    return _smoother(found.reshape(*values.shape[:-1], -1), trend, period)


def _smoother(free: FloatArray, trend: bool, period: int) -> Smoother:
    """The weights behind unbounded numbers, shape (..., parts)."""
    from scipy.special import expit

    weights = expit(free)
    level = weights[..., 0]
    season = plain((1 - level) * weights[..., -1]) if period > 1 else None
    if not trend:
        return Smoother(plain(level), None, season, 1.0, period)
    return Smoother(plain(level), plain(weights[..., 1]), season, plain(0.8 + 0.2 * weights[..., 2]), period)


def _of(state: SmootherState, axes: int, at: IntArray) -> SmootherState:
    """The state of some of the series."""
    if axes == 1:
        return state
    phases = tuple(plain(phase[at]) for phase in state.phases)
    return SmootherState(plain(state.level[at]), plain(state.slope[at]), phases, plain(state.squares[at]))
