"""Additive exponential smoothing as a stream: level, damped trend and season, taken from point to point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import FloatArray, PerSeries, by_series, plain
from andon_quality.effect.phases import phase_means
from andon_quality.errors import Inconsistent
from andon_quality.trend.line import straight


@dataclass(frozen=True)
class Smoother:
    """What is smoothed, and how fast: weights in [0, 1]; None leaves the part out. damping 1 is a straight trend.

    Numbers, or arrays of shape (series,) where every series has its own.
    """

    level: PerSeries
    trend: PerSeries | None = None
    season: PerSeries | None = None
    damping: PerSeries = 1.0
    period: int = 1


@dataclass(frozen=True)
class SmootherState:
    """Level, slope and the season's phases, the next phase first; and what its errors were so far.

    squares: the sum of the squared one-step errors over `points` points. Numbers, or arrays of shape (series,).
    """

    level: PerSeries
    slope: PerSeries
    phases: tuple[PerSeries, ...]
    squares: PerSeries = 0.0
    points: int = 0


def advance(smoother: Smoother, state: SmootherState, points: FloatArray) -> tuple[SmootherState, FloatArray]:
    """Takes `points`, shape (n,) or (series, n), in time order: the new state and the errors of the one-step forecasts.

    level' = forecast level + a e, slope' = damping slope + a b e, phase' = phase + c e, with e the one-step error
    (error-correction form of Holt and Winters). Any split of a stream into calls gives the same bits; the state given
    is left as it was. Assumes equally spaced points. Prefer `forecast` to begin with. O(1) a point, plus O(period) a
    call. Raises TooFew for no points at all, NotFinite, Inconsistent.
    Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008) ch. 2.

    >>> state, errors = advance(Smoother(0.5), SmootherState(10.0, 0.0, (0.0,)), np.array([12.0, 11.0]))
    >>> state.level, errors.tolist()
    (11.0, [2.0, 0.0])
    """
    values = by_series(points)
    if values.shape[:-1] != np.shape(state.level):
        raise Inconsistent(f"the state is of {np.shape(state.level)} series, the points are of {values.shape[:-1]}")
    level, slope, phases, squares = state.level, state.slope, list(state.phases), state.squares
    a, d, period = smoother.level, smoother.damping, len(state.phases)
    ab = a * (0.0 if smoother.trend is None else smoother.trend)
    c = 0.0 if smoother.season is None else smoother.season
    errors = np.empty(values.shape[::-1])
    # Python's floats for one series, arrays for many: the same operations in the same order, and so the same bits.
    for i, value in enumerate(values.tolist() if values.ndim == 1 else np.ascontiguousarray(values.T)):
        ahead, at = level + d * slope, i % period
        error = value - ahead - phases[at]
        errors[i] = error
        level, slope, phases[at] = ahead + a * error, d * slope + ab * error, phases[at] + c * error
        squares = squares + error * error
    turn = values.shape[-1] % period
    turned = (*phases[turn:], *phases[:turn])
    after = SmootherState(level, slope, turned, squares, state.points + values.shape[-1])
    return after, np.ascontiguousarray(errors.T)


def initial(values: FloatArray, trend: bool, period: int) -> SmootherState:
    """Level, slope and phases from the first two seasons (at least eight points): a line, and the mean rest by phase.

    values: shape (n,) or (series, n). O(period) a series.

    >>> round(initial(np.arange(8.0), True, 1).slope, 9)
    1.0
    """
    points = min(max(2 * period, 8), values.shape[-1]) // period * period
    whole = np.ascontiguousarray(values[..., :points])
    seasons = whole.reshape(*whole.shape[:-1], -1, period).mean(axis=-1)
    slope = straight(seasons)[1] / period if trend and seasons.shape[-1] > 1 else np.zeros(whole.shape[:-1])
    rest = whole - slope[..., None] * np.arange(points)
    level = rest.mean(axis=-1)
    phases = phase_means(rest - level[..., None], period) if period > 1 else np.zeros((*whole.shape[:-1], 1))
    by_phase = tuple(plain(phases[..., phase]) for phase in range(period))
    return SmootherState(plain(level - slope), plain(slope), by_phase, plain(np.zeros(level.shape)))
