"""Forecasts by exponential smoothing, with an interval and how often that interval was right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.student import quantile
from andon_quality.errors import OutOfRange, TooFew


@dataclass(frozen=True)
class Smoother:
    """What is smoothed, and how fast: weights in [0, 1]; None leaves the part out. damping 1 is a straight trend."""

    level: float
    trend: float | None = None
    season: float | None = None
    damping: float = 1.0
    period: int = 1


@dataclass(frozen=True)
class SmootherState:
    """Level, slope and the season's phases, the next phase first."""

    level: float
    slope: float
    phases: tuple[float, ...]


@dataclass(frozen=True)
class Forecast:
    """mean, lower, upper: shape (horizon,); smoother: as fitted; deviation: of the one-step errors."""

    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    smoother: Smoother
    state: SmootherState
    deviation: float


def step(smoother: Smoother, state: SmootherState, value: float) -> tuple[SmootherState, float]:
    """One point: the new state and the error of the forecast made for it. O(period) for the tuple of phases.

    level' = forecast level + a e, slope' = damping slope + a b e, phase' = phase + c e, with e the one-step error
    (error-correction form of Holt and Winters). Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential
    Smoothing (2008) ch. 2.

    >>> step(Smoother(0.5), SmootherState(10.0, 0.0, (0.0,)), 12.0)
    (SmootherState(level=11.0, slope=0.0, phases=(0.0,)), 2.0)
    """
    ahead = state.level + smoother.damping * state.slope
    error = value - ahead - state.phases[0]
    slope = smoother.damping * state.slope + smoother.level * (smoother.trend or 0.0) * error
    phase = state.phases[0] + (smoother.season or 0.0) * error
    return SmootherState(ahead + smoother.level * error, slope, (*state.phases[1:], phase)), error


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

    The weights minimise the summed squares of the one-step errors (unless a `smoother` is given). The forecast
    variance h ahead is s^2 (1 + sum_{j<h} c_j^2), c_j = a (1 + b (d + ... + d^j)) + g [j mod period = 0], with
    Student quantiles.

    values: shape (n,), n >= 8 and at least two seasons; equally spaced. Assumes additive parts with errors of one size;
    for counts take square roots or logarithms first. O(n) for each of some 200 tries.
    Raises TooFew, NotFinite, OutOfRange. Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential
    Smoothing (2008) ch. 6; Gardner and McKenzie, Management Science 31 (1985) 1237 for the damping.

    >>> result = forecast([10.0, 12.0] * 10, 2, trend=False, season=2)
    >>> [round(x, 6) for x in result.mean.tolist()]
    [10.0, 12.0]
    """
    series = finite(values)
    period = 1 if season is None else season
    if series.ndim != 1 or horizon < 1 or period < 1 or (season is not None and season < 2):
        raise OutOfRange("needs a one-dimensional series, a horizon and a season of at least two phases")
    if series.size < max(8, 2 * period):
        raise TooFew("needs eight points and two whole seasons")
    start = initial(series, trend, period)
    chosen = smoother if smoother is not None else _fit(series, start, trend, period)
    state, errors = run(chosen, start, series)
    return _foretell(chosen, state, errors, horizon, confidence)


def run(smoother: Smoother, state: SmootherState, values: FloatArray) -> tuple[SmootherState, FloatArray]:
    """`step` over shape (n,): the last state and the one-step errors. The same bits as stepping. O(n).

    >>> run(Smoother(0.5), SmootherState(10.0, 0.0, (0.0,)), np.array([12.0, 11.0]))[1].tolist()
    [2.0, 0.0]
    """
    level, slope, phases = state.level, state.slope, list(state.phases)
    a, d, period = smoother.level, smoother.damping, len(state.phases)
    ab, c = a * (smoother.trend or 0.0), smoother.season or 0.0
    errors = np.empty(values.size)
    for i, value in enumerate(values.tolist()):
        ahead, at = level + d * slope, i % period
        error = value - ahead - phases[at]
        errors[i] = error
        level, slope, phases[at] = ahead + a * error, d * slope + ab * error, phases[at] + c * error
    turn = values.size % period
    return SmootherState(level, slope, (*phases[turn:], *phases[:turn])), errors


def initial(values: FloatArray, trend: bool, period: int) -> SmootherState:
    """Level, slope and phases from the first two seasons (at least eight points): a line, and the mean rest by phase.

    >>> round(initial(np.arange(8.0), True, 1).slope, 9)
    1.0
    """
    head = values[: max(2 * period, 8)]
    time = np.arange(head.size, dtype=np.float64)
    whole = head[: head.size // period * period]
    means = whole.reshape(-1, period).mean(axis=1)
    centres = np.arange(means.size) * period + (period - 1) / 2
    slope = float(np.polyfit(centres, means, 1)[0]) if trend and means.size > 1 else 0.0
    level = float(np.mean(whole - slope * time[: whole.size]))
    rest = whole - level - slope * time[: whole.size]
    phases = rest.reshape(-1, period).mean(axis=0) if period > 1 else np.zeros(1)
    return SmootherState(level - slope, slope, tuple(phases.tolist()))


def coverage(
    values: ArrayLike,
    horizon: int,
    *,
    first: int,
    every: int = 1,
    trend: bool = True,
    season: int | None = None,
    confidence: float = 0.95,
) -> float:
    """The share of values that fell inside the interval foretold `horizon` periods before, from rolling origins.

    Origins first, first + every, ...; the weights are fitted once, on the first `first` points. Compare the result with
    `confidence` before believing an interval. O(n^2 / every). Raises as `forecast`, TooFew without an origin.

    >>> rng = np.random.default_rng(0)
    >>> 0.9 < coverage(rng.normal(size=300), 1, first=100, trend=False) < 1.0
    True
    """
    series = finite(values)
    origins = range(first, series.size - horizon + 1, every)
    if len(origins) == 0 or first < 8:
        raise TooFew("needs an origin with values after it")
    fitted = forecast(series[:first], 1, trend=trend, season=season, confidence=confidence).smoother
    hits = 0
    for origin in origins:
        known = forecast(series[:origin], horizon, trend=trend, season=season, confidence=confidence, smoother=fitted)
        hits += bool(known.lower[-1] <= series[origin + horizon - 1] <= known.upper[-1])
    return hits / len(origins)


def _fit(values: FloatArray, start: SmootherState, trend: bool, period: int) -> Smoother:
    from scipy.optimize import minimize

    seasonal = period > 1

    def made(free: FloatArray) -> Smoother:
        weights = 1 / (1 + np.exp(-np.clip(free, -30, 30)))
        rest = iter(weights[1:].tolist())
        b, d = (next(rest), 0.8 + 0.2 * next(rest)) if trend else (None, 1.0)
        a = float(weights[0])
        return Smoother(a, b, (1 - a) * next(rest) if seasonal else None, d, period)

    def squares(free: FloatArray) -> float:
        errors = run(made(free), start, values)[1]
        total = float(errors @ errors)
        return total if math.isfinite(total) else 1e300

    begin = [-1.0, *([-2.0, 1.0] if trend else []), *([-1.5] if seasonal else [])]
    found = minimize(squares, np.array(begin), method="Nelder-Mead", options={"maxfev": 250, "xatol": 1e-3, "fatol": 0})
    return made(np.asarray(found.x, dtype=np.float64))


def _foretell(
    smoother: Smoother, state: SmootherState, errors: FloatArray, horizon: int, confidence: float
) -> Forecast:
    ahead = np.arange(1, horizon + 1)
    damped = np.cumsum(smoother.damping ** ahead.astype(np.float64))
    phases = np.array(state.phases)[(ahead - 1) % len(state.phases)]
    mean: FloatArray = state.level + state.slope * damped + phases
    free = 1 + 2 * (smoother.trend is not None) + (smoother.season is not None)
    degrees = max(errors.size - free - len(state.phases), 1)
    deviation = math.sqrt(float(errors @ errors) / degrees)
    passed = smoother.level * (1 + (smoother.trend or 0.0) * damped)
    passed = passed + (smoother.season or 0.0) * (ahead % len(state.phases) == 0)
    spread = deviation * np.sqrt(1 + np.concatenate([[0.0], np.cumsum(passed**2)[:-1]]))
    reach = quantile(confidence, degrees) * spread
    return Forecast(mean, mean - reach, mean + reach, smoother, state, deviation)
