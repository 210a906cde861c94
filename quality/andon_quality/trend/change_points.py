"""Where a series changes its character: the exact search (PELT) and the greedy one (binary segmentation)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, IntArray, finite
from andon_quality.errors import NoSpread, OutOfRange
from andon_quality.trend.segment_cost import SegmentCost, SegmentModel, cost_of, standardised


def pelt(
    values: ArrayLike,
    model: SegmentModel = SegmentModel.AUTOREGRESSIVE_TREND,
    *,
    penalty: float | None = None,
    shortest: int = 8,
) -> tuple[int, ...]:
    """The change points that minimise the summed cost of the stretches plus `penalty` for each change.

    Optimal partitioning with pruning: F(t) = min over s of F(s) + C(s, t) + penalty, candidates s with
    F(s) + C(s, t) > F(t) dropped. A change point is the 0-based index of the first point of the new stretch.
    penalty: in units of twice the log-likelihood; None means (parameters of a stretch + 1) log n (Schwarz).

    values: shape (n,), in time order. The costs assume equally spaced points with noise of one size (MEAN, TREND and
    AUTOREGRESSIVE_TREND) or a size of its own in each stretch (MEAN_AND_VARIANCE). The default allows drifting and
    dependent data; MEAN is sharper when the points are independent about a level. Prefer `binary_segmentation` from
    some 10,000 points on. Cost O(n) to O(n^2), by how much can be pruned. Constant or too short series have no change
    points. Raises NotFinite, OutOfRange.
    Source: Killick, Fearnhead and Eckley, Journal of the American Statistical Association 107 (2012) 1590.

    >>> pelt([0.0, 0.1, -0.1, 0.05] * 5 + [3.0, 3.1, 2.9, 3.05] * 5, SegmentModel.MEAN)
    (20,)
    """
    return _search(values, model, penalty, shortest, _exact)


def binary_segmentation(
    values: ArrayLike,
    model: SegmentModel = SegmentModel.AUTOREGRESSIVE_TREND,
    *,
    penalty: float | None = None,
    shortest: int = 8,
) -> tuple[int, ...]:
    """The change points found by splitting the costliest stretch again and again while a split saves over `penalty`.

    Arguments, units, assumptions and errors as for `pelt`. O(n log n) cost evaluations, but greedy: a pair of changes
    that cancel each other may be missed; prefer `pelt` below some 10,000 points.
    Source: Scott and Knott, Biometrics 30 (1974) 507.

    >>> binary_segmentation([0.0, 0.1, -0.1, 0.05] * 5 + [3.0, 3.1, 2.9, 3.05] * 5, SegmentModel.MEAN)
    (20,)
    """
    return _search(values, model, penalty, shortest, _greedy)


_Method = Callable[[SegmentCost, int, float, int], list[int]]


def _search(
    values: ArrayLike, model: SegmentModel, penalty: float | None, shortest: int, method: _Method
) -> tuple[int, ...]:
    series = finite(values, 1)
    if series.ndim != 1 or shortest < 1 or (penalty is not None and penalty <= 0):
        raise OutOfRange("needs a one-dimensional series, a positive penalty and shortest >= 1")
    if series.size < 6:
        return ()
    try:
        cost, lags = cost_of(standardised(series), model)
    except NoSpread:
        return ()
    n = series.size - lags
    price = (cost.free + 1) * math.log(n) if penalty is None else penalty
    return tuple(point + lags for point in method(cost, n, price, max(shortest, cost.shortest)))


def _exact(cost: SegmentCost, n: int, penalty: float, shortest: int) -> list[int]:
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    previous = np.zeros(n + 1, dtype=np.int64)
    starts: IntArray = np.zeros(1, dtype=np.int64)
    for end in range(shortest, n + 1):
        if end >= 2 * shortest:
            starts = np.append(starts, end - shortest)
        reached: FloatArray = best[starts] + cost(starts, end)
        chosen = int(np.argmin(reached))
        best[end] = reached[chosen] + penalty
        previous[end] = starts[chosen]
        starts = starts[reached <= best[end]]
    return _walk_back(previous, n)


def _walk_back(previous: IntArray, n: int) -> list[int]:
    points: list[int] = []
    at = int(previous[n])
    while at > 0:
        points.append(at)
        at = int(previous[at])
    return points[::-1]


def _greedy(cost: SegmentCost, n: int, penalty: float, shortest: int) -> list[int]:
    points: list[int] = []
    open_stretches = [(0, n)]
    while open_stretches:
        start, end = open_stretches.pop()
        split, saved = _best_split(cost, start, end, shortest)
        if saved > penalty:
            points.append(split)
            open_stretches += [(start, split), (split, end)]
    return sorted(points)


def _best_split(cost: SegmentCost, start: int, end: int, shortest: int) -> tuple[int, float]:
    splits = np.arange(start + shortest, end - shortest + 1)
    if splits.size == 0:
        return start, 0.0
    whole = float(cost(np.array([start]), end)[0])
    left = np.array([float(cost(np.array([start]), int(split))[0]) for split in splits])
    saved = whole - left - cost(splits, end)
    best = int(np.argmax(saved))
    return int(splits[best]), float(saved[best])
