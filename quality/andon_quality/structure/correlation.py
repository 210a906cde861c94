"""Correlations with intervals, and p values that know how many were looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent
from andon_quality.inference.assumptions import independent
from andon_quality.inference.comparison import Comparison
from andon_quality.inference.interval import Interval, normal_quantile
from andon_quality.inference.multiple import benjamini_hochberg, holm
from andon_quality.inference.ties import midranks
from andon_quality.structure.table import cases, correlations


class Association(Enum):
    """Straight-line (Pearson) or monotone (Spearman) association."""

    PEARSON = "pearson"
    SPEARMAN = "spearman"


class Adjustment(Enum):
    """What the adjusted p values hold down: the chance of any false finding, or the share of false findings."""

    HOLM = "holm"
    BENJAMINI_HOCHBERG = "benjamini_hochberg"


@dataclass(frozen=True)
class Correlations:
    """Matrices of shape (columns, columns): coefficient, ends of its interval, p and p adjusted over all pairs."""

    r: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    p_adjusted: FloatArray


def correlate(
    first: ArrayLike, second: ArrayLike, association: Association = Association.PEARSON, confidence: float = 0.95
) -> Comparison:
    """The correlation of two variables: effect r, interval by Fisher's z, p by t = r sqrt((n - 2) / (1 - r^2)).

    The standard error of z is 1 / sqrt(n - 3) for Pearson and sqrt((1 + r^2 / 2) / (n - 3)) for Spearman (mean ranks
    for ties). first, second: shape (n,), n >= 4, independent cases (checked in the order given). Pearson assumes
    roughly normal values; Spearman only an order. Prefer `correlation_matrix` for more than two. Cost O(n log n).
    Raises TooFew, NotFinite, NoSpread, Inconsistent.
    Sources: Fisher, 1921, Metron 1:3; Bonett and Wright, 2000, Psychometrika 65:23.

    >>> result = correlate([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0])
    >>> round(result.effect, 3), round(result.interval.low, 3), round(result.p, 3)
    (0.8, -0.28, 0.104)
    """
    x, y = finite(first), finite(second)
    if x.shape != y.shape or x.ndim != 1:
        raise Inconsistent("needs two arrays of the same length")
    every = correlation_matrix(np.column_stack([x, y]), association, confidence=confidence)
    r, n = float(every.r[0, 1]), len(x)
    t = r * math.sqrt((n - 2) / (1.0 - r * r)) if abs(r) < 1.0 else math.copysign(math.inf, r)
    interval = Interval(float(every.low[0, 1]), float(every.high[0, 1]), confidence)
    name = f"{association.value} correlation"
    return Comparison(name, r, interval, t, float(n - 2), float(every.p[0, 1]), (independent(x, y),))


def correlation_matrix(
    values: ArrayLike,
    association: Association = Association.PEARSON,
    adjustment: Adjustment = Adjustment.HOLM,
    confidence: float = 0.95,
) -> Correlations:
    """All pairwise correlations of the columns of a table, with intervals and adjusted p values.

    values: shape (n >= 4, columns >= 2). Intervals are one by one, not simultaneous; `p_adjusted` is over the columns
    (columns - 1) / 2 pairs. On the diagonal r = 1, the interval is [1, 1] and p = 0. Otherwise as `correlate`. Prefer
    `correlate` for a single pair: it checks, too. Cost O(n columns^2); scipy is imported on use. Sources as there.
    Raises TooFew, NotFinite, NoSpread when a column does not vary.

    >>> result = correlation_matrix([[1, 2, 9], [2, 1, 7], [3, 4, 8], [4, 3, 6], [5, 5, 5]])
    >>> result.r.round(2).tolist()[0], result.p_adjusted.round(3).tolist()[0]
    ([1.0, 0.8, -0.9], [0.0, 0.208, 0.112])
    """
    from scipy.special import stdtr

    table = cases(values, rows_min=4, columns_min=2)
    r = correlations(_as_ranked(table, association))
    n = len(table)
    inside = np.clip(np.abs(r), 0.0, 1.0 - 1e-16)
    p = np.where(np.abs(r) < 1.0, 2.0 * stdtr(n - 2, -inside * np.sqrt((n - 2) / (1.0 - inside**2))), 0.0)
    z, half = np.arctanh(np.sign(r) * inside), normal_quantile(confidence) * _error_of_z(r, n, association)
    exact = np.abs(r) >= 1.0
    low, high = np.where(exact, r, np.tanh(z - half)), np.where(exact, r, np.tanh(z + half))
    return Correlations(r, low, high, p, _adjusted(p, adjustment))


def _as_ranked(table: FloatArray, association: Association) -> FloatArray:
    if association is Association.PEARSON:
        return table
    if association is Association.SPEARMAN:
        return np.ascontiguousarray(midranks(table.T).T)
    assert_never(association)


def _error_of_z(r: FloatArray, n: int, association: Association) -> FloatArray:
    extra = np.zeros_like(r) if association is Association.PEARSON else r**2 / 2.0
    return np.sqrt((1.0 + extra) / (n - 3))


def _adjusted(p: FloatArray, adjustment: Adjustment) -> FloatArray:
    upper = np.triu_indices(len(p), k=1)
    if adjustment is Adjustment.HOLM:
        values = holm(p[upper])
    elif adjustment is Adjustment.BENJAMINI_HOCHBERG:
        values = benjamini_hochberg(p[upper])
    else:
        assert_never(adjustment)
    adjusted = np.zeros_like(p)
    adjusted[upper] = values
    return adjusted + adjusted.T
