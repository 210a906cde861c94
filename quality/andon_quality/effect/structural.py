"""What would have been without the action: a structural time series learnt before it and carried on past it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.effect.local_level import LevelFit, fit_level
from andon_quality.effect.student import quantile
from andon_quality.effect.verdict import Check, Direction, Effect, decide, margin_from
from andon_quality.errors import Inconsistent, OutOfRange, TooFew

# Wander of the level per period over the noise, as variances; the posterior is summed over these.
WANDER = tuple(10.0 ** (k / 4) for k in range(-24, 5))
# How many periods' worth of belief stands behind `steadiness`.
PRIOR_PERIODS = 4


@dataclass(frozen=True)
class Counterfactual:
    """The course without the action, and the effect on the mean over all periods under it.

    expected, lower, upper: shape (m,), per period; effect: on the mean; total: effect times the number of periods.
    wander: the posterior mean of the level's share, var(step) / var(noise).
    """

    expected: FloatArray
    lower: FloatArray
    upper: FloatArray
    effect: Effect
    total: float
    wander: float


def structural(
    values: ArrayLike,
    start: int,
    controls: ArrayLike | None = None,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
    season: int | None = None,
    steadiness: float | None = 0.01,
) -> Counterfactual:
    """Actual minus what a local level with regression, learnt on the periods before `start`, foretells.

    y_t = mu_t + x_t beta (+ a fixed effect per phase of the season) + e_t, mu_t a random walk with steps of variance
    w s^2, e_t noise of variance s^2. beta, mu_0 and s have flat priors and are integrated exactly (a Student posterior
    by generalised least squares on the filter's innovations); w is summed over the grid `WANDER` with its restricted
    likelihood as weight, so the interval holds the doubt about how much the level wanders, which a maximum would drop.
    steadiness: the step one believes in beforehand, as a share of the standard deviation of the values, worth 4
    periods (inverse gamma); None for no belief: the interval is then much wider, and right if the level does wander.

    values: shape (n,); controls: (n,) or (n, p), series that the action does not reach; start: index of the first
    period under the action, with at least p + season + 4 periods before it. p_value is two-sided.
    Assumes that the relation to the controls goes on as it was. O(n p^2) for each of 29 wanders. Prefer
    `difference_in_differences` for one control that moves in parallel. Raises TooFew, NotFinite, OutOfRange,
    Inconsistent. Source: Brodersen et al., Annals of Applied Statistics 9 (2015) 247; Harvey, Forecasting, Structural
    Time Series Models and the Kalman Filter (1989) 3.4; without spike and slab, and on a grid in place of sampling.

    >>> x = np.sin(np.arange(60.0))
    >>> noise = np.cos(np.arange(60.0) ** 2) / 10
    >>> result = structural(10 + 2 * x + noise - 3.0 * (np.arange(60) >= 40), 40, x)
    >>> round(result.effect.estimate, 1), result.effect.verdict.value
    (-3.0, 'improved')
    """
    y, design = _inputs(values, controls, start, season)
    before, after = y[:start], y[start:]
    fits = [fit_level(before, design[:start], wander) for wander in WANDER]
    step = None if steadiness is None else steadiness * float(before.std())
    weights = _weights(np.array([fit.log_likelihood + _belief(fit.wander * fit.scale, step) for fit in fits]))
    posterior = _Posterior(fits, weights, start - design.shape[1], confidence)
    path = np.array([posterior.about(_at(h, after.size), design[start:]) for h in range(after.size)])
    seen = float(after.mean())
    foretold = posterior.foretold(np.full(after.size, 1 / after.size), design[start:], seen)
    wander = float(posterior.weights @ np.array(WANDER))
    checks = (
        Check("level holds still", wander < 0.1, wander, "wander of the level per period over the noise, as variances"),
        Check("long enough", posterior.degrees >= 20, float(posterior.degrees), "periods before less fitted terms"),
    )
    effect = _effect(seen, foretold, direction, margin_from(expected, margin), confidence, checks)
    return Counterfactual(path[:, 0], path[:, 1], path[:, 2], effect, effect.estimate * after.size, wander)


def _inputs(
    values: ArrayLike, controls: ArrayLike | None, start: int, season: int | None
) -> tuple[FloatArray, FloatArray]:
    y = finite(values)
    if y.ndim != 1 or not 0 < start < y.size:
        raise OutOfRange("needs one series, with the start inside it")
    columns = [np.ones((y.size, 1))]
    if controls is not None:
        known = finite(controls)
        known = known[:, None] if known.ndim == 1 else known
        if known.shape[0] != y.size:
            raise Inconsistent("controls need a row for each period")
        columns.append(known - known[:start].mean(axis=0))
    if season is not None:
        if season < 2:
            raise OutOfRange("a season has at least two phases")
        columns.append(np.eye(season)[np.arange(y.size) % season][:, 1:])
    design: FloatArray = np.column_stack(columns)
    if start < design.shape[1] + 4:
        raise TooFew("needs more periods before the action than terms, by four")
    return y, design


def _belief(variance: float, step: float | None) -> float:
    """Log density of the variance of a step, per unit of its logarithm, up to a constant."""
    if step is None:
        return 0.0
    return -PRIOR_PERIODS / 2 * (math.log(variance) + step * step / variance)


def _weights(log_weights: FloatArray) -> FloatArray:
    relative = np.exp(log_weights - log_weights.max())
    weights: FloatArray = relative / relative.sum()
    return weights


def _at(period: int, periods: int) -> FloatArray:
    weights = np.zeros(periods)
    weights[period] = 1.0
    return weights


@dataclass(frozen=True)
class _Posterior:
    fits: list[LevelFit]
    weights: FloatArray
    degrees: int
    confidence: float

    def foretold(self, periods: FloatArray, design: FloatArray, seen: float) -> tuple[float, float, float, float]:
        """Mean, interval and two-sided tail at `seen` of a weighted sum of the periods to come."""
        sums = np.array([fit.foretold(periods, design) for fit in self.fits]).T
        return _mixture(sums[0], sums[1], self.weights, self.degrees, self.confidence, seen)

    def about(self, periods: FloatArray, design: FloatArray) -> tuple[float, float, float]:
        """Mean and interval of the same, from the first two moments of the mixture."""
        means, spreads = np.array([fit.foretold(periods, design) for fit in self.fits]).T
        middle = float(self.weights @ means)
        spread = math.sqrt(float(self.weights @ (spreads**2 + (means - middle) ** 2)))
        reach = quantile(self.confidence, self.degrees) * spread
        return middle, middle - reach, middle + reach


def _mixture(
    means: FloatArray, spreads: FloatArray, weights: FloatArray, degrees: int, confidence: float, seen: float
) -> tuple[float, float, float, float]:
    from scipy.special import stdtr

    middle = float(weights @ means)

    def below(point: float) -> float:
        return float(weights @ stdtr(degrees, (point - means) / spreads))

    far = quantile(1 - (1 - confidence) / 50, degrees) * float(spreads.max())
    low, high = float(means.min()) - far, float(means.max()) + far
    tail = below(seen)
    ends = [_solve(below, share, low, high) for share in ((1 - confidence) / 2, (1 + confidence) / 2)]
    return middle, ends[0], ends[1], 2 * min(tail, 1 - tail)


def _solve(below: Callable[[float], float], share: float, low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < share else (low, middle)
    return (low + high) / 2


def _effect(
    seen: float,
    foretold: tuple[float, float, float, float],
    direction: Direction,
    margin: float | None,
    confidence: float,
    checks: tuple[Check, ...],
) -> Effect:
    middle, lower, upper, p_value = foretold
    ends = (seen - upper, seen - lower)
    relative: tuple[float | None, float | None, float | None] = (None, None, None)
    if lower > 0 and seen > 0:
        relative = (seen / middle - 1, seen / upper - 1, seen / lower - 1)
    return Effect(
        seen - middle,
        *ends,
        *relative,
        p_value,
        decide(*ends, direction, margin),
        checks,
        "structural time series: local level with regression, wander integrated",
        confidence,
        margin,
    )
