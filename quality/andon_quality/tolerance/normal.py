"""Tolerance intervals of normal values, by exact factors."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, beyond_rounding, by_series, plain, refuse
from andon_quality.errors import NoSpread, TooFew
from andon_quality.tolerance.tolerance_interval import Sided, ToleranceInterval, check_shares

# Beyond this many standard errors the mean of a sample is not found.
REACH, NODES = 9.0, 96
STEPS = 60


@checked
def normal(
    values: ArrayLike, coverage: float = 0.99, confidence: float = 0.95, sided: Sided = "two"
) -> ToleranceInterval:
    """Mean -+ k sd of normal values, with the exact factor k: at least `coverage` of the population, with `confidence`.

    values: shape (n >= 2,), or (series, n) for many. Assumes independent values of one normal distribution, in its
    tails too: check `normality` first, take logarithms of durations, or prefer `distribution_free`, which needs many
    more values. Cost O(values) and one factor. Raises TooFew, NotFinite, NoSpread, OutOfRange.
    Source: ISO 16269-6:2014; Krishnamoorthy and Mathew, Statistical Tolerance Regions (2009), ch. 2.

    >>> found = normal([9.0, 10.0, 11.0, 10.0, 9.5, 10.5], coverage=0.9)
    >>> round(found.lower, 3), round(found.upper, 3)
    (7.361, 12.639)
    """
    x = by_series(values, at_least=2)
    n, mean = x.shape[-1], x.mean(axis=-1)
    sd = x.std(axis=-1, ddof=1)
    refuse(beyond_rounding(sd, x) == 0.0, NoSpread, "every value is equal")
    factor = normal_factor(n, coverage, confidence, sided)
    lower, upper = (
        plain(mean + sign * factor * sd) if sided in ("two", side) else plain(np.full(mean.shape, sign * math.inf))
        for side, sign in (("lower", -1.0), ("upper", 1.0))
    )
    return ToleranceInterval(lower, upper, coverage, confidence, "normal", factor, n)


@checked
def normal_factor(n: int, coverage: float = 0.99, confidence: float = 0.95, sided: Sided = "two") -> float:
    """The exact k of `normal` for n values: no simulation, no approximation.

    One-sided: a quantile of the noncentral t, t'(confidence; n - 1, z sqrt(n)) / sqrt(n). Two-sided: the root of the
    integral over the mean of P(chi-square(n - 1) > (n - 1) r^2 / k^2), r the half width about that mean that covers the
    share; Gauss-Legendre, nine digits. Cost a millisecond, once for each n. Raises TooFew for n < 2, OutOfRange.
    Source: Odeh and Owen, Tables for Normal Tolerance Limits (1980); ISO 16269-6:2014, annexes.

    >>> round(normal_factor(10, 0.95), 3), round(normal_factor(10, 0.95, sided="upper"), 3)
    (3.393, 2.911)
    """
    check_shares(coverage, confidence)
    if n < 2:
        raise TooFew(f"needs at least 2 values, got {n}")
    return _two_sided(n, coverage, confidence) if sided == "two" else _one_sided(n, coverage, confidence)


@lru_cache(maxsize=256)
def _one_sided(n: int, coverage: float, confidence: float) -> float:
    from scipy.special import ndtri
    from scipy.stats import nct

    return float(nct.ppf(confidence, n - 1, float(ndtri(coverage)) * math.sqrt(n))) / math.sqrt(n)


@lru_cache(maxsize=256)
def _two_sided(n: int, coverage: float, confidence: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import chdtrc

    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    z, density = REACH * (nodes + 1.0) / 2.0, REACH / 2.0 * weights
    # Both signs of the mean alike.
    density = density * 2.0 * np.exp(-np.square(z) / 2.0) / math.sqrt(2.0 * math.pi)
    squares = (n - 1) * np.square(_half_widths(z / math.sqrt(n), coverage))

    def short(log_k: float) -> float:
        return float(density @ chdtrc(n - 1, squares / math.exp(2.0 * log_k))) - confidence

    return math.exp(brentq(short, -8.0, 40.0, xtol=1e-13))


def _half_widths(means: FloatArray, coverage: float) -> FloatArray:
    """r of each mean such that a standard normal lies within mean -+ r with probability `coverage`, by Newton."""
    from scipy.special import ndtr, ndtri

    # From above, where the share within is concave in r, so that steps do not pass the root.
    r = means + float(ndtri((1.0 + coverage) / 2.0))
    for _ in range(STEPS):
        share = ndtr(means + r) - ndtr(means - r)
        slope = (np.exp(-np.square(means + r) / 2.0) + np.exp(-np.square(means - r) / 2.0)) / math.sqrt(2.0 * math.pi)
        step = (share - coverage) / slope
        r = r - step
        if float(np.abs(step).max()) < 1e-14 * float(r.max()):
            break
    return np.asarray(r)
