"""Means: one, a pair, and two whose spreads need not be equal."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import finite
from andon_quality.errors import Inconsistent, NoSpread
from andon_quality.inference.assumptions import independent, near_normal, third_cumulant_of_mean
from andon_quality.inference.comparison import Check, Comparison
from andon_quality.inference.interval import Interval, tail


def welch(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Whether two means differ, spreads not assumed equal: effect mean(first) - mean(second), in their unit.

    t = difference / sqrt(s1^2/n1 + s2^2/n2), degrees of freedom by Welch and Satterthwaite.
    first, second: n >= 2 each, independent. Checked: tails of the mean under the observed skewness, neighbours'
    correlation. Prefer `mann_whitney` for ranks or heavy tails, `paired` when the same units are measured twice.
    Cost O(n); scipy is imported on use. Raises TooFew, NotFinite, NoSpread when neither sample varies, OutOfRange.
    Source: Welch, 1947, Biometrika 34:28.

    >>> result = welch([3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0])
    >>> result.effect, round(result.statistic, 4), round(result.p, 4)
    (2.0, 2.1909, 0.071)
    """
    x, y = finite(first, at_least=2).ravel(), finite(second, at_least=2).ravel()
    parts = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    error = math.sqrt(sum(parts))
    if not error > 0.0:
        raise NoSpread("neither sample varies")
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(x) - 1) + parts[1] ** 2 / (len(y) - 1))
    skew = near_normal(third_cumulant_of_mean(x) - third_cumulant_of_mean(y), error)
    effect = float(x.mean() - y.mean())
    return _student("difference of means", effect, error, float(freedom), confidence, (skew, independent(x, y)))


def paired(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Whether the same units changed: effect mean(first - second); Student's t on the differences.

    first, second: shape (n,), n >= 2, matched by position. Assumes independent pairs. Cost O(n).
    Raises Inconsistent for lengths that differ and what `one_mean` raises. Source: Student, 1908, Biometrika 6:1.

    >>> round(paired([3.0, 5.0, 4.0], [1.0, 2.0, 3.0]).p, 4)
    0.0742
    """
    x, y = finite(first), finite(second)
    if x.shape != y.shape or x.ndim != 1:
        raise Inconsistent("pairs need two arrays of the same length")
    return one_mean(x - y, 0.0, confidence)


def one_mean(values: ArrayLike, expected: float = 0.0, confidence: float = 0.95) -> Comparison:
    """Whether a mean differs from `expected`: effect mean - expected, Student's t with n - 1 degrees of freedom.

    values: n >= 2, independent. Cost O(n). Raises TooFew, NotFinite, NoSpread, OutOfRange.
    Source: Student, 1908, Biometrika 6:1.

    >>> one_mean([1.0, 2.0, 3.0], expected=2.0).p
    1.0
    """
    x = finite(values, at_least=2).ravel()
    error = float(x.std(ddof=1)) / math.sqrt(len(x))
    if not error > 0.0 or x.min() == x.max():
        raise NoSpread("all values are equal")
    checks = (near_normal(third_cumulant_of_mean(x), error), independent(x))
    return _student("difference of means", float(x.mean()) - expected, error, float(len(x) - 1), confidence, checks)


def _student(
    effect_is: str, effect: float, error: float, freedom: float, confidence: float, checks: tuple[Check, ...]
) -> Comparison:
    from scipy.special import stdtr, stdtrit

    half = float(stdtrit(freedom, 1.0 - tail(confidence))) * error
    t = effect / error
    p = float(np.minimum(2.0 * stdtr(freedom, -abs(t)), 1.0))
    return Comparison(effect_is, effect, Interval(effect - half, effect + half, confidence), t, freedom, p, checks)
