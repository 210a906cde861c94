"""Comparisons by rank: free of the distribution, for ordered grades and heavy tails."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, IntArray, finite
from andon_quality.errors import NoSpread
from andon_quality.inference.assumptions import independent
from andon_quality.inference.comparison import Check, Comparison
from andon_quality.inference.interval import Interval, normal_quantile, tail
from andon_quality.inference.noncentral import chi_square_range
from andon_quality.inference.variance import samples_checked

EXACT_MAX = 25


def midranks(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Ranks from 1, ties sharing their mean, and the size of each group of ties.

    >>> ranks, ties = midranks(np.array([3.0, 1.0, 3.0]))
    >>> ranks.tolist(), ties.tolist()
    ([2.5, 1.0, 2.5], [1, 2])
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = np.asarray((2.0 * last - counts + 1.0) / 2.0, dtype=np.float64)
    return middle[place], counts.astype(np.int64)


def mann_whitney(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Whether one sample tends to be larger: effect P(X > Y) + P(X = Y) / 2, 0.5 when neither does.

    U counts the pairs with X > Y; p is exact without ties up to 25 values a side, else normal with tie and continuity
    correction. The interval is on the logit of the effect, with DeLong's variance and Satterthwaite's degrees of
    freedom; when they do not overlap it is Newcombe's pseudo-score interval. first, second: n >= 2 each, independent;
    ordered grades are enough. Prefer `welch` when the mean itself matters. Cost O(N log N), exact p O(n^2 m).
    Raises TooFew, NotFinite, NoSpread when all values are equal, OutOfRange.
    Sources: Mann and Whitney, 1947; DeLong, DeLong and Clarke-Pearson, 1988, Biometrics 44:837; Newcombe, 2006,
    Statistics in Medicine 25:559.

    >>> result = mann_whitney([5.0, 6.0, 9.0], [1.0, 2.0, 7.0, 3.0])
    >>> round(result.effect, 4), result.statistic, round(result.p, 4)
    (0.8333, 10.0, 0.2286)
    """
    x, y = finite(first, at_least=2).ravel(), finite(second, at_least=2).ravel()
    both = np.concatenate([x, y])
    if both.min() == both.max():
        raise NoSpread("all values are equal")
    ranks, ties = midranks(both)
    u = float(ranks[: len(x)].sum()) - len(x) * (len(x) + 1) / 2.0
    effect = u / (len(x) * len(y))
    p = _exact_p(u, len(x), len(y)) if _is_small(x, y, ties) else _normal_p(u, len(x), len(y), ties)
    interval = _superiority_interval(x, y, ranks, effect, confidence)
    return Comparison("probability that first exceeds second", effect, interval, u, None, p, (independent(x, y),))


def _is_small(x: FloatArray, y: FloatArray, ties: IntArray) -> bool:
    return max(len(x), len(y)) <= EXACT_MAX and int(ties.max()) == 1


def _exact_p(u: float, n: int, m: int) -> float:
    """Two-sided p from the number of ways in which each U can come about (a Gaussian binomial coefficient)."""
    ways = np.zeros(n * m + 1)
    ways[0] = 1.0
    for i in range(1, n + 1):
        ways = _times(ways, m + i, i)
    share = ways / ways.sum()
    extreme = min(u, n * m - u)
    return min(2.0 * float(share[: round(extreme) + 1].sum()), 1.0)


def _times(ways: FloatArray, up: int, down: int) -> FloatArray:
    """`ways` times (1 - q^up) / (1 - q^down), as coefficients of q."""
    grown = ways.copy()
    grown[up:] -= ways[: len(ways) - up]
    for place in range(down, len(grown)):
        grown[place] += grown[place - down]
    return grown


def _normal_p(u: float, n: int, m: int, ties: IntArray) -> float:
    total = n + m
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (total * (total - 1))
    sd = math.sqrt(n * m / 12.0 * (total + 1 - tied))
    z = max(abs(u - n * m / 2.0) - 0.5, 0.0) / sd
    return min(math.erfc(z / math.sqrt(2.0)), 1.0)


def _superiority_interval(
    x: FloatArray, y: FloatArray, ranks: FloatArray, effect: float, confidence: float
) -> Interval:
    from scipy.special import stdtrit

    beaten = (ranks[: len(x)] - midranks(x)[0]) / len(y)
    beating = 1.0 - (ranks[len(x) :] - midranks(y)[0]) / len(x)
    parts = float(beaten.var(ddof=1)) / len(x), float(beating.var(ddof=1)) / len(y)
    variance = sum(parts)
    if not 0.0 < effect < 1.0 or not variance > 0.0:
        return _pseudo_score_interval(effect, len(x), len(y), confidence)
    freedom = variance**2 / (parts[0] ** 2 / (len(x) - 1) + parts[1] ** 2 / (len(y) - 1))
    half = float(stdtrit(freedom, 1.0 - tail(confidence))) * math.sqrt(variance) / (effect * (1.0 - effect))
    logit = math.log(effect / (1.0 - effect))
    low, high = (1.0 / (1.0 + math.exp(min(-(logit + sign * half), 700.0))) for sign in (-1.0, 1.0))
    return Interval(low, high, confidence)


def _pseudo_score_interval(effect: float, n: int, m: int, confidence: float) -> Interval:
    z = normal_quantile(confidence)
    grid = np.linspace(0.0, 1.0, 100_001)
    partners = (n + m) / 2.0 - 1.0
    inner = 1.0 + partners * (1.0 - grid) / (2.0 - grid) + partners * grid / (1.0 + grid)
    variance = grid * (1.0 - grid) * inner / (n * m)
    inside = grid[(effect - grid) ** 2 <= z * z * variance + 1e-15]
    return Interval(float(inside[0]), float(inside[-1]), confidence)


def hodges_lehmann(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> tuple[float, Interval]:
    """The shift between two samples: the median of all differences x - y, with Moses' interval.

    Assumes that the distributions differ in location alone; ties make the interval a little wide. Cost O(n m).
    Raises TooFew, NotFinite, OutOfRange. Source: Hodges and Lehmann, 1963, Annals of Mathematical Statistics 34:598.

    >>> hodges_lehmann([5.0, 6.0, 9.0], [1.0, 2.0, 7.0, 3.0])[0]
    3.5
    """
    x, y = finite(first, at_least=2).ravel(), finite(second, at_least=2).ravel()
    differences = np.sort((x[:, None] - y).ravel())
    sd = math.sqrt(len(x) * len(y) * (len(x) + len(y) + 1) / 12.0)
    place = len(differences) / 2.0 - normal_quantile(confidence) * sd
    k = max(math.floor(place), 1)
    ends = float(differences[k - 1]), float(differences[len(differences) - k])
    return float(np.median(differences)), Interval(*ends, confidence)


def kruskal(groups: Sequence[ArrayLike], confidence: float = 0.95) -> Comparison:
    """Whether k groups tend to different values: effect epsilon^2 = H / (N - 1), the share of rank variance between.

    H with tie correction against chi-square with k - 1 degrees of freedom; the interval inverts the noncentral
    chi-square, which is approximate away from the null. groups: k >= 2 samples of n >= 2, independent.
    Prefer `mann_whitney` for two, `anova` when means matter and spreads are equal. Cost O(N log N).
    Raises TooFew, NotFinite, NoSpread, OutOfRange. Source: Kruskal and Wallis, 1952, Journal of the American
    Statistical Association 47:583; Tomczak and Tomczak, 2014, Trends in Sport Sciences 1:19.

    >>> result = kruskal([[1.0, 2.0, 3.0], [2.5, 3.5, 4.5], [7.0, 8.0, 9.0]])
    >>> round(result.statistic, 4), round(result.p, 4), round(result.effect, 4)
    (6.4889, 0.039, 0.8111)
    """
    from scipy.special import chdtrc

    samples = samples_checked(groups)
    both = np.concatenate(samples)
    if both.min() == both.max():
        raise NoSpread("all values are equal")
    ranks, _ = midranks(both)
    sizes = np.array([len(sample) for sample in samples])
    means = np.add.reduceat(ranks, np.concatenate([[0], np.cumsum(sizes)[:-1]])) / sizes
    total = len(both)
    h = float((sizes * (means - ranks.mean()) ** 2).sum()) / float(ranks.var(ddof=1))
    freedom = float(len(samples) - 1)
    effect = h / (total - 1)
    low, high = (size / (size + total) for size in chi_square_range(h, freedom, confidence))
    enough = Check("at least 5 values a group", bool(sizes.min() >= 5), f"smallest group has {sizes.min()}")
    interval = Interval(low, max(high, effect), confidence)
    return Comparison(
        "share of rank variance between groups", effect, interval, h, freedom, float(chdtrc(freedom, h)), (enough,)
    )
