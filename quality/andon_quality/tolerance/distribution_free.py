"""Tolerance intervals between order statistics, for values of any continuous distribution."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import by_series, plain
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.tolerance.tolerance_interval import Sided, ToleranceInterval, check_shares

SIZE_MAX = 10_000_000


@checked
def distribution_free(
    values: ArrayLike, coverage: float = 0.99, confidence: float = 0.95, sided: Sided = "two"
) -> ToleranceInterval:
    """Between two of the ordered values, or beyond one, as far in as the confidence allows.

    Leaving out m - 2 of the extreme values, half on either side (one-sided m - 1 on that side), the share between has
    the Beta(n - m + 1, m) distribution whatever the values follow. values: shape (n,), or (series, n) for many.
    Assumes independent values of one distribution; ties make the interval cover more. Prefer `normal` where values are
    normal. Cost O(n log n). Raises TooFew, naming how many values it takes; NotFinite, OutOfRange.
    Source: Wilks, 1941, Annals of Mathematical Statistics 12:91; ISO 16269-6:2014.

    >>> found = distribution_free(range(100), coverage=0.9)
    >>> found.lower, found.upper, round(found.confidence, 4)
    (1.0, 97.0, 0.9763)
    """
    check_shares(coverage, confidence)
    x = np.sort(by_series(values), axis=-1)
    n = x.shape[-1]
    out = _left_out(n, coverage, confidence)
    if out < (2 if sided == "two" else 1):
        needed = distribution_free_size(coverage, confidence, sided)
        raise TooFew(f"needs at least {needed} values, got {n}")
    below, above = {"two": (out // 2, out - out // 2), "lower": (out, 0), "upper": (0, out)}[sided]
    nothing = np.full(x.shape[:-1], math.inf)
    return ToleranceInterval(
        lower=plain(x[..., below - 1]) if below else plain(-nothing),
        upper=plain(x[..., n - above]) if above else plain(nothing),
        coverage=coverage,
        confidence=_confidence(n, out, coverage),
        method="distribution-free",
        factor=None,
        n=n,
    )


@checked
def distribution_free_size(coverage: float = 0.99, confidence: float = 0.95, sided: Sided = "two") -> int:
    """How many values it takes until the smallest and the largest (one-sided: one of them) are a tolerance interval.

    The smallest n with 1 - n p^(n - 1) + (n - 1) p^n >= confidence, one-sided 1 - p^n, p the coverage. O(log n).
    Raises OutOfRange where that is more than ten million. Source: Wilks, 1941, Annals of Mathematical Statistics 12:91.

    >>> distribution_free_size(0.95), distribution_free_size(0.95, sided="upper")
    (93, 59)
    """
    check_shares(coverage, confidence)
    out = 2 if sided == "two" else 1
    low, high = out - 1, out
    while _confidence(high, out, coverage) < confidence:
        low, high = high, 2 * high
        if high > SIZE_MAX:
            raise OutOfRange(f"coverage {coverage} takes more than {SIZE_MAX:,} values")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _confidence(middle, out, coverage) >= confidence else (middle, high)
    return high


def _left_out(n: int, coverage: float, confidence: float) -> int:
    """The largest m with enough confidence; 0 where there is none."""
    low, high = 0, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _confidence(n, middle, coverage) >= confidence else (low, middle)
    return low


def _confidence(n: int, out: int, coverage: float) -> float:
    from scipy.special import bdtr

    # P(Beta(n - m + 1, m) > p) = P(at most n - m of n lie within a share p).
    return float(bdtr(n - out, n, coverage))
