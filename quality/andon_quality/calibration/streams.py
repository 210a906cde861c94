"""Streams of mean 0 and variance 1 with a given autocorrelation and skewness, and its estimate from few points."""

from __future__ import annotations

from typing import Literal

import numpy as np

from andon_quality.arrays import FloatArray

Law = Literal["gamma", "lognormal"]
# Below this many points the autocorrelation that they show is common-cause variation.
POINTS_LEAST = 12
AUTOCORRELATION_MOST = 0.9
SETTLING = 60
SKEWNESS_LEAST = 1e-3


def lag1_autocorrelation(values: FloatArray) -> FloatArray:
    """The autocorrelation at lag 1 of each series, its bias taken off, within [0, 0.9]; 0 below 12 points.

    values: shape (n, ...) -> (...). The estimate falls short by (1 + 4 phi) / n on the average, which matters with 20
    points. Source: Marriott and Pope (1954), Biometrika 41, 390-402.

    >>> lag1_autocorrelation(np.array([1.0, 2.0] * 10)).item(), lag1_autocorrelation(np.repeat([1.0, 2.0], 10)).item()
    (0.0, 0.9)
    """
    away = values - values.mean(axis=0)
    spread = (away * away).sum(axis=0)
    if len(values) < POINTS_LEAST:
        return np.zeros_like(spread)
    found = (away[1:] * away[:-1]).sum(axis=0) / np.where(spread > 0.0, spread, 1.0)
    full = (found * len(values) + 1.0) / (len(values) - 4.0)
    return np.where(spread > 0.0, np.clip(full, 0.0, AUTOCORRELATION_MOST), 0.0)


def standard_streams(
    phi: float, skewness: float, law: Law, shape: tuple[int, int], rng: np.random.Generator
) -> FloatArray:
    """Streams of shape (time, streams): an AR(1) of normal points, each then bent to the law.

    >>> streams = standard_streams(0.0, 1.0, "gamma", (1000, 10), np.random.default_rng(1))
    >>> abs(float(streams.mean())) < 0.05, abs(float((streams**3).mean()) - 1.0) < 0.2
    (True, True)
    """
    if phi == 0.0:
        return bent(rng.standard_normal(shape), skewness, law)
    points = rng.standard_normal((shape[0] + SETTLING, shape[1]))
    new = np.sqrt(1.0 - phi * phi)
    for at in range(1, len(points)):
        points[at] *= new
        points[at] += phi * points[at - 1]
    return bent(points[SETTLING:], skewness, law)


def bent(normal: FloatArray, skewness: float, law: Law) -> FloatArray:
    """Standard normal points as points of mean 0, variance 1 and this skewness; below 0 the law is mirrored.

    lognormal: with three parameters. gamma: by Wilson and Hilferty's cube, good to a hundredth up to a skewness of 2.
    Source: Wilson and Hilferty (1931), Proceedings of the National Academy of Sciences 17, 684-688.

    >>> bent(np.array([3.0]), 1.0, "gamma").round(2).item(), bent(np.array([3.0]), -1.0, "gamma").round(2).item()
    (4.38, 1.79)
    """
    if abs(skewness) < SKEWNESS_LEAST:
        return normal
    side, size = np.sign(skewness), abs(skewness)
    z = side * normal
    if law == "gamma":
        root = np.maximum(1.0 + size * z / 6.0 - size * size / 36.0, 0.0)
        return np.asarray(side * (2.0 / size) * (root * root * root - 1.0))
    ratio = _variance_ratio(size)
    spread = np.sqrt(np.log(ratio))
    return np.asarray(side * (np.exp(spread * z) - np.sqrt(ratio)) / np.sqrt(ratio * (ratio - 1.0)))


def _variance_ratio(skewness: float) -> float:
    """exp(s^2) of a lognormal law with this skewness: the root w of (w + 2) sqrt(w - 1) = skewness, by Cardano."""
    half = 0.5 * skewness * skewness
    root = np.cbrt(1.0 + half + np.sqrt(half * (2.0 + half)))
    return float(root + 1.0 / root - 1.0)
