"""How sure a rank is: intervals of the ranks of units, from what chance alone could have made of each.

Ranks of units that differ little are mostly chance; an interval that spans half the table says so. Source: E. C.
Marshall and D. J. Spiegelhalter, Reliability of league tables of in vitro fertilisation clinics, BMJ 316 (1998) 1701-
1704; H. Goldstein and D. J. Spiegelhalter, League tables and their limitations, JRSS A 159 (1996) 385-443.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, IntArray, finite
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.result import Result

DRAWS = 4_000
# Numbers drawn at most, so that memory is bounded however many units there are.
DRAWN_MAX = 4_000_000
DRAWS_MIN = 200


@dataclass(frozen=True)
class Ranks(Result):
    """Of each unit, shape (units,): rank by its own figure (1 is the lowest; ties share the better one), with interval.

    first: how often chance puts it first, and last: how often last. draws: how many were taken.
    """

    ranks: IntArray
    lower: IntArray
    upper: IntArray
    first: FloatArray
    last: FloatArray
    draws: int


@checked
def rank_proportions(
    counts: ArrayLike, sizes: ArrayLike, confidence: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Ranks:
    """Ranks of counts / sizes, each share drawn from Beta(x + 1/2, n - x + 1/2) (Jeffreys), units independent.

    counts, sizes: shape (units >= 2,). Assumes independent cases; prefer a funnel for who differs at all. Fewer draws
    are taken of thousands of units. The same for the same seed. Cost: O(draws units log units). Raises TooFew,
    Inconsistent, OutOfRange for counts beyond sizes, NotFinite.

    >>> rank_proportions([1, 50], [100, 100]).ranks.tolist()
    [1, 2]
    """
    x, n = _pair(counts, sizes)
    if (x > n).any():
        raise OutOfRange("a count cannot exceed its size")
    return _ranked(x / n, confidence, draws, seed, lambda rng, size: rng.beta(x + 0.5, n - x + 0.5, size))


@checked
def rank_rates(
    counts: ArrayLike, sizes: ArrayLike, confidence: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Ranks:
    """Ranks of events per unit of exposure, each rate drawn from Gamma(x + 1/2) / n (Jeffreys).

    Shapes, assumptions, cost and errors as `rank_proportions`; counts may exceed sizes.

    >>> rank_rates([5, 50], [10.0, 10.0]).upper.tolist()
    [1, 2]
    """
    x, n = _pair(counts, sizes)
    return _ranked(x / n, confidence, draws, seed, lambda rng, size: rng.gamma(x + 0.5, size=size) / n)


@checked
def rank_means(
    means: ArrayLike, errors: ArrayLike, confidence: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Ranks:
    """Ranks of means with these standard errors, each drawn from its normal distribution.

    means, errors: shape (units >= 2,), errors above 0. Cost and errors as `rank_proportions`.

    >>> rank_means([1.0, 1.0], [1.0, 1.0]).upper.tolist()
    [2, 2]
    """
    m, s = finite(means), finite(errors)
    if m.shape != s.shape or m.ndim != 1:
        raise Inconsistent(f"needs an error for each mean, got shapes {m.shape} and {s.shape}")
    if (s <= 0).any():
        raise OutOfRange("errors must be above 0")
    return _ranked(m, confidence, draws, seed, lambda rng, size: rng.normal(m, s, size))


def _pair(counts: ArrayLike, sizes: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, n = finite(counts), finite(sizes)
    if x.shape != n.shape or x.ndim != 1:
        raise Inconsistent(f"needs a size for each count, got shapes {x.shape} and {n.shape}")
    if (x < 0).any() or (n <= 0).any():
        raise OutOfRange("counts cannot be negative and sizes must be positive")
    return x, n


def _ranked(
    estimates: FloatArray,
    confidence: float,
    draws: int,
    seed: int,
    draw: Callable[[np.random.Generator, tuple[int, int]], FloatArray],
) -> Ranks:
    units = estimates.size
    if units < 2:
        raise TooFew("a ranking needs at least 2 units")
    if not 0 < confidence < 1 or draws < 1:
        raise OutOfRange("confidence must lie between 0 and 1, draws be at least 1")
    taken = min(draws, max(DRAWS_MIN, DRAWN_MAX // units))
    drawn = draw(np.random.default_rng(seed), (taken, units))
    ranks = np.empty(drawn.shape, dtype=np.int32)
    np.put_along_axis(ranks, drawn.argsort(axis=1), np.arange(1, units + 1, dtype=np.int32)[None, :], axis=1)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = np.quantile(ranks, tails, axis=0, method="closest_observation")
    own = np.searchsorted(np.sort(estimates), estimates) + 1
    return Ranks(
        own.astype(np.int64),
        np.minimum(low, own).astype(np.int64),
        np.maximum(high, own).astype(np.int64),
        (ranks == 1).mean(axis=0),
        (ranks == units).mean(axis=0),
        taken,
    )
