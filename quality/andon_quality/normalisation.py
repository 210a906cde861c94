"""How a measured value becomes a score that can be added to others, and how it is turned back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, PerSeries, by_series, finite, plain, refuse
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange

Target = float | tuple[float, float]


@dataclass(frozen=True)
class TargetScale:
    """Where a value scores 100 (`best`) and where 0 (`worst`), as edges below and above; None is no limit."""

    best_low: float
    best_high: float
    worst_low: float | None
    worst_high: float | None


def target_scale(target: Target, worst: Target) -> TargetScale:
    """The goal that `target` and `worst` describe, checked.

    target: one value, or (low, high) for a range that is all good. worst: one value beyond one side of the
    target (lower or higher is better, according to the side), or (low, high) around the target (target is better).
    All in the unit of the indicator. Assumes a straight fall between the two; prefer `target_score` for the score
    itself. Cost O(1). Raises NotFinite, and OutOfRange when worst does not lie outside the target. Source: as there.

    >>> target_scale(30.0, 60.0)
    TargetScale(best_low=30.0, best_high=30.0, worst_low=None, worst_high=60.0)
    """
    best_low, best_high = target if isinstance(target, tuple) else (target, target)
    edges = worst if isinstance(worst, tuple) else (worst,)
    if not all(map(math.isfinite, (best_low, best_high, *edges))):
        raise NotFinite("target and worst must be finite numbers")
    if best_low > best_high:
        raise OutOfRange(f"target range is empty: {best_low} > {best_high}")
    low = float(edges[0]) if len(edges) == 2 or edges[0] < best_low else None
    high = float(edges[-1]) if len(edges) == 2 or edges[0] > best_high else None
    outside = (low is None or low < best_low) and (high is None or high > best_high)
    if not outside or (low is None and high is None):
        raise OutOfRange("worst must lie outside the target")
    return TargetScale(float(best_low), float(best_high), low, high)


def target_score(value: ArrayLike, target: Target, worst: Target) -> FloatArray:
    """Target distance as a score: 100 at the target or better, 0 at worst or beyond, straight in between.

    score = 100 * (worst - value) / (worst - target), cut to 0..100, on the side of the target where the value lies.
    value: any shape, in the unit of target and worst; NaN is a missing point and stays NaN.
    worst > target: lower is better; worst < target: higher is better; worst = (low, high): target is better.
    Changing the unit of value, target and worst together leaves the score as it is.
    Assumes that a step costs the same all the way. Cost O(n). Prefer `fit_z` when there is no target, only a history.
    Raises NotFinite for infinity, OutOfRange for a worst inside the target. Source: OECD/JRC, Handbook on Constructing
    Composite Indicators, 2008, chapter 5.

    >>> target_score([20.0, 30.0, 45.0, 60.0, 99.0], target=30.0, worst=60.0).tolist()
    [100.0, 100.0, 50.0, 0.0, 0.0]
    >>> target_score([18.0, 21.0, 25.0], target=(20.0, 24.0), worst=(16.0, 26.0)).tolist()
    [50.0, 100.0, 50.0]
    """
    edges = target_scale(target, worst)
    values = np.asarray(value, dtype=np.float64)
    if np.isinf(values).any():
        raise NotFinite("values must be finite numbers, or NaN for a missing point")
    score = np.where(np.isnan(values), np.nan, 100.0)
    if edges.worst_high is not None:
        above = 100.0 * (edges.worst_high - values) / (edges.worst_high - edges.best_high)
        score = np.minimum(score, above)
    if edges.worst_low is not None:
        below = 100.0 * (values - edges.worst_low) / (edges.best_low - edges.worst_low)
        score = np.minimum(score, below)
    return np.maximum(score, 0.0)


def target_value(score: ArrayLike, target: Target, worst: Target) -> tuple[FloatArray | None, FloatArray | None]:
    """The values (below, above the target) that have this score: the inverse of `target_score` strictly inside 0..100.

    Prefer `target_score` for the other way. A side that the goal does not limit is None. At 100 the answer is the near
    edge of the target, at 0 the worst. Any shape, and the answers likewise. Assumption and source as there. Cost O(n).
    Raises OutOfRange for a score outside 0..100 and what `target_scale` raises.

    >>> below, above = target_value(50.0, target=30.0, worst=60.0)
    >>> below is None, float(above)
    (True, 45.0)
    """
    edges = target_scale(target, worst)
    scores = finite(score)
    if ((scores < 0.0) | (scores > 100.0)).any():
        raise OutOfRange("a score lies in 0..100")
    share = scores / 100.0
    below = None if edges.worst_low is None else edges.worst_low + share * (edges.best_low - edges.worst_low)
    above = None if edges.worst_high is None else edges.worst_high - share * (edges.worst_high - edges.best_high)
    return below, above


@dataclass(frozen=True)
class Scale:
    """A straight line between a value and its normal form: apply(x) = (x - origin) / unit.

    origin and unit are numbers, or arrays of shape (series,) for a scale of each series.
    """

    origin: PerSeries
    unit: PerSeries

    def apply(self, value: ArrayLike) -> FloatArray:
        """`value` in the normal form; NaN stays NaN. Any shape for one scale; for many a point of each series, shape
        (series,), or its points, (series, n). O(values). Raises Inconsistent for other numbers of series.

        >>> fit_min_max([[2.0, 4.0], [0.0, 10.0]]).apply([3.0, 9.0]).tolist()
        [0.5, 0.9]
        """
        values, origin, unit = self._beside(value)
        return np.asarray((values - origin) / unit)

    def invert(self, normal: ArrayLike) -> FloatArray:
        """`normal` in the unit that the scale was fitted in; shapes, cost and errors as `apply`.

        >>> fit_min_max([2.0, 4.0]).invert(0.5).item()
        3.0
        """
        values, origin, unit = self._beside(normal)
        return np.asarray(values * unit + origin)

    def _beside(self, value: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        values, origin, unit = (np.asarray(each, dtype=np.float64) for each in (value, self.origin, self.unit))
        if origin.ndim == 0:
            return values, origin, unit
        if values.ndim not in (1, 2) or values.shape[:1] != origin.shape:
            raise Inconsistent(f"the scales are of {origin.size} series, the values of shape {values.shape}")
        return (values, origin, unit) if values.ndim == 1 else (values, origin[:, None], unit[:, None])


def fit_min_max(values: ArrayLike) -> Scale:
    """The scale that sends the smallest value to 0 and the largest to 1: (x - min) / (max - min).

    values: shape (n,), n >= 2, any unit, or (series, n) for a scale of each series. Assumes no outliers, one of which
    moves every score: prefer `target_score` where a target is known. Cost O(values). Raises TooFew, NotFinite, NoSpread
    when all values are equal. Source: OECD/JRC, Handbook on Constructing Composite Indicators, 2008, chapter 5.

    >>> fit_min_max([2.0, 4.0, 6.0]).apply([2.0, 5.0]).tolist()
    [0.0, 0.75]
    """
    series = by_series(values, at_least=2)
    least = series.min(axis=-1)
    return _scale(least, series.max(axis=-1) - least)


def fit_z(values: ArrayLike) -> Scale:
    """The scale that sends the mean to 0 and one sample standard deviation (n - 1) to 1: (x - mean) / s.

    values: shape (n,), n >= 2, any unit, or (series, n) for a scale of each series. Assumes roughly normal values;
    prefer `target_score` where a target is known. Cost O(values). Raises TooFew, NotFinite, NoSpread when all values
    are equal. Source: OECD/JRC, Handbook on Constructing Composite Indicators, 2008, chapter 5.

    >>> fit_z([2.0, 4.0, 6.0]).apply(8.0).item()
    2.0
    """
    series = by_series(values, at_least=2)
    refuse(series.min(axis=-1) == series.max(axis=-1), NoSpread, "all values are equal")
    return _scale(series.mean(axis=-1), series.std(axis=-1, ddof=1))


def _scale(origin: FloatArray, unit: FloatArray) -> Scale:
    refuse(~(unit > 0.0), NoSpread, "all values are equal")
    return Scale(plain(origin), plain(unit))
