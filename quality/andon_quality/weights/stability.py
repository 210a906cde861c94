"""How far a ranking hangs on its weights, and whether it turns over when a unit leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.result import Result
from andon_quality.weights.decision import decision_matrix, weight_vector


@dataclass(frozen=True)
class RankStability(Result):
    """Rank per unit (1 is best; ties share the better rank), how often each keeps it when the weights wander, how
    often the first stays first, and the smallest move of one weight that changes who is first (None: no move does)."""

    ranks: IntArray
    kept: FloatArray
    first_kept: float
    margin: float | None


@checked
def rank_stability(
    scores: ArrayLike, weights: ArrayLike, radius: float = 0.2, draws: int = 2000, seed: int = 0
) -> RankStability:
    """The share of random weights near the given ones under which the ranking stays.

    Each draw multiplies every weight by a uniform factor in 1 -/+ radius and scales the sum back to 1.
    margin: over all units b and criteria j, the smallest |d| such that moving w_j by d, with the others scaled in
    proportion, brings b level with the first: d = -gap (1 - w_j) / (g_j - gap), gap the lead, g_j the lead in j.
    scores: shape (units >= 2, criteria), higher is better; weights: shape (criteria,), sum 1.
    Deterministic for a seed. Prefer `rank_reversals` when the units themselves may change. Cost
    O(draws * units * criteria). Raises TooFew, NotFinite, OutOfRange, Inconsistent.
    Source: Butler, Jia and Dyer, 1997, European Journal of Operational Research 103:531; margin after
    Triantaphyllou and Sanchez, 1997, Decision Sciences 28:151.

    >>> result = rank_stability([[90.0, 40.0], [50.0, 70.0]], [0.5, 0.5])
    >>> result.ranks.tolist(), round(result.margin, 6)
    ([1, 2], 0.071429)
    """
    table, shares = decision_matrix(scores), weight_vector(weights)
    if table.shape[1] != len(shares):
        raise Inconsistent("needs one weight per criterion")
    if not 0.0 < radius < 1.0 or draws < 1:
        raise OutOfRange("radius must lie between 0 and 1, and draws be at least 1")
    ranks = ranking(table @ shares)
    factors = np.random.default_rng(seed).uniform(1.0 - radius, 1.0 + radius, (draws, len(shares)))
    drawn = shares * factors
    wandered = np.stack([ranking(values) for values in (drawn / drawn.sum(axis=1, keepdims=True)) @ table.T])
    same = wandered == ranks
    first = ranks == 1
    first_kept = float((wandered[:, first] == 1).all(axis=1).mean())
    return RankStability(ranks, same.mean(axis=0), first_kept, _margin(table, shares))


def ranking(values: FloatArray) -> IntArray:
    """Rank of each value, 1 the highest; values that tie share the better rank.

    >>> ranking(np.array([5.0, 9.0, 5.0])).tolist()
    [2, 1, 2]
    """
    return np.asarray((np.searchsorted(np.sort(-values), -values) + 1), dtype=np.int64)


def _margin(table: FloatArray, shares: FloatArray) -> float | None:
    totals = table @ shares
    first = int(np.argmax(totals))
    gap = totals[first] - np.delete(totals, first)
    lead = table[first] - np.delete(table, first, axis=0)
    slope = lead - gap[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        move = -gap[:, None] * (1.0 - shares) / slope
    allowed = np.isfinite(move) & (shares + move >= 0.0) & (shares + move <= 1.0) & (shares < 1.0)
    return float(np.abs(move[allowed]).min()) if allowed.any() else None


@dataclass(frozen=True)
class Reversal(Result):
    """Two units whose order turned over when a third left: `above` was at least as good as `below` before."""

    left: int
    above: int
    below: int


def rank_reversals(matrix: ArrayLike, score: Callable[[FloatArray], FloatArray]) -> tuple[Reversal, ...]:
    """Every pair of units that changes order when one other unit is left out; empty when the ranking is sound.

    Weights and normalisation that are computed from the units themselves (entropy, CRITIC, MEREC, min-max) can turn two
    units round although neither changed: a flag to show with the ranking, or a reason for `target_score`. Prefer
    `rank_stability` for doubt about weights. matrix: shape (units >= 3, criteria); score: from such a table to one
    score per row, higher is better. Cost: units + 1 calls of `score` and O(units^3) comparisons. Raises TooFew,
    NotFinite.
    Source: Belton and Gear, 1983, Omega 11:228.

    >>> rank_reversals([[1.0, 9.0], [4.0, 4.0], [9.0, 1.0]], lambda rows: rows.sum(axis=1))
    ()
    """
    table = decision_matrix(matrix)
    if len(table) < 3:
        raise TooFew("a reversal needs at least three units")
    whole = np.asarray(score(table))
    found: list[Reversal] = []
    for left in range(len(table)):
        rest = np.delete(np.arange(len(table)), left)
        before, after = whole[rest], np.asarray(score(table[rest]))
        turned = (before[:, None] > before) & (after[:, None] < after)
        found += [Reversal(left, int(rest[a]), int(rest[b])) for a, b in np.argwhere(turned)]
    return tuple(found)
