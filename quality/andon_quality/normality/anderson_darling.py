"""The test of Anderson and Darling for normality, with mean and standard deviation estimated."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, plain
from andon_quality.normality.normality_test import NormalityTest, ordered

SIZE_MAX = 10_000_000
# Of D'Agostino and Stephens, table 4.9: up to this modified statistic, p (or 1 - p) = exp(a + b A + c A^2).
BRANCHES = (
    (0.2, -13.436, 101.14, -223.73, True),
    (0.34, -8.318, 42.796, -59.938, True),
    (0.6, 0.9177, -4.279, -1.38, False),
    (13.0, 1.2937, -5.709, 0.0186, False),
)


def anderson_darling(values: ArrayLike) -> NormalityTest:
    """A^2 = -n - sum (2 i - 1) (log F(x_i) + log(1 - F(x_(n + 1 - i)))) / n, the squared distance weighed to the tails.

    p from A* = A^2 (1 + .75 / n + 2.25 / n^2) by the branches of D'Agostino and Stephens; below 1e-13 it is 0.
    statistic: A^2, unmodified, as Minitab and R print it. values: shape (n >= 8,), or (series, n) for many. Assumes
    independent values: autocorrelated ones look not normal too often. The best of these tests against tails; prefer
    `shapiro_wilk` for few values, and both over a test against a stated distribution. Cost O(n log n).
    Raises TooFew, NotFinite, NoSpread.
    Source: D'Agostino and Stephens, Goodness-of-Fit Techniques (1986), 4.8.

    >>> found = anderson_darling([2.1, 2.5, 1.9, 2.2, 2.4, 2.0, 2.3, 6.0])
    >>> round(found.statistic, 4), round(found.p_value, 6)
    (1.6441, 9.7e-05)
    """
    from scipy.special import log_ndtr

    x = ordered(values, 8, SIZE_MAX)
    n = x.shape[-1]
    z = (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, ddof=1, keepdims=True)
    odd = 2.0 * np.arange(1, n + 1) - 1.0
    # Ordered upside down, the survival function is the distribution function of the negated values.
    logs = log_ndtr(z) + np.ascontiguousarray(log_ndtr(-z)[..., ::-1])
    squared = -n - (odd * logs).sum(axis=-1) / n
    return NormalityTest("Anderson-Darling", plain(squared), plain(_tail(squared * (1.0 + 0.75 / n + 2.25 / n**2))), n)


def _tail(modified: FloatArray) -> FloatArray:
    p = np.zeros(np.shape(modified))
    for limit, a, b, c, is_lower in reversed(BRANCHES):
        share = np.exp(np.minimum(a + b * modified + c * np.square(modified), 0.0))
        p = np.where(modified <= limit, 1.0 - share if is_lower else share, p)
    return p
