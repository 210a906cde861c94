"""How much a mean of dependent points is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import FloatArray


@dataclass(frozen=True)
class MeanOfDependent:
    """A mean with its variance and the number of independent points it is worth."""

    mean: float
    variance: float
    independent_points: float


def lag1(segments: list[FloatArray]) -> float:
    """The lag-1 autocorrelation pooled over `segments` (each about its own mean), corrected for its bias.

    r = sum of lagged products / sum of squares; each segment of length n pulls r down by about (1 + 3 phi) / n, and
    that is solved for phi. Clipped to [0, 0.95]: a negative value would only narrow intervals. 0 without spread.
    O(n). Source: Marriott and Pope, Biometrika 41 (1954) 390.

    >>> round(lag1([np.array([0.0, 1.0, 0.0, 1.0])]), 3)
    0.0
    """
    centred = [segment - segment.mean() for segment in segments]
    squares = sum(float(c @ c) for c in centred)
    points = sum(c.size for c in centred)
    if squares <= 0 or points < 8:
        return 0.0
    raw = sum(float(c[1:] @ c[:-1]) for c in centred) / squares * points / (points - len(centred))
    per_point = len(centred) / points
    corrected = (raw + per_point) / (1 - 3 * per_point)
    return float(min(max(corrected, 0.0), 0.95))


def variance_inflation(phi: float, points: int) -> float:
    """n Var(mean) / sigma^2 of `points` values of an AR(1) series: 1 + 2 sum over k of (1 - k/n) phi^k. O(1).

    >>> variance_inflation(0.0, 10), round(variance_inflation(0.5, 2), 3)
    (1.0, 1.5)
    """
    if phi == 0.0:
        return 1.0
    geometric = phi / (1 - phi)
    return 1 + 2 * geometric - 2 * geometric * (1 - phi**points) / (points * (1 - phi))


def mean_of_dependent(values: FloatArray, phi: float, lost: float = 0.0) -> MeanOfDependent:
    """The mean of AR(1) points with its variance, the spread corrected for what the fitted mean takes away.

    `lost` is the number of further fitted parameters that the values paid for. O(n).

    >>> mean_of_dependent(np.array([1.0, 3.0]), 0.0).variance
    1.0
    """
    independent = max(values.size / variance_inflation(phi, values.size), 1.0 + 1e-9)
    squares = float(np.var(values)) * values.size / max(values.size - lost, 1.0)
    worth = max(independent * (1 - lost / values.size), 1.0 + 1e-9)
    marginal = squares / max(1 - 1 / worth, 1e-3)
    return MeanOfDependent(float(values.mean()), marginal / worth, worth)


def welch_degrees(first: MeanOfDependent, second: MeanOfDependent) -> float:
    """Welch-Satterthwaite degrees of freedom with independent points in place of points. O(1).

    >>> round(welch_degrees(MeanOfDependent(0, 1.0, 11), MeanOfDependent(0, 1.0, 11)), 6)
    20.0
    """
    total = first.variance + second.variance
    if total == 0:
        return math.inf
    parts = sum((m.variance / total) ** 2 / max(m.independent_points - 1, 0.5) for m in (first, second))
    return max(1 / parts, 1.0)
