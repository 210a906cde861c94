"""How much a mean of dependent points is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import FloatArray, PerSeries, beyond_rounding, plain
from andon_quality.inference.means import satterthwaite


@dataclass(frozen=True)
class MeanOfDependent:
    """A mean with its variance and the number of independent points it is worth; arrays of (series,) for many."""

    mean: PerSeries
    variance: PerSeries
    independent_points: PerSeries


def lag1(segments: Sequence[FloatArray]) -> PerSeries:
    """The lag-1 autocorrelation pooled over `segments` (each about its own mean), corrected for its bias.

    r = sum of lagged products / sum of squares; each segment of length n pulls r down by about (1 + 3 phi) / n, and
    that is solved for phi. Clipped to [0, 0.95]: a negative value would only narrow intervals. 0 without spread.
    segments: shape (n,) each, or (series, n) each for many series. O(values).
    Source: Marriott and Pope, Biometrika 41 (1954) 390.

    >>> round(lag1([np.array([0.0, 1.0, 0.0, 1.0])]), 3)
    0.0
    """
    centred = [segment - segment.mean(axis=-1, keepdims=True) for segment in segments]
    points = sum(c.shape[-1] for c in centred)
    squares = np.asarray(sum((c * c).sum(axis=-1) for c in centred))
    squares = np.square(beyond_rounding(np.sqrt(squares / points), *segments)) * points
    if points < 8:
        return plain(np.zeros(squares.shape))
    products = np.asarray(sum((c[..., 1:] * c[..., :-1]).sum(axis=-1) for c in centred))
    raw = np.divide(products, squares, out=np.zeros(squares.shape), where=squares > 0)
    per_point = len(centred) / points
    corrected = (raw * points / (points - len(centred)) + per_point) / (1 - 3 * per_point)
    return plain(np.where(squares > 0, np.clip(corrected, 0.0, 0.95), 0.0))


def variance_inflation(phi: PerSeries, points: PerSeries) -> PerSeries:
    """n Var(mean) / sigma^2 of `points` values of an AR(1) series: 1 + 2 sum over k of (1 - k/n) phi^k. O(1) each.

    >>> variance_inflation(0.0, 10), round(variance_inflation(0.5, 2), 3)
    (1.0, 1.5)
    """
    geometric = phi / (1 - phi)
    return plain(1 + 2 * geometric - 2 * geometric * (1 - np.power(phi, points)) / (points * (1 - phi)))


def mean_of_dependent(values: FloatArray, phi: PerSeries, lost: float = 0.0) -> MeanOfDependent:
    """The mean of AR(1) points with its variance, the spread corrected for what the fitted mean takes away.

    values: shape (n,), or (series, n) with one phi a series. `lost` is the number of further fitted parameters that
    the values paid for. O(values).

    >>> mean_of_dependent(np.array([1.0, 3.0]), 0.0).variance
    1.0
    """
    n = values.shape[-1]
    independent = np.maximum(n / np.asarray(variance_inflation(phi, n)), 1.0 + 1e-9)
    squares = np.square(beyond_rounding(values.std(axis=-1), values)) * n / max(n - lost, 1.0)
    worth = np.maximum(independent * (1 - lost / n), 1.0 + 1e-9)
    marginal = squares / np.maximum(1 - 1 / worth, 1e-3)
    return MeanOfDependent(plain(values.mean(axis=-1)), plain(marginal / worth), plain(worth))


def welch_df(first: MeanOfDependent, second: MeanOfDependent) -> PerSeries:
    """Welch-Satterthwaite degrees of freedom with independent points in place of points; infinite without variance.

    >>> welch_df(MeanOfDependent(0, 1.0, 11), MeanOfDependent(0, 1.0, 11))
    20.0
    """
    known = np.asarray(first.variance + second.variance) > 0
    # Of shares, since squares of tiny variances would vanish.
    total = np.where(known, first.variance + second.variance, 1.0)
    freedoms = [np.maximum(each.independent_points - 1, 0.5) for each in (first, second)]
    with np.errstate(divide="ignore", invalid="ignore"):
        df = satterthwaite(first.variance / total, second.variance / total, *freedoms)
    return plain(np.where(known, np.maximum(df, 1.0), np.inf))
