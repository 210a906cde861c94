"""Whether items measure one thing, and whether raters see the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, by_series, plain, refuse, side_by_side
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.inference.interval import Interval, normal_quantile, tail
from andon_quality.result import Result
from andon_quality.structure.least_squares import along


@dataclass(frozen=True)
class Alpha(Result):
    """Cronbach's alpha with its interval; per item, alpha without it and its correlation with the sum of the others.

    Numbers and shape (items,) for one group; arrays of shape (groups,) and (groups, items) for many.
    """

    alpha: PerSeries
    interval: Interval
    without: FloatArray
    item_rest: FloatArray


def cronbach(items: ArrayLike, confidence: float = 0.95) -> Alpha:
    """Internal consistency of a scale: k / (k - 1) * (1 - sum of item variances / variance of the sum).

    The interval is Feldt's: (1 - population) / (1 - sample) follows F with n - 1 and (n - 1)(k - 1). `without` is NaN
    for two items. items: shape (n >= 2 cases, k >= 2 items), complete, keyed the same way, in any one unit; or (groups,
    n, k) for as many groups. Assumes items of one factor (see `factor_analysis`), of whose reliability it is a lower
    bound; a high alpha does not show that they are: prefer `adequacy` for that. Cost O(n k) a group; scipy is imported
    on use. Raises TooFew, NotFinite, NoSpread when the sum, or that of all items but one, does not vary.
    Sources: Cronbach, 1951, Psychometrika 16:297; Feldt, 1965, Psychometrika 30:357.

    >>> round(cronbach([[1, 2, 1], [2, 3, 3], [4, 4, 3], [5, 4, 5]]).alpha, 4)
    0.9315
    """
    from scipy.special import fdtri

    table = _tables(items, rows_min=2, too_few="needs at least two cases and two items")
    n, k = table.shape[-2:]
    columns, total = np.ascontiguousarray(np.swapaxes(table, -1, -2)), table.sum(axis=-1)
    own, whole, rest = columns.var(axis=-1, ddof=1), total.var(axis=-1, ddof=1), total[..., None, :] - columns
    refuse(~(whole > 0.0), NoSpread, "the sum of the items does not vary")
    alpha = k / (k - 1) * (1.0 - own.sum(axis=-1) / whole)
    low, high = (
        plain(1.0 - (1.0 - alpha) * float(fdtri(n - 1, (n - 1) * (k - 1), q)))
        for q in (1 - tail(confidence), tail(confidence))
    )
    return Alpha(plain(alpha), Interval(low, high, confidence), _without(own, rest), _correlations(columns, rest))


def _tables(values: ArrayLike, rows_min: int, too_few: str) -> FloatArray:
    """A table of finite numbers, shape (rows, columns), or many of them, with at least two columns."""
    tables = np.ascontiguousarray(values, dtype=np.float64)
    if tables.ndim not in (2, 3) or tables.shape[-2] < rows_min or tables.shape[-1] < 2:
        raise TooFew(too_few)
    refuse(~np.isfinite(tables).all(axis=(-2, -1)), NotFinite, "values must be finite numbers")
    return tables


def _without(own: FloatArray, rest: FloatArray) -> FloatArray:
    """Alpha without each item, from the variances of the items and the sums of the others, (..., k) and (..., k, n)."""
    k = own.shape[-1]
    if k == 2:
        return np.full(own.shape, np.nan)
    left = rest.var(axis=-1, ddof=1)
    refuse(~(left > 0.0).all(axis=-1), NoSpread, "the sum of all items but one does not vary")
    return np.asarray((k - 1) / (k - 2) * (1.0 - (own.sum(axis=-1, keepdims=True) - own) / left))


def _correlations(first: FloatArray, second: FloatArray) -> FloatArray:
    """Pearson's, over the last axis; NaN where one does not vary."""
    x, y = (each - each.mean(axis=-1, keepdims=True) for each in (first, second))
    size = np.sqrt(np.square(x).sum(axis=-1) * np.square(y).sum(axis=-1))
    return np.asarray(np.divide((x * y).sum(axis=-1), size, out=np.full(size.shape, np.nan), where=size > 0.0))


class Disagreement(Enum):
    """What a difference between two grades costs: all alike, by distance, or by squared distance."""

    NOMINAL = "nominal"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


@dataclass(frozen=True)
class Agreement(Result):
    """Kappa (1 perfect, 0 as by chance) with its interval, and the shares of agreement observed and expected by
    chance. Numbers, or arrays of shape (series,) for many."""

    kappa: PerSeries
    interval: Interval
    observed: PerSeries
    expected: PerSeries


@checked
def cohen(
    first: ArrayLike,
    second: ArrayLike,
    grades: int,
    disagreement: Disagreement = Disagreement.NOMINAL,
    confidence: float = 0.95,
) -> Agreement:
    """Agreement of two raters beyond chance: kappa = (po - pe) / (1 - pe), weighted for ordered grades.

    The interval uses the large-sample variance of Fleiss, Cohen and Everitt. first, second: shape (n >= 2,), or
    (series, n) for many pairs of raters, one rater given with many is compared with all of them; grades as
    integers 0..grades - 1; grades >= 2. Assumes independent cases. Prefer `fleiss` for more than two raters. With very
    uneven grades kappa is low even when agreement is high: look at `observed` too. Cost O(n + grades^2) a pair.
    Raises TooFew, NotFinite, OutOfRange, Inconsistent, NoSpread when both give one and the same grade throughout.
    Sources: Cohen, 1960, Educational and Psychological Measurement 20:37; 1968, Psychological Bulletin 70:213;
    Fleiss, Cohen and Everitt, 1969, Psychological Bulletin 72:323.

    >>> result = cohen([0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0], grades=2)
    >>> round(result.kappa, 4), round(result.observed, 4)
    (0.6667, 0.8333)
    """
    joint, n = _joint(first, second, grades)
    weight = _agreement_weights(grades, disagreement)
    rows, columns = joint.sum(axis=-1), np.ascontiguousarray(np.swapaxes(joint, -1, -2)).sum(axis=-1)
    observed, by_column = _over_cells(weight * joint), along(weight, columns)
    expected = (rows * by_column).sum(axis=-1)
    refuse(~(expected < 1.0), NoSpread, "both raters give one and the same grade throughout")
    kappa = (observed - expected) / (1.0 - expected)
    means = by_column[..., :, None] + along(weight, rows)[..., None, :]
    missing, chance = (np.asarray(1.0 - each)[..., None, None] for each in (observed, expected))
    spread = _over_cells(joint * np.square(weight * chance - means * missing))
    # Not to the power of four: wide processors round it otherwise for many than for one.
    scale = np.square(np.square(1.0 - expected))
    variance = (spread - np.square(observed * expected - 2.0 * expected + observed)) / (n * scale)
    return _agreement(kappa, np.sqrt(np.maximum(variance, 0.0)), observed, expected, confidence)


def _agreement(
    kappa: FloatArray, error: FloatArray, observed: FloatArray, expected: FloatArray, confidence: float
) -> Agreement:
    half = normal_quantile(confidence) * error
    interval = Interval(plain(kappa - half), plain(np.minimum(kappa + half, 1.0)), confidence)
    return Agreement(plain(kappa), interval, plain(observed), plain(expected))


def _over_cells(table: FloatArray) -> FloatArray:
    return np.asarray(table.reshape((*table.shape[:-2], -1)).sum(axis=-1))


def _joint(first: ArrayLike, second: ArrayLike, grades: int) -> tuple[FloatArray, int]:
    """The shares of cases under each pair of grades, shape (..., grades, grades), and the number of cases."""
    a, b = side_by_side(by_series(first, at_least=2), by_series(second, at_least=2))
    if a.shape != b.shape:
        raise Inconsistent("both raters must grade the same cases")
    if grades < 2:
        raise OutOfRange("needs at least two grades")
    whole = [(each >= 0) & (each < grades) & (each == np.floor(each)) for each in (a, b)]
    refuse(~(whole[0] & whole[1]).all(axis=-1), OutOfRange, f"grades must be integers 0..{grades - 1}")
    cells = np.atleast_2d(a * grades + b).astype(np.int64)
    series = np.arange(len(cells))[:, None] * grades * grades
    counts = np.bincount((cells + series).ravel(), minlength=len(cells) * grades * grades)
    return counts.reshape((*a.shape[:-1], grades, grades)) / a.shape[-1], a.shape[-1]


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

    po = mean over cases of sum_j c_ij (c_ij - 1) / (m (m - 1)), pe = sum_j p_j^2, kappa = (po - pe) / (1 - pe). The
    interval is by the jackknife over cases. counts: shape (n >= 3 cases, grades >= 2): how many raters gave the grade;
    each row sums to m >= 2; or (series, n, grades) for many sets of cases, with m the same in a set. Assumes
    independent cases; prefer `cohen` for two raters and ordered grades. Cost O(n grades) a set. Raises TooFew,
    NotFinite, OutOfRange, Inconsistent for rows of different sums, NoSpread.
    Sources: Fleiss, 1971, Psychological Bulletin 76:378; Efron, 1979, Annals of Statistics 7:1.

    >>> round(fleiss([[3, 0], [0, 3], [2, 1], [3, 0]]).kappa, 4)
    0.625
    """
    table = _tables(counts, rows_min=3, too_few="needs at least three cases and two grades")
    ratings = table.sum(axis=-1)
    raters = ratings[..., 0]
    refuse(
        (table < 0).any(axis=(-2, -1)) | (raters < 2), OutOfRange, "needs two raters or more, and no negative counts"
    )
    refuse((ratings != raters[..., None]).any(axis=-1), Inconsistent, "every case needs the same number of ratings")
    agreeing, n = (table * (table - 1.0)).sum(axis=-1), table.shape[-2]
    every, given = agreeing.sum(axis=-1), np.ascontiguousarray(np.swapaxes(table, -1, -2)).sum(axis=-1)
    pairs = raters * (raters - 1.0)
    observed, expected = every / n / pairs, _by_chance(given, raters * n)
    # What is left without each case: counts are whole numbers, so nothing is lost by taking one away.
    by_chance = _by_chance(given[..., None, :] - table, (raters * (n - 1))[..., None])
    certain = ~(expected < 1.0) | ~(by_chance < 1.0).all(axis=-1)
    refuse(certain, NoSpread, "one grade throughout, or in all cases but one")
    left = ((every[..., None] - agreeing) / (n - 1) / pairs[..., None] - by_chance) / (1.0 - by_chance)
    away = np.square(left - left.mean(axis=-1, keepdims=True)).sum(axis=-1)
    kappa = (observed - expected) / (1.0 - expected)
    return _agreement(kappa, np.sqrt((n - 1) / n * away), observed, expected, confidence)


def _by_chance(given: FloatArray, ratings: FloatArray) -> FloatArray:
    """How probably two ratings agree, from how many there are of each grade and of all: (..., grades) and (...)."""
    return np.asarray(np.square(given / np.asarray(ratings)[..., None]).sum(axis=-1))


@checked
def krippendorff(
    counts: ArrayLike, disagreement: Disagreement = Disagreement.NOMINAL, confidence: float = 0.95
) -> Agreement:
    """Agreement of any number of raters beyond chance, with gaps: Krippendorff's alpha.

    alpha = 1 - Do / De. Do = mean over ratings of the cost of a difference within a case, each case weighted by
    1 / (m - 1) of its m ratings; De = the same over all pairs of ratings, whatever their case. `kappa` is alpha,
    `observed` and `expected` are 1 - Do and 1 - De. The interval is by the jackknife over cases. counts: shape (n >= 3
    cases, grades >= 2): how many raters gave the grade; cases with fewer than two ratings are passed over; or (series,
    n, grades) for many sets of cases. Assumes independent cases; prefer `cohen` for two raters who rate all cases. Cost
    O(n grades^2) a set. Raises TooFew, also for fewer than three cases of two ratings, NotFinite, OutOfRange, NoSpread.
    Sources: Krippendorff, 2011, Computing Krippendorff's Alpha-Reliability; Efron, 1979, Annals of Statistics 7:1.

    >>> round(krippendorff([[2, 0], [0, 2], [1, 1], [3, 0], [0, 1]]).kappa, 4)
    0.5556
    """
    table = _tables(counts, rows_min=3, too_few="needs at least three cases and two grades")
    refuse((table < 0).any(axis=(-2, -1)), OutOfRange, "needs no negative counts")
    ratings = table.sum(axis=-1)
    rated = ratings >= 2
    refuse(rated.sum(axis=-1) < 3, TooFew, "needs at least three cases with two ratings")
    table, ratings = np.where(rated[..., None], table, 0.0), np.where(rated, ratings, 0.0)
    cost = 1.0 - _agreement_weights(table.shape[-1], disagreement)
    within = _cost(table, cost) / np.maximum(ratings - 1.0, 1.0)
    given, every = np.ascontiguousarray(np.swapaxes(table, -1, -2)).sum(axis=-1), ratings.sum(axis=-1)
    differing = within.sum(axis=-1)
    by_chance = _cost(given, cost) / (every - 1.0)
    # What is left without each case: counts are whole numbers, so nothing is lost by taking one away.
    others = every[..., None] - ratings
    without = _cost(given[..., None, :] - table, cost) / (others - 1.0)
    refuse(
        ~(by_chance > 0.0) | ~(without > 0.0).all(axis=-1), NoSpread, "one grade throughout, or in all cases but one"
    )
    alpha = 1.0 - differing / by_chance
    left = 1.0 - (differing[..., None] - within) / without
    count = rated.sum(axis=-1).astype(np.float64)
    mean = np.where(rated, left, 0.0).sum(axis=-1) / count
    away = np.where(rated, np.square(left - mean[..., None]), 0.0).sum(axis=-1)
    observed, expected = 1.0 - differing / every, 1.0 - by_chance / every
    return _agreement(alpha, np.sqrt((count - 1.0) / count * away), observed, expected, confidence)


def _cost(counts: FloatArray, cost: FloatArray) -> FloatArray:
    """The sum over pairs of grades of how often both were given and what their difference costs, over the last axis."""
    return np.asarray((along(cost, counts) * counts).sum(axis=-1))
