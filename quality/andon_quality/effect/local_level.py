"""A level that wanders, with regression on known series: fitted by its filter, for many speeds of wandering at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import FloatArray
from andon_quality.structure.least_squares import along, combined, products


@dataclass(frozen=True)
class LevelFit:
    """For each wander, shape (wanders,), or (series, wanders) for many: coefficients (..., p), their covariance over
    the noise variance `scale` (..., p, p), and the level at the end.

    The level at the end is level - level_terms @ beta, with variance level_variance * scale. What depends on the design
    alone has no axis for the series where they share one.
    """

    wander: FloatArray
    beta: FloatArray
    covariance: FloatArray
    scale: FloatArray
    level: FloatArray
    level_terms: FloatArray
    level_variance: FloatArray
    log_likelihood: FloatArray

    def predicted(self, weights: FloatArray, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of weighted sums of the m periods to come, each of shape (..., sums, wanders).

        weights: shape (sums, m); columns: the design of those periods, shape (p, m) or (series, p, m). The answer is in
        the unit of the values. O(sums (m p + wanders p^2)) a series.
        """
        total = weights.sum(axis=-1)[:, None]
        terms = np.stack([(weights * columns[..., j, None, :]).sum(axis=-1) for j in range(columns.shape[-2])])
        gaps = [term[..., None] - total * self.level_terms[..., None, :, j] for j, term in enumerate(terms)]
        mean = total * self.level[..., None, :]
        for j, gap in enumerate(gaps):
            mean = mean + gap * self.beta[..., None, :, j]
        later = weights[:, ::-1].cumsum(axis=-1)[:, ::-1]
        wandered = np.square(later).sum(axis=-1)[:, None] * self.wander
        spread = np.square(total) * self.level_variance + wandered + np.square(weights).sum(axis=-1)[:, None]
        for i, one in enumerate(gaps):
            for j, other in enumerate(gaps):
                spread = spread + one * other * self.covariance[..., None, :, i, j]
        return mean, np.sqrt(self.scale[..., None, :] * spread)


def fit_level(before: FloatArray, columns: FloatArray, wanders: FloatArray) -> LevelFit:
    """Generalised least squares under V = I + wander min(s, t), by the innovations of the level's filter.

    before: shape (n,), or (series, n) for many; columns: the design, shape (p, n), its first row constant, or
    (series, p, n) for a design of each; wanders: variances of a step over that of the noise, shape (wanders,).
    Assumes columns that do not depend on each other, and normal noise for the likelihood, which is the restricted one,
    up to a constant. Prefer plain least squares (`structure.regress`) for a constant level. O(n p^2) for each
    wander, and for each series unless they share the design; then O(n p).
    Source: Harvey, Forecasting, Structural Time Series Models and the Kalman Filter (1989) 3.4.

    >>> fit_level(np.array([1.0, 2.0, 3.0, 2.0]), np.ones((1, 4)), np.array([0.0])).beta.tolist()
    [[2.0]]
    """
    p, n = columns.shape[-2:]
    gains, spread, level_variance = _gains(n, wanders)
    (x, level_terms), (y, level) = (_whitened(each, gains, spread) for each in (columns, before))
    x, level_terms = np.ascontiguousarray(np.moveaxis(x, -3, -2)), np.moveaxis(level_terms, -2, -1)
    gram = products(x, x)
    covariance: FloatArray = np.linalg.inv(gram).astype(np.float64)
    beta = along(covariance, along(x, y))
    rest = y - combined(beta, x)
    df = n - p
    scale = np.maximum(np.square(rest).sum(axis=-1) / df, 1e-300)
    sizes = np.log(spread).sum(axis=-1) + np.linalg.slogdet(gram)[1]
    log_likelihood = -0.5 * (sizes + df * np.log(scale))
    return LevelFit(wanders, beta, covariance, scale, level, level_terms, level_variance, log_likelihood)


def _gains(n: int, wanders: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The filter's gains and the variances of its innovations, shape (wanders, n), and the level's variance at last."""
    variance = np.zeros(wanders.shape)
    gains, spread = np.empty((2, n, wanders.size))
    for t in range(n):
        variance = variance + wanders
        spread[t] = variance + 1
        gains[t] = variance / (variance + 1)
        variance = variance * (1 - gains[t])
    return np.ascontiguousarray(gains.T), np.ascontiguousarray(spread.T), variance


def _whitened(values: FloatArray, gains: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Innovations in their own spread of a level that starts at 0, for series of shape (..., n): (..., wanders, n);
    and where the level ends, (..., wanders)."""
    level = np.zeros((*values.shape[:-1], len(gains)))
    innovations = np.empty((values.shape[-1], *level.shape))
    for t, (points, gain) in enumerate(zip(np.moveaxis(values, -1, 0), gains.T, strict=True)):
        innovations[t] = points[..., None] - level
        level = level + gain * innovations[t]
    return np.ascontiguousarray(np.moveaxis(innovations, 0, -1)) / np.sqrt(spread), level
