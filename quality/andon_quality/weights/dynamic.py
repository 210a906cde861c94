"""Weights that move towards a proposal, but never by more than a cap at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.result import Result
from andon_quality.weights.decision import weight_vector


@dataclass(frozen=True)
class WeightStep(Result):
    """One adjustment, complete enough to be logged: before, proposed, after, and the share of the way gone."""

    before: FloatArray
    proposed: FloatArray
    after: FloatArray
    share: float


def dynamic(current: ArrayLike, proposed: ArrayLike, cap: float) -> WeightStep:
    """A capped step: after = before + t (proposed - before), t = min(1, cap / max |proposed - before|).

    current, proposed: shape (n,), each summing to 1; cap: the most that any weight may move, in 0 < cap <= 1. One t for
    all keeps the sum at 1, every weight at or above 0, and the direction of the proposal. Prefer the proposal itself
    for a first set of weights. Cost O(n). Repeated with the same proposal it arrives after at most ceil(max change /
    cap) steps. Raises NotFinite, OutOfRange, Inconsistent. Source: the convex step of a projected gradient, stated here
    in full.

    >>> step = dynamic([0.5, 0.5], [0.9, 0.1], cap=0.1)
    >>> step.after.tolist(), step.share
    ([0.6, 0.4], 0.25)
    """
    before, goal = weight_vector(current), weight_vector(proposed)
    if before.shape != goal.shape:
        raise Inconsistent("current and proposed weights must be of the same criteria")
    if not 0.0 < cap <= 1.0:
        raise OutOfRange("cap must lie in 0..1")
    farthest = float(np.abs(goal - before).max())
    share = 1.0 if farthest <= cap else cap / farthest
    after = goal if share == 1.0 else before + share * (goal - before)
    return WeightStep(before, goal, after, share)
