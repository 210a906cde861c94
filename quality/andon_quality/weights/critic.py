"""Weights from spread and from conflict with the other criteria."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray
from andon_quality.errors import TooFew
from andon_quality.weights.decision import decision_matrix, directions_of, to_sum_one


def critic(matrix: ArrayLike, directions: ArrayLike | None = None) -> FloatArray:
    """CRITIC weights: w_j proportional to s_j * sum_k (1 - r_jk), on min-max normalised criteria.

    s_j is the standard deviation and r_jk the correlation of the normalised columns; less-is-better columns are
    turned round first. matrix: shape (m units, n >= 2 criteria), any interval scale; directions: +1 / -1 per
    criterion. A criterion that is equal everywhere gets weight 0. Changing units leaves the weights. Cost O(m n^2).
    Prefer `entropy` when criteria must not influence each other's weight, `merec` when the sum score matters.
    Raises TooFew, NotFinite, OutOfRange, Inconsistent, NoSpread when every criterion is constant.
    Source: Diakoulaki, Mavrotas and Papayannakis, 1995, Computers and Operations Research 22:763.

    >>> critic([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0]]).round(6).tolist()
    [0.5, 0.5]
    """
    table = decision_matrix(matrix)
    if table.shape[1] < 2:
        raise TooFew("conflict needs at least two criteria")
    turned = table * directions_of(directions, table.shape[1])
    span = turned.max(axis=0) - turned.min(axis=0)
    moving = span > 0.0
    normal = (turned - turned.min(axis=0)) / np.where(moving, span, 1.0)
    centred = normal - normal.mean(axis=0)
    sd = np.sqrt((centred**2).mean(axis=0))
    scaled = centred / np.where(moving, sd, 1.0)
    correlation = scaled.T @ scaled / len(table)
    conflict = (1.0 - np.clip(correlation, -1.0, 1.0)).sum(axis=1, where=moving[None, :])
    return to_sum_one(np.where(moving, sd * conflict, 0.0))
