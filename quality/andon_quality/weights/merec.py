"""Weights from what is lost when a criterion is left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray
from andon_quality.weights.decision import decision_matrix, directions_of, to_sum_one


def merec(matrix: ArrayLike, directions: ArrayLike | None = None) -> FloatArray:
    """MEREC weights: w_j proportional to the change of all units' performance when criterion j is removed.

    n_ij = min_i x / x_ij (more is better) or x_ij / max_i x (less is better); S_i = ln(1 + sum_j |ln n_ij| / n),
    S_ij the same without j, w_j proportional to sum_i |S_ij - S_i|.
    matrix: shape (m units, n criteria), values > 0 on a ratio scale; directions: +1 / -1 per criterion.
    Changing the unit of a criterion leaves the weights. Very uneven columns take nearly all: prefer `critic` there.
    Cost O(m n). Raises TooFew, NotFinite, OutOfRange for values <= 0, Inconsistent, NoSpread when all are equal.
    Source: Keshavarz-Ghorabaee, Amiri, Zavadskas, Turskis and Antucheviciene, 2021, Symmetry 13:525.

    >>> merec([[1.0, 5.0], [2.0, 5.0]]).tolist()
    [1.0, 0.0]
    """
    table = decision_matrix(matrix, positive=True)
    better = directions_of(directions, table.shape[1])
    normal = np.where(better > 0, table.min(axis=0) / table, table / table.max(axis=0))
    distance = np.abs(np.log(normal))
    criteria = table.shape[1]
    whole = np.log1p(distance.sum(axis=1, keepdims=True) / criteria)
    without = np.log1p((distance.sum(axis=1, keepdims=True) - distance).clip(min=0.0) / criteria)
    loss = np.abs(without - whole).sum(axis=0)
    return to_sum_one(np.where(distance.max(axis=0) > 0.0, loss, 0.0))
