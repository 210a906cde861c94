"""Weights from how unevenly each criterion is spread over the units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange
from andon_quality.weights.decision import decision_matrix, to_sum_one


def entropy(matrix: ArrayLike) -> FloatArray:
    """Entropy weights: w_j = (1 - e_j) / sum (1 - e_k), e_j = -sum_i p_ij ln p_ij / ln m, p_ij = x_ij / sum_i x_ij.

    matrix: shape (m units, n criteria), values >= 0 on a ratio scale; a criterion equal everywhere gets weight 0.
    Blind to direction and to correlation between criteria: prefer `critic` where criteria repeat each other.
    Changing the unit of a criterion leaves the weights; adding a constant does not. Cost O(m n).
    Raises TooFew, NotFinite, OutOfRange for a negative value or a column of zeros, NoSpread when all are equal.
    Source: Shannon, 1948; as weights, Hwang and Yoon, 1981, Multiple Attribute Decision Making, section 2.3.

    >>> entropy([[1.0, 1.0], [1.0, 3.0]]).tolist()
    [0.0, 1.0]
    """
    table = decision_matrix(matrix)
    if (table < 0.0).any() or (table.sum(axis=0) <= 0.0).any():
        raise OutOfRange("entropy needs values of at least zero, not all zero in a column")
    share = table / table.sum(axis=0)
    logs = np.log(np.where(share > 0.0, share, 1.0))
    information = 1.0 + (share * logs).sum(axis=0) / np.log(len(table))
    even = table.max(axis=0) == table.min(axis=0)
    return to_sum_one(np.where(even, 0.0, np.maximum(information, 0.0)))
