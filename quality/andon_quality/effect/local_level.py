"""A level that wanders, with regression on known series: fitted by its filter, for one speed of wandering."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent


@dataclass(frozen=True)
class LevelFit:
    """For one wander: coefficients, their covariance over the noise variance `scale`, and the level at the end.

    The level at the end is level - level_terms @ beta, with variance level_variance * scale.
    """

    wander: float
    beta: FloatArray
    covariance: FloatArray
    scale: float
    level: float
    level_terms: FloatArray
    level_variance: float
    log_likelihood: float

    def foretold(self, weights: FloatArray, design: FloatArray) -> tuple[float, float]:
        """Mean and standard deviation of the weighted sum of the periods to come."""
        terms = weights @ design
        gap = terms - weights.sum() * self.level_terms
        mean = float(terms @ self.beta + weights.sum() * (self.level - self.level_terms @ self.beta))
        later = weights[::-1].cumsum()[::-1]
        own = weights.sum() ** 2 * self.level_variance + self.wander * float(later @ later) + float(weights @ weights)
        return mean, math.sqrt(self.scale * (own + float(gap @ self.covariance @ gap)))


def fit_level(before: FloatArray, design: FloatArray, wander: float) -> LevelFit:
    """Generalised least squares under V = I + wander min(s, t), by the innovations of the level's filter.

    before: shape (n,); design: (n, p), the first column constant; wander: variance of a step over that of the noise.
    log_likelihood is the restricted one, up to a constant. O(n p^2). Raises Inconsistent for dependent columns.
    Source: Harvey, Forecasting, Structural Time Series Models and the Kalman Filter (1989) 3.4.

    >>> float(fit_level(np.array([1.0, 2.0, 3.0, 2.0]), np.ones((4, 1)), 0.0).beta[0])
    2.0
    """
    series = np.column_stack([design, before])
    innovations, spread, level, variance = _filter(series, wander)
    scaled = innovations / np.sqrt(spread)[:, None]
    x, y = scaled[:, :-1], scaled[:, -1]
    gram = x.T @ x
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise Inconsistent("the controls repeat each other or do not vary before the action")
    covariance: FloatArray = np.linalg.inv(gram).astype(np.float64)
    beta = covariance @ (x.T @ y)
    rest = y - x @ beta
    degrees = before.size - x.shape[1]
    scale = max(float(rest @ rest) / degrees, 1e-300)
    log_likelihood = -0.5 * (
        float(np.log(spread).sum()) + float(np.linalg.slogdet(gram)[1]) + degrees * math.log(scale)
    )
    return LevelFit(wander, beta, covariance, scale, float(level[-1]), level[:-1], variance, log_likelihood)


def _filter(series: FloatArray, wander: float) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """The Kalman filter of a level that starts at 0, run on every column; innovations, their variances, end state."""
    level, variance = np.zeros(series.shape[1]), 0.0
    innovations, spread = np.empty_like(series), np.empty(series.shape[0])
    for t, row in enumerate(series):
        variance += wander
        innovations[t], spread[t] = row - level, variance + 1
        gain = variance / (variance + 1)
        level = level + gain * innovations[t]
        variance *= 1 - gain
    return innovations, spread, level, variance
