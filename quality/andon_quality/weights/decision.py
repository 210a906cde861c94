"""The table that data-driven weights are read from: one row per unit compared, one column per criterion."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew

SUM_TOLERANCE = 1e-9


def decision_matrix(matrix: ArrayLike, positive: bool = False) -> FloatArray:
    """`matrix` as float64 of shape (units >= 2, criteria >= 1); raises TooFew, NotFinite, OutOfRange when not positive.

    >>> decision_matrix([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    table = finite(matrix)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 1:
        raise TooFew(f"needs at least two rows and one column, got shape {table.shape}")
    if positive and (table <= 0.0).any():
        raise OutOfRange("this method needs values above zero")
    return table


def directions_of(directions: ArrayLike | None, criteria: int) -> FloatArray:
    """+1 where more is better, -1 where less is better; None is all +1. Raises Inconsistent, OutOfRange.

    >>> directions_of(None, 2).tolist()
    [1.0, 1.0]
    """
    signs = np.ones(criteria) if directions is None else finite(directions)
    if signs.shape != (criteria,):
        raise Inconsistent(f"needs {criteria} directions, got shape {signs.shape}")
    if not np.isin(signs, (-1.0, 1.0)).all():
        raise OutOfRange("a direction is +1 or -1")
    return signs


def to_sum_one(importance: FloatArray) -> FloatArray:
    """`importance` (>= 0) scaled to sum 1; raises NoSpread when nothing is important.

    >>> to_sum_one(np.array([1.0, 3.0])).tolist()
    [0.25, 0.75]
    """
    total = importance.sum()
    if not total > 0.0:
        raise NoSpread("no criterion tells the units apart")
    return np.asarray(importance / total, dtype=np.float64)


def weight_vector(weights: ArrayLike) -> FloatArray:
    """Weights, checked: finite, never negative, sum 1 within 1e-9; raises NotFinite, OutOfRange, Inconsistent.

    >>> weight_vector([0.25, 0.75]).tolist()
    [0.25, 0.75]
    """
    vector = finite(weights, at_least=1)
    if (vector < 0.0).any():
        raise OutOfRange("a weight is never negative")
    if vector.ndim != 1 or abs(vector.sum() - 1.0) > SUM_TOLERANCE:
        raise Inconsistent("weights must sum to 1")
    return vector
