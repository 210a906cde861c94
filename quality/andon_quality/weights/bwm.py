"""Weights from the best and the worst criterion: 2n - 3 judgements instead of n(n-1)/2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.result import Result


@dataclass(frozen=True)
class Bwm(Result):
    """Weights (sum 1), the largest absolute deviation xi that they leave, and the ratio by which the judgements
    themselves disagree."""

    weights: FloatArray
    deviation: float
    consistency_ratio: float


def bwm(best_to_others: ArrayLike, others_to_worst: ArrayLike, ratio_max: float | None = 0.25) -> Bwm:
    """Best-worst method, linear form: a unique optimum by linear programming.

    minimise xi subject to |w_B - a_Bj w_j| <= xi, |w_j - a_jW w_W| <= xi, sum w = 1, w >= 0.
    best_to_others: shape (n,), how many times the best criterion is as important as each (1 for itself);
    others_to_worst: shape (n,), how many times each is as important as the worst (1 for itself). n >= 2.
    The ratio is max_j |a_Bj a_jW - a_BW| / (a_BW^2 - a_BW); the limit .25 suits five criteria or more on a scale to 9,
    use a stricter one for fewer (published thresholds run from .11 to .37 with size and scale). None only reports.
    Assumes one expert; average the weights of several. Cost: one small linear program; scipy is imported on use.
    Prefer `ahp` for few criteria when a full cross-check of the judgements is wanted.
    Raises TooFew, NotFinite, OutOfRange for judgements below 1, Inconsistent for vectors that do not fit together
    or a ratio above ratio_max. Sources: Rezaei, 2016, Omega 64:126; Liang, Brunelli and Rezaei, 2020, Omega 96:102175.

    >>> result = bwm([1, 2, 6], [6, 3, 1])
    >>> result.weights.round(6).tolist(), result.consistency_ratio
    ([0.6, 0.3, 0.1], 0.0)
    """
    from scipy.optimize import linprog

    to_others, to_worst, best, worst = _judgements(best_to_others, others_to_worst)
    ratio = _input_ratio(to_others, to_worst, float(to_others[worst]))
    if ratio_max is not None and ratio > ratio_max:
        raise Inconsistent(f"consistency ratio {ratio:.4f} is above {ratio_max}: ask the judgements again")
    size = len(to_others)
    rows = np.vstack([np.eye(size)[best] - np.diag(to_others), np.eye(size) - np.outer(to_worst, np.eye(size)[worst])])
    bounds = np.hstack([np.vstack([rows, -rows]), -np.ones((4 * size, 1))])
    solution = linprog(
        np.append(np.zeros(size), 1.0),
        A_ub=bounds,
        b_ub=np.zeros(4 * size),
        A_eq=np.append(np.ones(size), 0.0)[None, :],
        b_eq=[1.0],
        method="highs",
    )
    weights = np.maximum(solution.x[:-1], 0.0)
    return Bwm(weights / weights.sum(), float(solution.x[-1]), ratio)


def _judgements(best_to_others: ArrayLike, others_to_worst: ArrayLike) -> tuple[FloatArray, FloatArray, int, int]:
    to_others, to_worst = finite(best_to_others, at_least=2), finite(others_to_worst, at_least=2)
    if to_others.ndim != 1 or to_others.shape != to_worst.shape:
        raise Inconsistent("both vectors need one judgement per criterion")
    if (to_others < 1.0).any() or (to_worst < 1.0).any():
        raise OutOfRange("a judgement is at least 1: nothing beats the best, nothing is below the worst")
    best, worst = int(np.argmax(to_worst)), int(np.argmax(to_others))
    if to_others[best] != 1.0 or to_worst[worst] != 1.0 or to_others[worst] != to_worst[best]:
        raise Inconsistent("best against worst must be the largest judgement, and the same in both vectors")
    return to_others, to_worst, best, worst


def _input_ratio(to_others: FloatArray, to_worst: FloatArray, best_to_worst: float) -> float:
    span = best_to_worst**2 - best_to_worst
    return float(np.abs(to_others * to_worst - best_to_worst).max() / span) if span > 0.0 else 0.0
