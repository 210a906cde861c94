"""Local regression over equally spaced points, and the weights that make it robust."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray


def local_line(values: FloatArray, span: int, weights: FloatArray, beyond: int = 0) -> FloatArray:
    """Loess of degree 1 with tricube weights over the `span` nearest points, at each point and `beyond` either end.

    values: shape (..., n); weights: (n,), or one a point like the values; result: (..., n + 2 beyond). O(n span) a
    series. Source: Cleveland, Journal of the American Statistical Association 74 (1979) 829.

    >>> local_line(np.arange(6.0), 5, np.ones(6), beyond=1).round(6).tolist()
    [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """
    n = values.shape[-1]
    near = min(span, n)
    at = np.arange(-beyond, n + beyond, dtype=np.float64)
    first = np.clip(at.astype(np.int64) - near // 2, 0, n - near)
    index = first[:, None] + np.arange(near)
    apart = index - at[:, None]
    w = _tricube(np.abs(apart), max(span - n, 0) // 2) * np.take(weights, index, axis=-1)
    total = w.sum(axis=-1)
    # Where nothing near has any weight, all of it counts alike.
    w = np.where(total[..., None] <= 1e-12, 1.0, w)
    total = np.where(total <= 1e-12, float(near), total)
    y = np.take(values, index, axis=-1)
    middle = (w * apart).sum(axis=-1) / total
    off = apart - middle[..., None]
    squares = (w * off * off).sum(axis=-1)
    slope = (w * off * y).sum(axis=-1) / np.maximum(squares, 1e-300)
    fitted: FloatArray = (w * y).sum(axis=-1) / total - np.where(squares > 1e-9 * total, slope, 0.0) * middle
    return fitted


def _tricube(distance: FloatArray, farther: int) -> FloatArray:
    reach = distance.max(axis=-1, keepdims=True) + farther
    weights = np.clip(1 - (distance / np.maximum(reach, 1e-12)) ** 3, 0, 1) ** 3
    return np.where(distance <= 0.001 * reach, 1.0, np.where(distance > 0.999 * reach, 0.0, weights))


def bisquare(rest: FloatArray) -> FloatArray:
    """The weight of each point by the size of its rest, over 6 times the median size of its series. O(n) a series.

    >>> bisquare(np.array([1.0, -1.0, 1.0, 100.0])).round(2).tolist()
    [0.95, 0.95, 0.95, 0.0]
    """
    size = np.abs(rest)
    scale = 6 * np.median(size, axis=-1, keepdims=True)
    u = np.clip(np.divide(size, scale, out=np.zeros(size.shape), where=scale > 0), 0, 1)
    return np.where(u <= 0.001, 1.0, np.where(u >= 0.999, 0.0, (1 - u * u) ** 2))
