"""Whether items measure one thing, and whether raters see the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from andon_quality.inference.interval import Interval, normal_quantile, tail


@dataclass(frozen=True)
class Alpha:
    """Cronbach's alpha with its interval; per item, alpha without it and its correlation with the sum of the others."""

    alpha: float
    interval: Interval
    without: FloatArray
    item_rest: FloatArray


def cronbach(items: ArrayLike, confidence: float = 0.95) -> Alpha:
    """Internal consistency of a scale: k / (k - 1) * (1 - sum of item variances / variance of the sum).

    The interval is Feldt's: (1 - population) / (1 - sample) follows F with n - 1 and (n - 1)(k - 1). `without` is NaN
    for two items. items: shape (n >= 2 cases, k >= 2 items), complete, keyed the same way. A lower bound of reliability
    when items are of one factor (see `factor_analysis`); high alpha does not show that they are: prefer `adequacy` for
    that. Cost O(n k); scipy is imported on use. Raises TooFew, NotFinite, NoSpread when the sum does not vary.
    Sources: Cronbach, 1951, Psychometrika 16:297; Feldt, 1965, Psychometrika 30:357.

    >>> round(cronbach([[1, 2, 1], [2, 3, 3], [4, 4, 3], [5, 4, 5]]).alpha, 4)
    0.9315
    """
    from scipy.special import fdtri

    table = finite(items)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 2:
        raise TooFew("needs at least two cases and two items")
    n, k = table.shape
    alpha = _alpha(table)
    ends = [
        1.0 - (1.0 - alpha) * float(fdtri(n - 1, (n - 1) * (k - 1), q))
        for q in (1 - tail(confidence), tail(confidence))
    ]
    rest = table.sum(axis=1, keepdims=True) - table
    without = [_alpha(np.delete(table, item, axis=1)) if k > 2 else math.nan for item in range(k)]
    item_rest = [_correlation(table[:, item], rest[:, item]) for item in range(k)]
    return Alpha(alpha, Interval(ends[0], ends[1], confidence), np.array(without), np.array(item_rest))


def _alpha(table: FloatArray) -> float:
    k = table.shape[1]
    total = float(table.sum(axis=1).var(ddof=1))
    if not total > 0.0:
        raise NoSpread("the sum of the items does not vary")
    return float(k / (k - 1) * (1.0 - float(table.var(axis=0, ddof=1).sum()) / total))


def _correlation(x: FloatArray, y: FloatArray) -> float:
    x, y = x - x.mean(), y - y.mean()
    size = math.sqrt(float((x**2).sum()) * float((y**2).sum()))
    return float((x * y).sum()) / size if size > 0.0 else math.nan


class Disagreement(Enum):
    """What a difference between two grades costs: all alike, by distance, or by squared distance."""

    NOMINAL = "nominal"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


@dataclass(frozen=True)
class Agreement:
    """Kappa (1 perfect, 0 as by chance) with its interval, and the shares of agreement observed and expected by
    chance."""

    kappa: float
    interval: Interval
    observed: float
    expected: float


def cohen(
    first: ArrayLike,
    second: ArrayLike,
    grades: int,
    disagreement: Disagreement = Disagreement.NOMINAL,
    confidence: float = 0.95,
) -> Agreement:
    """Agreement of two raters beyond chance: kappa = (po - pe) / (1 - pe), weighted for ordered grades.

    The interval uses the large-sample variance of Fleiss, Cohen and Everitt. first, second: shape (n >= 2,), grades as
    integers 0..grades - 1; grades >= 2. Prefer `fleiss` for more than two raters. With very uneven grades kappa is low
    even when agreement is high: look at `observed` too. Cost O(n + grades^2).
    Raises TooFew, OutOfRange, Inconsistent, NoSpread when both raters give one and the same grade throughout.
    Sources: Cohen, 1960, Educational and Psychological Measurement 20:37; 1968, Psychological Bulletin 70:213;
    Fleiss, Cohen and Everitt, 1969, Psychological Bulletin 72:323.

    >>> result = cohen([0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0], grades=2)
    >>> round(result.kappa, 4), round(result.observed, 4)
    (0.6667, 0.8333)
    """
    joint, n = _joint(first, second, grades)
    weight = _agreement_weights(grades, disagreement)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    observed, expected = float((weight * joint).sum()), float(rows @ weight @ columns)
    if not expected < 1.0:
        raise NoSpread("both raters give one and the same grade throughout")
    kappa = (observed - expected) / (1.0 - expected)
    means = (weight @ columns)[:, None] + rows @ weight
    spread = float((joint * (weight * (1.0 - expected) - means * (1.0 - observed)) ** 2).sum())
    variance = (spread - (observed * expected - 2.0 * expected + observed) ** 2) / (n * (1.0 - expected) ** 4)
    half = normal_quantile(confidence) * math.sqrt(max(variance, 0.0))
    return Agreement(kappa, Interval(kappa - half, min(kappa + half, 1.0), confidence), observed, expected)


def _joint(first: ArrayLike, second: ArrayLike, grades: int) -> tuple[FloatArray, int]:
    a, b = finite(first, at_least=2), finite(second, at_least=2)
    if a.shape != b.shape or a.ndim != 1:
        raise Inconsistent("both raters must grade the same cases")
    both = np.concatenate([a, b])
    if grades < 2 or both.min() < 0 or both.max() >= grades or (both != np.floor(both)).any():
        raise OutOfRange(f"grades must be integers 0..{grades - 1}")
    joint = np.bincount((a * grades + b).astype(np.int64), minlength=grades * grades).reshape(grades, grades)
    return joint / len(a), len(a)


def _agreement_weights(grades: int, disagreement: Disagreement) -> FloatArray:
    distance = np.abs(np.arange(grades)[:, None] - np.arange(grades)) / (grades - 1.0)
    if disagreement is Disagreement.NOMINAL:
        return np.eye(grades)
    if disagreement is Disagreement.LINEAR:
        return np.asarray(1.0 - distance, dtype=np.float64)
    if disagreement is Disagreement.QUADRATIC:
        return np.asarray(1.0 - distance**2, dtype=np.float64)
    assert_never(disagreement)


def fleiss(counts: ArrayLike, confidence: float = 0.95) -> Agreement:
    """Agreement of m raters on n cases beyond chance; raters need not be the same for each case.

    po = mean over cases of sum_j c_ij (c_ij - 1) / (m (m - 1)), pe = sum_j p_j^2. The interval is by the jackknife over
    cases; prefer `cohen` for two raters and ordered grades. counts: shape (n >= 3 cases, grades >= 2): how many raters
    gave the grade; each row sums to m >= 2. Cost O(n^2 grades). Raises TooFew, NotFinite, OutOfRange, Inconsistent for
    rows of different sums, NoSpread.
    Sources: Fleiss, 1971, Psychological Bulletin 76:378; Efron, 1979, Annals of Statistics 7:1.

    >>> round(fleiss([[3, 0], [0, 3], [2, 1], [3, 0]]).kappa, 4)
    0.625
    """
    table = finite(counts)
    if table.ndim != 2 or table.shape[0] < 3 or table.shape[1] < 2:
        raise TooFew("needs at least three cases and two grades")
    raters = float(table[0].sum())
    if (table < 0).any() or raters < 2:
        raise OutOfRange("needs at least two raters, and counts of at least 0")
    if (table.sum(axis=1) != raters).any():
        raise Inconsistent("every case needs the same number of ratings")
    kappa, observed, expected = _fleiss(table, raters)
    left = np.array([_fleiss(np.delete(table, case, axis=0), raters)[0] for case in range(len(table))])
    error = math.sqrt((len(left) - 1) / len(left) * float(((left - left.mean()) ** 2).sum()))
    half = normal_quantile(confidence) * error
    return Agreement(kappa, Interval(kappa - half, min(kappa + half, 1.0), confidence), observed, expected)


def _fleiss(table: FloatArray, raters: float) -> tuple[float, float, float]:
    observed = float((table * (table - 1.0)).sum(axis=1).mean()) / (raters * (raters - 1.0))
    expected = float(((table.sum(axis=0) / table.sum()) ** 2).sum())
    if not expected < 1.0:
        raise NoSpread("one grade throughout, or in all cases but one")
    return (observed - expected) / (1.0 - expected), observed, expected
