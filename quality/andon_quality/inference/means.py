"""Means: one, a pair, and two whose spreads need not be equal."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, PerSeries, beyond_rounding, by_series, plain, refuse, side_by_side
from andon_quality.errors import Inconsistent, NoSpread
from andon_quality.inference.assumptions import independent, near_normal, third_cumulant_of_mean
from andon_quality.inference.comparison import AssumptionCheck, Comparison
from andon_quality.inference.interval import Interval, tail


def welch(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Whether two means differ, spreads not assumed equal: effect mean(first) - mean(second), in their unit.

    t = difference / sqrt(s1^2/n1 + s2^2/n2), degrees of freedom by Welch and Satterthwaite.
    first, second: shape (n,), n >= 2 each, independent; or (series, n) for many comparisons at once, where one sample
    given with many counts for all of them. Checked: tails of the mean under the observed skewness, neighbours'
    correlation. Prefer `mann_whitney` for ranks or heavy tails, `paired` when the same units are measured twice.
    Cost O(values); scipy is imported on use. Raises TooFew, NotFinite, Inconsistent, NoSpread when neither sample
    varies, OutOfRange. Source: Welch, 1947, Biometrika 34:28.

    >>> result = welch([3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0])
    >>> result.effect, round(result.statistic, 4), round(result.p_value, 4)
    (2.0, 2.1909, 0.071)
    >>> welch([[3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 5.0]], [1.0, 2.0, 3.0, 4.0]).p_value.round(4).tolist()
    [0.071, 0.8237]
    """
    x, y = side_by_side(by_series(first, at_least=2), by_series(second, at_least=2))
    n, m = x.shape[-1], y.shape[-1]
    parts = tuple(np.square(beyond_rounding(each.std(axis=-1, ddof=1), x, y)) / each.shape[-1] for each in (x, y))
    refuse(~(parts[0] + parts[1] > 0.0), NoSpread, "neither sample varies")
    error = np.sqrt(parts[0] + parts[1])
    df = satterthwaite(parts[0], parts[1], n - 1, m - 1)
    skew = near_normal(third_cumulant_of_mean(x) - third_cumulant_of_mean(y), error)
    effect = x.mean(axis=-1) - y.mean(axis=-1)
    return _student("difference of means", effect, error, df, confidence, (skew, independent(x, y)))


def paired(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Whether the same units changed: effect mean(first - second); Student's t on the differences.

    first, second: shape (n,), n >= 2, matched by position; or (series, n) for many comparisons at once.
    Assumes independent pairs; prefer `welch` where there are none. Cost O(values).
    Raises Inconsistent for shapes that differ and what `one_mean` raises. Source: Student, 1908, Biometrika 6:1.

    >>> round(paired([3.0, 5.0, 4.0], [1.0, 2.0, 3.0]).p_value, 4)
    0.0742
    """
    x, y = by_series(first), by_series(second)
    if x.shape != y.shape:
        raise Inconsistent("pairs need two arrays of the same shape")
    apart = x - y
    refuse(beyond_rounding(np.ptp(apart, axis=-1), x, y) == 0.0, NoSpread, "all differences are equal")
    return one_mean(apart, 0.0, confidence)


def one_mean(values: ArrayLike, expected: ArrayLike = 0.0, confidence: float = 0.95) -> Comparison:
    """Whether a mean differs from `expected`: effect mean - expected, Student's t with n - 1 degrees of freedom.

    values: shape (n,), n >= 2, independent; or (series, n), with one `expected` or one a series. Prefer
    `describe.median_interval` for heavy tails. Cost O(values). Raises TooFew, NotFinite, NoSpread, OutOfRange.
    Source: Student, 1908, Biometrika 6:1.

    >>> one_mean([1.0, 2.0, 3.0], expected=2.0).p_value
    1.0
    """
    x = by_series(values, at_least=2)
    error = x.std(axis=-1, ddof=1) / math.sqrt(x.shape[-1])
    refuse(beyond_rounding(np.ptp(x, axis=-1), x) == 0.0, NoSpread, "all values are equal")
    checks = (near_normal(third_cumulant_of_mean(x), error), independent(x))
    df = np.full(error.shape, x.shape[-1] - 1.0)
    effect = x.mean(axis=-1) - np.asarray(expected, dtype=np.float64)
    return _student("difference of means", effect, error, df, confidence, checks)


def satterthwaite(first: FloatArray, second: FloatArray, first_df: PerSeries, second_df: PerSeries) -> FloatArray:
    """The degrees of freedom of the sum of two estimated variances, each with its own: (a + b)^2 / (a^2/f + b^2/g).

    Elementwise, O(series). Source: Satterthwaite, 1946, Biometrics Bulletin 2:110.

    >>> float(satterthwaite(np.array(1.0), np.array(1.0), 9.0, 9.0))
    18.0
    """
    parts = np.square(first) / first_df + np.square(second) / second_df
    return np.asarray(np.square(first + second) / parts)


def _student(
    effect_is: str,
    effect: FloatArray,
    error: FloatArray,
    df: FloatArray,
    confidence: float,
    checks: tuple[AssumptionCheck, ...],
) -> Comparison:
    from scipy.special import stdtr, stdtrit

    half = stdtrit(df, 1.0 - tail(confidence)) * error
    t = effect / error
    p = np.minimum(2.0 * stdtr(df, -np.abs(t)), 1.0)
    interval = Interval(plain(effect - half), plain(effect + half), confidence)
    return Comparison(effect_is, plain(effect), interval, plain(t), plain(df), plain(p), checks)
