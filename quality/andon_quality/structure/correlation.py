"""Correlations with intervals, and p values that know how many were looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, by_series, plain, refuse, side_by_side
from andon_quality.errors import Inconsistent, NoSpread, TooFew
from andon_quality.inference.assumptions import independent
from andon_quality.inference.comparison import Comparison
from andon_quality.inference.interval import Interval, normal_quantile
from andon_quality.inference.multiple import benjamini_hochberg, holm
from andon_quality.inference.ties import midranks
from andon_quality.result import Result
from andon_quality.structure.table import cases, correlations


class Association(Enum):
    """Straight-line (Pearson) or monotone (Spearman) association."""

    PEARSON = "pearson"
    SPEARMAN = "spearman"


class MultiplicityAdjustment(Enum):
    """What the adjusted p values hold down: the probability of any false finding, or the share of false findings."""

    HOLM = "holm"
    BENJAMINI_HOCHBERG = "benjamini_hochberg"


@dataclass(frozen=True)
class Correlations(Result):
    """Matrices of shape (columns, columns): coefficient, ends of its interval, p and p adjusted over all pairs."""

    r: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray
    p_value_adjusted: FloatArray


@checked
def correlate(
    first: ArrayLike, second: ArrayLike, association: Association = Association.PEARSON, confidence: float = 0.95
) -> Comparison:
    """The correlation of two variables: effect r, interval by Fisher's z, p by t = r sqrt((n - 2) / (1 - r^2)).

    r is the mean product of both in units of their spread (n - 1), of mean ranks for Spearman. The standard error of z
    is 1 / sqrt(n - 3) for Pearson and sqrt((1 + r^2 / 2) / (n - 3)) for Spearman. first, second: shape (n,), n >= 4,
    independent cases (checked in the order given), in any units; or (series, n) for many pairs, where one variable
    given with many goes with all of them. Pearson assumes roughly normal values; Spearman only an order. Prefer
    `correlation_matrix` for all pairs of some columns. Cost O(n log n) a pair; scipy is imported on use.
    Raises TooFew, NotFinite, NoSpread, Inconsistent, OutOfRange.
    Sources: Fisher, 1921, Metron 1:3; Bonett and Wright, 2000, Psychometrika 65:23.

    >>> result = correlate([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0])
    >>> round(result.effect, 3), round(result.interval.lower, 3), round(result.p_value, 3)
    (0.8, -0.28, 0.104)
    """
    x, y = side_by_side(by_series(first), by_series(second))
    if x.shape != y.shape:
        raise Inconsistent("needs two variables with as many cases each")
    n = x.shape[-1]
    if n < 4:
        raise TooFew(f"needs at least 4 cases, got {n}")
    r = np.clip((_in_spreads(x, association) * _in_spreads(y, association)).sum(axis=-1) / (n - 1), -1.0, 1.0)
    low, high, p = _judged(r, n, association, confidence)
    with np.errstate(divide="ignore"):
        t = r * np.sqrt((n - 2) / (1.0 - np.square(r)))
    interval = Interval(plain(low), plain(high), confidence)
    name, df = f"{association.value} correlation", plain(np.full(np.shape(r), n - 2.0))
    return Comparison(name, plain(r), interval, plain(t), df, plain(p), (independent(x, y),))


def _in_spreads(values: FloatArray, association: Association) -> FloatArray:
    """Each value, or its rank, as its distance from the mean in standard deviations; over the last axis."""
    refuse(values.min(axis=-1) == values.max(axis=-1), NoSpread, "a variable does not vary")
    ranked = _ranked(values, association)
    return np.asarray(
        (ranked - ranked.mean(axis=-1, keepdims=True)) / ranked.std(axis=-1, ddof=1, keepdims=True), dtype=np.float64
    )


@checked
def correlation_matrix(
    values: ArrayLike,
    association: Association = Association.PEARSON,
    adjustment: MultiplicityAdjustment = MultiplicityAdjustment.HOLM,
    confidence: float = 0.95,
) -> Correlations:
    """All pairwise correlations of the columns of a table, with intervals and adjusted p values.

    values: shape (n >= 4, columns >= 2), each column in a unit of its own. Intervals are one by one, not simultaneous;
    `p_value_adjusted` is over the columns (columns - 1) / 2 pairs. On the diagonal r = 1, the interval is [1, 1] and p
    = 0. Formulas, assumptions and sources as `correlate`, which to prefer for chosen pairs: it checks, too. Cost O(n
    columns^2); scipy is imported on use. Raises TooFew, NotFinite, OutOfRange, NoSpread when a column does not vary.

    >>> result = correlation_matrix([[1, 2, 9], [2, 1, 7], [3, 4, 8], [4, 3, 6], [5, 5, 5]])
    >>> result.r.round(2).tolist()[0], result.p_value_adjusted.round(3).tolist()[0]
    ([1.0, 0.8, -0.9], [0.0, 0.208, 0.112])
    """
    table = cases(values, rows_min=4, columns_min=2)
    ranked = np.ascontiguousarray(_ranked(np.ascontiguousarray(table.T), association).T)
    r = correlations(ranked)
    low, high, p = _judged(r, len(table), association, confidence)
    return Correlations(r, low, high, p, _adjusted(p, adjustment))


def _judged(
    r: FloatArray, n: int, association: Association, confidence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Both ends of the interval and the p value of each coefficient from n cases."""
    from scipy.special import stdtr

    inside = np.clip(np.abs(r), 0.0, 1.0 - 1e-16)
    p = np.where(np.abs(r) < 1.0, 2.0 * stdtr(n - 2, -inside * np.sqrt((n - 2) / (1.0 - inside**2))), 0.0)
    z, half = np.arctanh(np.sign(r) * inside), normal_quantile(confidence) * _error_of_z(r, n, association)
    exact = np.abs(r) >= 1.0
    return np.where(exact, r, np.tanh(z - half)), np.where(exact, r, np.tanh(z + half)), p


def _ranked(values: FloatArray, association: Association) -> FloatArray:
    if association is Association.PEARSON:
        return values
    if association is Association.SPEARMAN:
        return midranks(values)
    assert_never(association)


def _error_of_z(r: FloatArray, n: int, association: Association) -> FloatArray:
    extra = np.zeros_like(r) if association is Association.PEARSON else r**2 / 2.0
    return np.sqrt((1.0 + extra) / (n - 3))


def _adjusted(p: FloatArray, adjustment: MultiplicityAdjustment) -> FloatArray:
    upper = np.triu_indices(len(p), k=1)
    if adjustment is MultiplicityAdjustment.HOLM:
        values = holm(p[upper])
    elif adjustment is MultiplicityAdjustment.BENJAMINI_HOCHBERG:
        values = benjamini_hochberg(p[upper])
    else:
        assert_never(adjustment)
    adjusted = np.zeros_like(p)
    adjusted[upper] = values
    return adjusted + adjusted.T
