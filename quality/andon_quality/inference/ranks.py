"""Comparisons that know only the order of the values: for grades, and for heavy tails."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, PerSeries, blocks, by_series, plain, refuse, side_by_side
from andon_quality.errors import NoSpread
from andon_quality.inference.assumptions import independent
from andon_quality.inference.comparison import AssumptionCheck, Comparison
from andon_quality.inference.interval import Interval, normal_quantile, tail
from andon_quality.inference.means import satterthwaite
from andon_quality.inference.noncentral import chi_square_range
from andon_quality.inference.ties import midranks, tie_sizes
from andon_quality.inference.variance import samples_checked

EXACT_MAX = 25


def mann_whitney(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Whether one sample tends to be larger: effect P(X > Y) + P(X = Y) / 2, 0.5 when neither does.

    U counts the pairs with X > Y; p is exact without ties up to 25 values a side, else normal with tie and continuity
    correction. The interval is on the logit of the effect, with DeLong's variance and Satterthwaite's degrees of
    freedom; when they do not overlap it is Newcombe's pseudo-score interval. first, second: shape (n,), n >= 2 each,
    independent, or (series, n) for many comparisons at once; ordered grades are enough. Prefer `welch` when the mean
    itself matters. Cost O(N log N) a comparison, and O(n^2 m) once for an exact p.
    Raises TooFew, NotFinite, Inconsistent, NoSpread when all values are equal, OutOfRange.
    Sources: Mann and Whitney, 1947, Annals of Mathematical Statistics 18:50; DeLong, DeLong and Clarke-Pearson, 1988,
    Biometrics 44:837; Newcombe, 2006, Statistics in Medicine 25:559.

    >>> result = mann_whitney([5.0, 6.0, 9.0], [1.0, 2.0, 7.0, 3.0])
    >>> round(result.effect, 4), result.statistic, round(result.p_value, 4)
    (0.8333, 10.0, 0.2286)
    """
    x, y = side_by_side(by_series(first, at_least=2), by_series(second, at_least=2))
    n, m = x.shape[-1], y.shape[-1]
    both = np.concatenate([x, y], axis=-1)
    refuse(both.min(axis=-1) == both.max(axis=-1), NoSpread, "all values are equal")
    ranks, ties = midranks(both), tie_sizes(both)
    u = ranks[..., :n].sum(axis=-1) - n * (n + 1) / 2.0
    effect = u / (n * m)
    p = _p(u, n, m, (ties**3 - ties).sum(axis=-1))
    interval = _superiority_interval(x, y, ranks, effect, confidence)
    name = "probability that first exceeds second"
    return Comparison(name, plain(effect), interval, plain(u), None, plain(p), (independent(x, y),))


def _p(u: FloatArray, n: int, m: int, tied: FloatArray) -> FloatArray:
    normal = _normal_p(u, n, m, tied)
    if max(n, m) > EXACT_MAX or (tied > 0.0).all():
        return normal
    up_to = np.minimum(2.0 * np.cumsum(_shares(n, m)), 1.0)
    extreme = np.rint(np.minimum(u, n * m - u)).astype(np.int64)
    return np.where(tied > 0.0, normal, up_to[extreme])


def _shares(n: int, m: int) -> FloatArray:
    """The share of arrangements in which each U comes about (a Gaussian binomial coefficient)."""
    ways = np.zeros(n * m + 1)
    ways[0] = 1.0
    for i in range(1, n + 1):
        ways = _times(ways, m + i, i)
    return np.asarray(ways / ways.sum())


def _times(ways: FloatArray, up: int, down: int) -> FloatArray:
    """`ways` times (1 - q^up) / (1 - q^down), as coefficients of q."""
    grown = ways.copy()
    grown[up:] -= ways[: len(ways) - up]
    for place in range(down, len(grown)):
        grown[place] += grown[place - down]
    return grown


def _normal_p(u: FloatArray, n: int, m: int, tied: FloatArray) -> FloatArray:
    from scipy.special import erfc

    total = n + m
    sd = np.sqrt(n * m / 12.0 * (total + 1 - tied / (total * (total - 1))))
    z = np.maximum(np.abs(u - n * m / 2.0) - 0.5, 0.0) / sd
    return np.asarray(np.minimum(erfc(z / math.sqrt(2.0)), 1.0))


def _superiority_interval(
    x: FloatArray, y: FloatArray, ranks: FloatArray, effect: FloatArray, confidence: float
) -> Interval:
    from scipy.special import expit, logit, stdtrit

    n, m = x.shape[-1], y.shape[-1]
    beaten = (ranks[..., :n] - midranks(x)) / m
    beating = 1.0 - (ranks[..., n:] - midranks(y)) / n
    parts = beaten.var(axis=-1, ddof=1) / n, beating.var(axis=-1, ddof=1) / m
    variance = parts[0] + parts[1]
    apart = (effect <= 0.0) | (effect >= 1.0) | ~(variance > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = satterthwaite(parts[0], parts[1], n - 1, m - 1)
        half = stdtrit(df, 1.0 - tail(confidence)) * np.sqrt(variance) / (effect * (1.0 - effect))
        low, high = expit(logit(effect) - half), expit(logit(effect) + half)
    for value in np.unique(effect[apart]).tolist():
        here = apart & (effect == value)
        ends = _pseudo_score_interval(value, n, m, confidence)
        low, high = np.where(here, ends[0], low), np.where(here, ends[1], high)
    return Interval(plain(low), plain(high), confidence)


def _pseudo_score_interval(effect: float, n: int, m: int, confidence: float) -> tuple[float, float]:
    z = normal_quantile(confidence)
    grid = np.linspace(0.0, 1.0, 100_001)
    partners = (n + m) / 2.0 - 1.0
    inner = 1.0 + partners * (1.0 - grid) / (2.0 - grid) + partners * grid / (1.0 + grid)
    variance = grid * (1.0 - grid) * inner / (n * m)
    inside = grid[(effect - grid) ** 2 <= z * z * variance + 1e-15]
    return float(inside[0]), float(inside[-1])


def hodges_lehmann(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> tuple[PerSeries, Interval]:
    """The shift between two samples: the median of all differences x - y, with Moses' interval.

    first, second: shape (n,), n >= 2 each, independent, or (series, n). Assumes that the distributions differ in
    location alone; ties make the interval a little wide. Prefer `mann_whitney` where they may differ in more. Cost
    O(n m log(n m)) a comparison. Raises TooFew, NotFinite, Inconsistent, OutOfRange.
    Source: Hodges and Lehmann, 1963, Annals of Mathematical Statistics 34:598.

    >>> hodges_lehmann([5.0, 6.0, 9.0], [1.0, 2.0, 7.0, 3.0])[0]
    3.5
    """
    x, y = side_by_side(by_series(first, at_least=2), by_series(second, at_least=2))
    n, m = x.shape[-1], y.shape[-1]
    k = max(math.floor(n * m / 2.0 - normal_quantile(confidence) * math.sqrt(n * m * (n + m + 1) / 12.0)), 1)
    of = (n * m - 1) // 2, n * m // 2, k - 1, n * m - k
    flat = x.reshape(-1, n), y.reshape(-1, m)
    found = np.concatenate([_differences_at(flat[0][part], flat[1][part], of) for part in blocks(len(flat[0]), n * m)])
    found = found.reshape(*x.shape[:-1], 4)
    interval = Interval(plain(found[..., 2]), plain(found[..., 3]), confidence)
    return plain((found[..., 0] + found[..., 1]) / 2.0), interval


def _differences_at(x: FloatArray, y: FloatArray, places: Sequence[int]) -> FloatArray:
    """The order statistics at `places` among all x - y of each series."""
    differences = (x[:, :, None] - y[:, None, :]).reshape(len(x), -1)
    return np.asarray(np.sort(differences, axis=-1)[:, list(places)])


def kruskal(groups: Sequence[ArrayLike], confidence: float = 0.95) -> Comparison:
    """Whether k groups tend to different values: effect epsilon^2 = H / (N - 1), the share of rank variance between.

    H with tie correction against chi-square with k - 1 degrees of freedom; the interval inverts the noncentral
    chi-square, which is approximate away from the null. groups: k >= 2 samples of n >= 2, independent, each of shape
    (n,), or (series, n) for many comparisons at once. Prefer `mann_whitney` for two, `anova` when means matter and
    spreads are equal. Cost O(N log N) a comparison. Raises TooFew, NotFinite, Inconsistent, NoSpread, OutOfRange.
    Sources: Kruskal and Wallis, 1952, Journal of the American Statistical Association 47:583; Tomczak and Tomczak,
    2014, Trends in Sport Sciences 1:19.

    >>> result = kruskal([[1.0, 2.0, 3.0], [2.5, 3.5, 4.5], [7.0, 8.0, 9.0]])
    >>> round(result.statistic, 4), round(result.p_value, 4), round(result.effect, 4)
    (6.4889, 0.039, 0.8111)
    """
    from scipy.special import chdtrc

    samples = samples_checked(groups)
    both = np.concatenate(samples, axis=-1)
    refuse(both.min(axis=-1) == both.max(axis=-1), NoSpread, "all values are equal")
    ranks = midranks(both)
    sizes = np.array([sample.shape[-1] for sample in samples])
    means = np.add.reduceat(ranks, np.concatenate([[0], np.cumsum(sizes)[:-1]]), axis=-1) / sizes
    total = both.shape[-1]
    away = (means - ranks.mean(axis=-1, keepdims=True)) ** 2
    h = (sizes * away).sum(axis=-1) / ranks.var(axis=-1, ddof=1)
    df = float(len(samples) - 1)
    effect = h / (total - 1)
    low, high = (size / (size + total) for size in chi_square_range(h, df, confidence))
    smallest = np.full(h.shape, sizes.min())
    enough = AssumptionCheck(
        "at least 5 values a group", plain(smallest >= 5), "smallest group has {}", (plain(smallest),)
    )
    interval = Interval(plain(low), plain(np.maximum(high, effect)), confidence)
    name = "share of rank variance between groups"
    return Comparison(name, plain(effect), interval, plain(h), df, plain(chdtrc(df, h)), (enough,))
