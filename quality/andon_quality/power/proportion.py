"""Power of tests of shares, from the binomial distribution itself."""

from __future__ import annotations

import math

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.power.sample_size import SampleSize, Sided, critical_share, smallest

# What lies further out than this many standard deviations is left out of a sum over both counts.
REACH = 9.0
SIZE_MAX, SIZE_MAX_OF_TWO = 10_000_000, 100_000


@checked
def one_proportion_power(n: int, share: float, reference: float, alpha: float = 0.05, sided: Sided = "two") -> float:
    """The probability that the exact binomial test of n cases finds that a share is not `reference`.

    The test rejects what `inference.clopper_pearson` excludes: alpha / 2 at most in either tail. Exact. It is a saw in
    n: more cases can have less power, since the test's level jumps. Assumes independent cases. Cost O(log n).
    Raises TooFew for n < 1, OutOfRange for shares outside (0, 1).
    Source: Chernick and Liu, 2002, The American Statistician 56:149.

    >>> round(one_proportion_power(35, 0.4, 0.2, sided="upper"), 4)
    0.8048
    """
    from scipy.special import bdtr, bdtrc

    _check(n, share, reference)
    outside, found = critical_share(alpha, sided), 0.0
    if sided != "lower":
        # The smallest count with P(X >= count) <= outside.
        count = _count(n, reference, outside, upper=True)
        found += float(bdtrc(count - 1, n, share)) if count <= n else 0.0
    if sided != "upper":
        count = _count(n, reference, outside, upper=False)
        found += float(bdtr(count, n, share)) if count >= 0 else 0.0
    return min(found, 1.0)


@checked
def one_proportion_size(
    share: float, reference: float, power: float = 0.9, alpha: float = 0.05, sided: Sided = "two"
) -> SampleSize:
    """How many cases `one_proportion_power` needs; a few more may have a little less. Errors as there.

    >>> one_proportion_size(0.4, 0.2, power=0.8, sided="upper").n
    35
    """
    _differ(share, reference, sided)
    n = smallest(lambda size: one_proportion_power(size, share, reference, alpha, sided), power, 1, SIZE_MAX)
    return SampleSize(n, 1, one_proportion_power(n, share, reference, alpha, sided), alpha)


@checked
def two_proportions_power(
    n: int, first: float, second: float, alpha: float = 0.05, sided: Sided = "two", n_second: int | None = None
) -> float:
    """The probability that the score test of `inference.compare_proportions` finds that two shares differ.

    Exact: summed over every pair of counts that can occur, not the normal approximation of power.prop.test. n: cases in
    each group, or in the first, with n_second in the other, at most 100,000. "upper": first above second. Assumes
    independent cases. Cost O(n): 1 ms for 100, 0.2 s for 10,000. Raises TooFew, OutOfRange.
    Source: Suissa and Shuster, 1985, Journal of the Royal Statistical Society A 148:317 (unconditional power).

    >>> round(two_proportions_power(50, 0.5, 0.75), 3)
    0.745
    """
    from scipy.special import ndtri

    other = n if n_second is None else n_second
    _check(n, first, second)
    _check(other, first, second)
    if max(n, other) > SIZE_MAX_OF_TWO:
        raise OutOfRange(f"at most {SIZE_MAX_OF_TWO:,} cases a group, got {max(n, other):,}")
    critical = -float(ndtri(critical_share(alpha, sided)))
    (counts, mass), (others, other_mass) = _binomial(n, first), _binomial(other, second)
    difference = counts[:, None] / n - others / other
    pooled = (counts[:, None] + others) / (n + other)
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / other))
    # Where both are all or nothing there is no difference.
    z = np.divide(difference, error, out=np.zeros(error.shape), where=error > 0.0)
    rejected = {"two": np.abs(z) > critical, "upper": z > critical, "lower": z < -critical}[sided]
    return float(mass @ (rejected @ other_mass))


@checked
def two_proportions_size(
    first: float, second: float, power: float = 0.9, alpha: float = 0.05, sided: Sided = "two"
) -> SampleSize:
    """How many cases in each of two groups `two_proportions_power` needs. Cost some fifty powers. Errors as there.

    >>> two_proportions_size(0.5, 0.75).n
    76
    """
    _differ(first, second, sided)
    n = smallest(lambda size: two_proportions_power(size, first, second, alpha, sided), power, 2, SIZE_MAX_OF_TWO)
    return SampleSize(n, 2, two_proportions_power(n, first, second, alpha, sided), alpha)


def _binomial(n: int, share: float) -> tuple[FloatArray, FloatArray]:
    """The counts within reach and their probabilities."""
    from scipy.special import gammaln, xlog1py, xlogy

    reach = REACH * math.sqrt(n * share * (1.0 - share)) + REACH
    counts = np.arange(max(math.floor(n * share - reach), 0), min(math.ceil(n * share + reach), n) + 1.0)
    ways = gammaln(n + 1.0) - gammaln(counts + 1.0) - gammaln(n - counts + 1.0)
    return counts, np.exp(ways + xlogy(counts, share) + xlog1py(n - counts, -share))


def _count(n: int, reference: float, outside: float, upper: bool) -> int:
    """The innermost count that the test rejects; n + 1 or -1 where it rejects none."""
    from scipy.special import bdtr, bdtrc

    low, high = -1, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        if upper:
            rejects = float(bdtrc(middle - 1, n, reference)) <= outside if middle > 0 else False
            low, high = (low, middle) if rejects else (middle, high)
        else:
            rejects = float(bdtr(middle, n, reference)) <= outside
            low, high = (middle, high) if rejects else (low, middle)
    return high if upper else low


def _check(n: int, *shares: float) -> None:
    if n < 1:
        raise TooFew(f"needs at least 1 case, got {n}")
    if not all(0.0 < share < 1.0 for share in shares):
        raise OutOfRange(f"shares must lie between 0 and 1, got {shares}")


def _differ(share: float, other: float, sided: Sided) -> None:
    _check(1, share, other)
    if share == other or (sided == "upper" and share < other) or (sided == "lower" and share > other):
        raise OutOfRange(f"there is no power for {share} against {other} when sided is {sided!r}")
