"""Power of comparisons of means: one, paired, two and several, by the noncentral t and F."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import finite
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.power.sample_size import SampleSize, Sided, critical_share, smallest


@checked
def one_mean_power(n: int, shift: float, alpha: float = 0.05, sided: Sided = "two") -> float:
    """The probability that `inference.one_mean` (or `paired`) of n cases finds a shift, in standard deviations.

    Exact: noncentral t with n - 1 degrees of freedom and noncentrality shift sqrt(n). Two-sided: both tails count.
    paired: shift in standard deviations of the differences. Assumes independent, normal values. Prefer
    `two_means_power` for two groups. Cost O(1). Raises TooFew for n < 2, OutOfRange.
    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed. (1988), ch. 2.

    >>> round(one_mean_power(20, 1.0 / 2.0), 4)
    0.5645
    """
    if n < 2:
        raise TooFew(f"needs at least 2 cases, got {n}")
    return _student(n - 1, shift * math.sqrt(n), alpha, sided)


@checked
def one_mean_size(shift: float, power: float = 0.9, alpha: float = 0.05, sided: Sided = "two") -> SampleSize:
    """How many cases `one_mean_power` needs for a power. Cost some forty powers. Raises OutOfRange for a shift of 0.

    >>> one_mean_size(0.5, power=0.8).n
    34
    """
    _way(shift, sided)
    n = smallest(lambda size: one_mean_power(size, shift, alpha, sided), power, 2)
    return SampleSize(n, 1, one_mean_power(n, shift, alpha, sided), alpha)


@checked
def two_means_power(
    n: int, shift: float, alpha: float = 0.05, sided: Sided = "two", n_second: int | None = None
) -> float:
    """The probability that a comparison of two means finds a shift, in standard deviations of a case.

    Exact for Student's t with pooled spread; Welch's, which `inference.welch` does, has the same where the groups vary
    alike. n: cases in each group, or in the first, with n_second in the other. Assumptions, cost and errors as
    `one_mean_power`. Source: Cohen (1988), ch. 2; figures of R's power.t.test.

    >>> round(two_means_power(20, 1.0), 4)
    0.869
    """
    second = n if n_second is None else n_second
    if min(n, second) < 1 or n + second < 3:
        raise TooFew(f"needs at least 3 cases in two groups, got {n} and {second}")
    return _student(n + second - 2, shift / math.sqrt(1.0 / n + 1.0 / second), alpha, sided)


@checked
def two_means_size(shift: float, power: float = 0.9, alpha: float = 0.05, sided: Sided = "two") -> SampleSize:
    """How many cases in each of two groups `two_means_power` needs. Cost and errors as `one_mean_size`.

    >>> two_means_size(1.0).n
    23
    """
    _way(shift, sided)
    n = smallest(lambda size: two_means_power(size, shift, alpha, sided), power, 2)
    return SampleSize(n, 2, two_means_power(n, shift, alpha, sided), alpha)


@checked
def anova_power(n: int, means: ArrayLike, sd: float = 1.0, alpha: float = 0.05) -> float:
    """The probability that `inference.anova` of groups with these means, n cases each, finds that they differ.

    Exact: noncentral F with noncentrality n sum (mean - grand mean)^2 / sd^2. means: shape (groups >= 2,), in the unit
    of sd, the standard deviation within a group. Assumes normal values of one spread. Cost O(groups).
    Raises TooFew, NotFinite, OutOfRange. Source: Cohen (1988), ch. 8.

    >>> round(anova_power(20, [0.0, 0.0, 0.5, 1.0]), 3)
    0.872
    """
    from scipy.special import fdtri, ncfdtr

    of = finite(means, at_least=2)
    if n < 2:
        raise TooFew(f"needs at least 2 cases a group, got {n}")
    if not sd > 0.0:
        raise OutOfRange(f"sd must be positive, got {sd}")
    between, within = of.size - 1, of.size * (n - 1)
    critical = float(fdtri(between, within, 1.0 - critical_share(alpha, "upper")))
    size = n * float(np.square(of - of.mean()).sum()) / sd**2
    return 1.0 - float(ncfdtr(between, within, size, critical))


@checked
def anova_size(means: ArrayLike, sd: float = 1.0, power: float = 0.9, alpha: float = 0.05) -> SampleSize:
    """How many cases in each group `anova_power` needs. Cost and errors as `one_mean_size`.

    >>> anova_size([0.0, 0.0, 0.5, 1.0]).n
    22
    """
    of = finite(means, at_least=2)
    if not np.ptp(of) > 0.0:
        raise OutOfRange("the means are all the same: there is nothing to find")
    n = smallest(lambda size: anova_power(size, of, sd, alpha), power, 2)
    return SampleSize(n, of.size, anova_power(n, of, sd, alpha), alpha)


def _student(df: int, size: float, alpha: float, sided: Sided) -> float:
    from scipy.special import nctdtr, stdtrit

    critical = float(stdtrit(df, 1.0 - critical_share(alpha, sided)))
    if not math.isfinite(size):
        raise OutOfRange("the shift must be a finite number")
    # The lower tail is the upper one of the mirror image, where the function is accurate.
    above = 1.0 - float(nctdtr(df, size, critical)) if sided != "lower" else 0.0
    below = 1.0 - float(nctdtr(df, -size, critical)) if sided != "upper" else 0.0
    return min(above + below, 1.0)


def _way(shift: float, sided: Sided) -> None:
    if (
        not math.isfinite(shift)
        or shift == 0.0
        or (sided == "upper" and shift < 0.0)
        or (sided == "lower" and shift > 0.0)
    ):
        raise OutOfRange(f"there is no power against a shift of {shift} when sided is {sided!r}")
