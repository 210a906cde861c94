"""Which variables drive an outcome: shares of its explained variance that add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, IntArray, PerSeries, by_series, finite, plain, refuse
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.result import Result
from andon_quality.structure.adequacy import independent_correlations
from andon_quality.structure.least_squares import along
from andon_quality.structure.table import cases, standardised

COLUMNS_MAX = 16


@dataclass(frozen=True)
class Drivers(Result):
    """Per column: its share of R^2 (the shares sum to r2), its standardised slope and its plain correlation with the
    outcome; `order` lists the columns from the strongest.

    Of many outcomes every array has them in its first axis, `order` too, and r2 is an array of shape (series,)."""

    share: FloatArray
    slope: FloatArray
    correlation: FloatArray
    order: tuple[int, ...] | IntArray
    r2: PerSeries


def drivers(y: ArrayLike, x: ArrayLike) -> Drivers:
    """Relative importance by averaging over orders (LMG, the Shapley value of R^2).

    share_j = mean over all orders of entry of the rise of R^2 when column j enters. Never negative, fair to correlated
    columns where a slope is not; it says what goes along with the outcome, not what causes it.
    y: shape (n,), or (series, n) for many outcomes; x: shape (n > columns + 1, columns <= 16). The unit of a column
    does not matter. Assumes straight lines. Cost O(n columns^2 + 2^columns columns^3), tenths of a second at 16, and
    2^columns columns^2 for each further outcome. Prefer `regress` for size and error of a slope. Raises TooFew,
    NotFinite, NoSpread, Inconsistent for dependent columns, OutOfRange for more than 16 columns.
    Source: Lindeman, Merenda and Gold, 1980; Gromping, 2006, Journal of Statistical Software 17:1.

    >>> random = np.random.default_rng(1)
    >>> x = random.normal(size=(200, 3))
    >>> found = drivers(x @ [3.0, 1.0, 0.0] + random.normal(size=200), x)
    >>> found.order, bool(abs(found.share.sum() - found.r2) < 1e-12)
    ((0, 1, 2), True)
    """
    outcome, columns = by_series(y), finite(x)
    table = cases(columns[:, None] if columns.ndim == 1 else columns, rows_min=3)
    if outcome.shape[-1] != len(table):
        raise Inconsistent("y and x need the same number of rows")
    if table.shape[1] > COLUMNS_MAX:
        raise OutOfRange(f"at most {COLUMNS_MAX} columns; group them or leave some out")
    cases(table, rows_min=table.shape[1] + 2)
    between = independent_correlations(table)
    with_outcome = _with_outcome(table, outcome)
    inverse: FloatArray = np.linalg.inv(between).astype(np.float64)
    slope = along(inverse, with_outcome)
    explained = _explained(between, with_outcome)
    share = _shapley(explained, table.shape[1])
    order = np.argsort(-share, axis=-1, kind="stable")
    strongest = tuple(int(column) for column in order) if order.ndim == 1 else order
    return Drivers(share, slope, with_outcome, strongest, plain(explained[..., -1]))


def _with_outcome(table: FloatArray, outcome: FloatArray) -> FloatArray:
    """The correlation of each column with each outcome, shape (..., columns)."""
    refuse(outcome.min(axis=-1) == outcome.max(axis=-1), NoSpread, "y does not vary")
    centred = outcome - outcome.mean(axis=-1, keepdims=True)
    in_spreads = centred / outcome.std(axis=-1, ddof=1, keepdims=True)
    return np.asarray(along(np.ascontiguousarray(standardised(table).T), in_spreads) / (len(table) - 1))


def _explained(between: FloatArray, with_outcome: FloatArray) -> FloatArray:
    """R^2 of every subset of columns, indexed by its bit mask in the last axis."""
    count = with_outcome.shape[-1]
    masks = np.arange(1 << count)
    members = (masks[:, None] >> np.arange(count)) & 1
    explained = np.zeros((*with_outcome.shape[:-1], len(masks)))
    for size in range(1, count + 1):
        chosen = np.flatnonzero(members.sum(axis=1) == size)
        columns = np.nonzero(members[chosen])[1].reshape(-1, size)
        inside: FloatArray = np.linalg.inv(between[columns[:, :, None], columns[:, None, :]]).astype(np.float64)
        # Not by brackets, which may lay the outcomes last and so change the order of the sums.
        right = with_outcome.take(columns, axis=-1)
        explained[..., chosen] = (along(inside, right) * right).sum(axis=-1)
    return explained


def _shapley(worth: FloatArray, count: int) -> FloatArray:
    masks = np.arange(1 << count)
    sizes = ((masks[:, None] >> np.arange(count)) & 1).sum(axis=1)
    factorial = np.cumprod([1.0, *range(1, count + 1)])
    weight = factorial[sizes] * factorial[np.maximum(count - 1 - sizes, 0)] / factorial[count]
    share = np.empty((*worth.shape[:-1], count))
    for column in range(count):
        without = masks[(masks >> column) & 1 == 0]
        rise = worth.take(without | (1 << column), axis=-1) - worth.take(without, axis=-1)
        share[..., column] = (weight[without] * rise).sum(axis=-1)
    return share
