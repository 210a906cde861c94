"""The Student distribution as this package needs it."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import PerSeries, plain
from andon_quality.errors import OutOfRange


def quantile(confidence: float, df: PerSeries) -> PerSeries:
    """The two-sided Student quantile t with P(|T| <= t) = confidence; `df` may be fractional or infinite.

    df: a number, or an array of any shape for as many quantiles. O(1) each. Raises OutOfRange unless
    0 < confidence < 1 and df > 0. Source: Student, Biometrika 6 (1908) 1.

    >>> round(quantile(0.95, 10), 6)
    2.228139
    """
    from scipy.special import ndtri, stdtrit

    df = np.asarray(df, dtype=np.float64)
    if not 0 < confidence < 1 or not (df > 0).all():
        raise OutOfRange("needs 0 < confidence < 1 and positive degrees of freedom")
    p = (1 + confidence) / 2
    return plain(np.where(np.isinf(df), ndtri(p), stdtrit(np.where(np.isinf(df), 1.0, df), p)))


def tail(statistic: PerSeries, df: PerSeries) -> PerSeries:
    """P(T <= statistic) for Student's T, elementwise. O(1) each. Raises OutOfRange unless df > 0.

    >>> tail(0.0, 5.0)
    0.5
    """
    from scipy.special import ndtr, stdtr

    df = np.asarray(df, dtype=np.float64)
    if not (df > 0).all():
        raise OutOfRange("needs positive degrees of freedom")
    below = stdtr(np.where(np.isinf(df), 1.0, df), statistic)
    return plain(np.where(np.isinf(df), ndtr(statistic), below))


def two_sided_p(statistic: PerSeries, df: PerSeries) -> PerSeries:
    """P(|T| >= |statistic|) for Student's T, elementwise. O(1) each. Raises OutOfRange unless df > 0.

    >>> round(two_sided_p(2.228139, 10), 6)
    0.05
    """
    return 2 * tail(-abs(statistic), df)
