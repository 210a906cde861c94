"""One share and the difference of two: intervals that hold for small samples, and the test."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite, plain
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.inference.comparison import AssumptionCheck, Comparison
from andon_quality.inference.interval import Interval, normal_quantile, tail


def wilson(successes: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Score interval of a share: (low, high), vectorised.

    centre (p + z^2/2n) / (1 + z^2/n), half width z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n).
    successes, n: same shape, 0 <= successes <= n, n >= 1; assumes independent cases with one common share.
    Covers close to the nominal level on average, also near 0 and 1; prefer `clopper_pearson` when it must never
    cover less. Cost O(size). Raises NotFinite, TooFew for n < 1, OutOfRange.
    Source: Wilson, 1927, Journal of the American Statistical Association 22:209.

    >>> low, high = wilson([0, 5], [10, 10])
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.2366], [0.2775, 0.7634])
    """
    hits, cases = counts_checked(successes, n)
    z = normal_quantile(confidence)
    share = hits / cases
    width = 1.0 + z * z / cases
    centre = (share + z * z / (2.0 * cases)) / width
    half = z * np.sqrt(share * (1.0 - share) / cases + z * z / (4.0 * cases * cases)) / width
    # Rounding must not leave the ends a hair inside at 0 of n and n of n.
    low = np.where(hits == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(hits == cases, 1.0, np.minimum(centre + half, 1.0))
    return low, high


def clopper_pearson(successes: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Exact interval of a share: covers at least the nominal level for every true share, so it is wide.

    low = Beta quantile(tail; x, n - x + 1), high = Beta quantile(1 - tail; x + 1, n - x). Shapes, assumptions and
    errors as `wilson`, which to prefer unless a guarantee is needed. Cost O(size); scipy is imported on use.
    Source: Clopper and Pearson, 1934, Biometrika 26:404.

    >>> low, high = clopper_pearson(5, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.1871, 0.8129)
    """
    from scipy.special import betaincinv

    hits, cases = counts_checked(successes, n)
    outside = tail(confidence)
    low = np.where(hits == 0, 0.0, betaincinv(np.maximum(hits, 0.5), cases - hits + 1.0, outside))
    high = np.where(hits == cases, 1.0, betaincinv(hits + 1.0, np.maximum(cases - hits, 0.5), 1.0 - outside))
    return low, high


def counts_checked(successes: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Successes and cases as float arrays of one shape; raises NotFinite, TooFew for n < 1, OutOfRange beyond 0..n.

    >>> counts_checked(1, [2, 4])[0].tolist()
    [1.0, 1.0]
    """
    hits, cases = np.broadcast_arrays(finite(successes), finite(n))
    if (cases < 1).any():
        raise TooFew("a share needs at least one case")
    if ((hits < 0) | (hits > cases)).any():
        raise OutOfRange("successes must lie in 0..n")
    return hits, cases


def compare_proportions(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike], confidence: float = 0.95
) -> Comparison:
    """Whether two shares differ: difference first - second, its interval, and the score test.

    first, second: (successes, n), numbers or arrays of shape (series,) for many comparisons at once. The interval is
    Newcombe's (Wilson intervals of both, squared and added), p comes from z = difference / sqrt(p(1-p)(1/n1 + 1/n2))
    with the pooled share. Assumes independent cases; the check asks for an expected count of at least 5 in each cell.
    Prefer `fisher` for smaller counts. Cost O(series). Raises TooFew, OutOfRange, NotFinite.
    Source: Newcombe, 1998, Statistics in Medicine 17:873 (method 10).

    >>> result = compare_proportions((56, 70), (48, 80))
    >>> round(result.effect, 4), round(result.interval.lower, 4), round(result.interval.upper, 4)
    (0.2, 0.0524, 0.3339)
    """
    from scipy.special import erfc

    (x1, n1), (x2, n2) = counts_checked(*first), counts_checked(*second)
    (low1, high1), (low2, high2) = wilson(x1, n1, confidence), wilson(x2, n2, confidence)
    p1, p2 = x1 / n1, x2 / n2
    effect = p1 - p2
    low, high = effect - np.hypot(p1 - low1, high2 - p2), effect + np.hypot(high1 - p1, p2 - low2)
    pooled = (x1 + x2) / (n1 + n2)
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2))
    z = np.divide(effect, error, out=np.zeros(error.shape), where=error > 0.0)
    smallest = np.minimum(n1, n2) * np.minimum(pooled, 1.0 - pooled)
    expected = "expected count at least 5"
    check = AssumptionCheck(expected, plain(smallest >= 5.0), "smallest expected count {:.3g}", (plain(smallest),))
    interval, p = Interval(plain(low), plain(high), confidence), erfc(np.abs(z) / math.sqrt(2.0))
    return Comparison("difference of shares", plain(effect), interval, plain(z), None, plain(p), (check,))
