"""Expert and data weights brought together."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.weights.decision import to_sum_one, weight_vector


class Mix(Enum):
    """How two sets of weights are brought together."""

    LINEAR = "linear"
    GEOMETRIC = "geometric"


@checked
def combined(expert: ArrayLike, data: ArrayLike, expert_share: float = 0.5, mix: Mix = Mix.LINEAR) -> FloatArray:
    """Combined weights: a * expert + (1 - a) * data, or expert^a * data^(1-a) scaled to sum 1.

    expert, data: shape (n,), each summing to 1; expert_share: a in 0..1. Linear keeps a criterion that either side
    wants; prefer geometric to drop one that either side sets to 0. Cost O(n).
    Raises NotFinite, OutOfRange, Inconsistent for lengths that differ or sums that are not 1, NoSpread when the two
    share no criterion (geometric). Source: Wang and Lee, 2009, Expert Systems with Applications 36:8980 (linear);
    Hwang and Yoon, 1981 (geometric with a = 1/2).

    >>> combined([0.8, 0.2], [0.4, 0.6]).round(6).tolist()
    [0.6, 0.4]
    """
    first, second = weight_vector(expert), weight_vector(data)
    if first.shape != second.shape:
        raise Inconsistent("expert and data weights must be of the same criteria")
    if not 0.0 <= expert_share <= 1.0:
        raise OutOfRange("expert_share must lie in 0..1")
    if mix is Mix.LINEAR:
        return expert_share * first + (1.0 - expert_share) * second
    if mix is Mix.GEOMETRIC:
        return to_sum_one(np.power(first, expert_share) * np.power(second, 1.0 - expert_share))
    assert_never(mix)
