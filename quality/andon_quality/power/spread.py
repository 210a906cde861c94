"""Power of tests of standard deviations of normal values: chi-square and F."""

from __future__ import annotations

import math

from andon_quality.arguments import checked
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.power.sample_size import SampleSize, Sided, critical_share, smallest


@checked
def one_sd_power(n: int, ratio: float, alpha: float = 0.05, sided: Sided = "two") -> float:
    """The probability that the chi-square test of n cases finds a standard deviation `ratio` times the reference.

    Exact. Assumes normal values, in earnest: with heavier tails the test is wrong at any n. Cost O(1).
    Raises TooFew for n < 2, OutOfRange for a ratio that is not positive.
    Source: Montgomery, Introduction to Statistical Quality Control, 7th ed., 4.3.

    >>> round(one_sd_power(170, 1.55**0.5, sided="upper"), 3)
    0.99
    """
    from scipy.special import chdtrc, chdtri

    _check(n, ratio)
    outside, df = critical_share(alpha, sided), n - 1
    above = float(chdtrc(df, float(chdtri(df, outside)) / ratio**2)) if sided != "lower" else 0.0
    below = 1.0 - float(chdtrc(df, float(chdtri(df, 1.0 - outside)) / ratio**2)) if sided != "upper" else 0.0
    return min(above + below, 1.0)


@checked
def one_sd_size(ratio: float, power: float = 0.9, alpha: float = 0.05, sided: Sided = "two") -> SampleSize:
    """How many cases `one_sd_power` needs. Cost some forty powers. Raises OutOfRange for a ratio of 1.

    >>> one_sd_size(1.55**0.5, power=0.99, sided="upper").n
    171
    """
    _way(ratio, sided)
    n = smallest(lambda size: one_sd_power(size, ratio, alpha, sided), power, 2)
    return SampleSize(n, 1, one_sd_power(n, ratio, alpha, sided), alpha)


@checked
def two_sds_power(
    n: int, ratio: float, alpha: float = 0.05, sided: Sided = "two", n_second: int | None = None
) -> float:
    """The probability that the F test finds the first standard deviation `ratio` times the second.

    Exact. n: cases in each group, or in the first, with n_second in the other. Assumes normal values: what
    `inference.compare_spread` does for others needs about (kurtosis excess / 2 + 1) times as many. Cost and errors as
    `one_sd_power`. Source: Montgomery, Design and Analysis of Experiments, 8th ed., 2.6.

    >>> round(two_sds_power(20, 2.0), 3)
    0.837
    """
    from scipy.special import fdtrc, fdtri

    second = n if n_second is None else n_second
    _check(n, ratio)
    _check(second, ratio)
    outside, dfs = critical_share(alpha, sided), (n - 1, second - 1)
    above = float(fdtrc(*dfs, float(fdtri(*dfs, 1.0 - outside)) / ratio**2)) if sided != "lower" else 0.0
    below = 1.0 - float(fdtrc(*dfs, float(fdtri(*dfs, outside)) / ratio**2)) if sided != "upper" else 0.0
    return min(above + below, 1.0)


@checked
def two_sds_size(ratio: float, power: float = 0.9, alpha: float = 0.05, sided: Sided = "two") -> SampleSize:
    """How many cases in each of two groups `two_sds_power` needs. Cost and errors as `one_sd_size`.

    >>> two_sds_size(2.0).n
    24
    """
    _way(ratio, sided)
    n = smallest(lambda size: two_sds_power(size, ratio, alpha, sided), power, 2)
    return SampleSize(n, 2, two_sds_power(n, ratio, alpha, sided), alpha)


def _check(n: int, ratio: float) -> None:
    if n < 2:
        raise TooFew(f"needs at least 2 cases, got {n}")
    if not 0.0 < ratio < math.inf:
        raise OutOfRange(f"the ratio of standard deviations must be positive, got {ratio}")


def _way(ratio: float, sided: Sided) -> None:
    _check(2, ratio)
    if ratio == 1.0 or (sided == "upper" and ratio < 1.0) or (sided == "lower" and ratio > 1.0):
        raise OutOfRange(f"there is no power against a ratio of {ratio} when sided is {sided!r}")
