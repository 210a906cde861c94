"""Which variables drive an outcome: shares of its explained variance that add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.structure.adequacy import independent_correlations
from andon_quality.structure.table import cases

COLUMNS_MAX = 16


@dataclass(frozen=True)
class Drivers:
    """Per column: its share of R^2 (the shares sum to r2), its standardised slope and its plain correlation with the
    outcome; `order` lists the columns from the strongest."""

    share: FloatArray
    slope: FloatArray
    correlation: FloatArray
    order: tuple[int, ...]
    r2: float


def drivers(y: ArrayLike, x: ArrayLike) -> Drivers:
    """Relative importance by averaging over orders (LMG, the Shapley value of R^2).

    share_j = mean over all orders of entry of the rise of R^2 when column j enters. Never negative, fair to correlated
    columns where a slope is not; it says what goes along with the outcome, not what causes it.
    y: shape (n,); x: shape (n > columns + 1, columns <= 16). The unit of a column does not matter.
    Cost O(n columns^2 + 2^columns columns^3), a second at 14. Prefer `regress` for size and error of a slope.
    Raises TooFew, NotFinite, NoSpread, Inconsistent for dependent columns, OutOfRange for more than 16 columns.
    Source: Lindeman, Merenda and Gold, 1980; Gromping, 2006, Journal of Statistical Software 17:1.

    >>> random = np.random.default_rng(1)
    >>> x = random.normal(size=(200, 3))
    >>> found = drivers(x @ [3.0, 1.0, 0.0] + random.normal(size=200), x)
    >>> found.order, bool(abs(found.share.sum() - found.r2) < 1e-12)
    ((0, 1, 2), True)
    """
    outcome = finite(y)
    columns = finite(x)
    table = cases(columns[:, None] if columns.ndim == 1 else columns, rows_min=3)
    if outcome.shape != (len(table),):
        raise Inconsistent("y and x need the same number of rows")
    if table.shape[1] > COLUMNS_MAX:
        raise OutOfRange(f"at most {COLUMNS_MAX} columns; group them or leave some out")
    cases(table, rows_min=table.shape[1] + 2)
    between = independent_correlations(table)
    with_outcome = _with_outcome(table, outcome)
    slope = np.linalg.solve(between, with_outcome)
    explained = _explained(between, with_outcome)
    share = _shapley(explained, len(with_outcome))
    order = tuple(int(column) for column in np.argsort(-share, kind="stable"))
    return Drivers(share, np.asarray(slope, dtype=np.float64), with_outcome, order, float(explained[-1]))


def _with_outcome(table: FloatArray, outcome: FloatArray) -> FloatArray:
    from andon_quality.structure.table import standardised

    z = standardised(np.column_stack([table, outcome]))
    return np.asarray(z[:, :-1].T @ z[:, -1] / (len(z) - 1), dtype=np.float64)


def _explained(between: FloatArray, with_outcome: FloatArray) -> FloatArray:
    """R^2 of every subset of columns, indexed by its bit mask."""
    count = len(with_outcome)
    masks = np.arange(1 << count)
    members = (masks[:, None] >> np.arange(count)) & 1
    explained = np.zeros(len(masks))
    for size in range(1, count + 1):
        chosen = np.flatnonzero(members.sum(axis=1) == size)
        columns = np.nonzero(members[chosen])[1].reshape(-1, size)
        inside = between[columns[:, :, None], columns[:, None, :]]
        right = with_outcome[columns]
        slopes = np.linalg.solve(inside, right[..., None])[..., 0]
        explained[chosen] = (slopes * right).sum(axis=1)
    return explained


def _shapley(worth: FloatArray, count: int) -> FloatArray:
    masks = np.arange(1 << count)
    sizes = ((masks[:, None] >> np.arange(count)) & 1).sum(axis=1)
    factorial = np.cumprod([1.0, *range(1, count + 1)])
    weight = factorial[sizes] * factorial[np.maximum(count - 1 - sizes, 0)] / factorial[count]
    share = np.empty(count)
    for column in range(count):
        without = masks[(masks >> column) & 1 == 0]
        share[column] = (weight[without] * (worth[without | (1 << column)] - worth[without])).sum()
    return share
