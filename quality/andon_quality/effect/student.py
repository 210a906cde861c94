"""The Student distribution as this package needs it."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import PerSeries, plain
from andon_quality.errors import OutOfRange


def quantile(confidence: float, degrees: PerSeries) -> PerSeries:
    """The two-sided Student quantile t with P(|T| <= t) = confidence; `degrees` may be fractional or infinite.

    degrees: a number, or an array of any shape for as many quantiles. O(1) each. Raises OutOfRange unless
    0 < confidence < 1 and degrees > 0. Source: Student, Biometrika 6 (1908) 1.

    >>> round(quantile(0.95, 10), 6)
    2.228139
    """
    from scipy.special import ndtri, stdtrit

    freedom = np.asarray(degrees, dtype=np.float64)
    if not 0 < confidence < 1 or not (freedom > 0).all():
        raise OutOfRange("needs 0 < confidence < 1 and positive degrees of freedom")
    p = (1 + confidence) / 2
    return plain(np.where(np.isinf(freedom), ndtri(p), stdtrit(np.where(np.isinf(freedom), 1.0, freedom), p)))


def tail(statistic: PerSeries, degrees: PerSeries) -> PerSeries:
    """P(T <= statistic) for Student's T, elementwise. O(1) each. Raises OutOfRange unless degrees > 0.

    >>> tail(0.0, 5.0)
    0.5
    """
    from scipy.special import ndtr, stdtr

    freedom = np.asarray(degrees, dtype=np.float64)
    if not (freedom > 0).all():
        raise OutOfRange("needs positive degrees of freedom")
    below = stdtr(np.where(np.isinf(freedom), 1.0, freedom), statistic)
    return plain(np.where(np.isinf(freedom), ndtr(statistic), below))


def two_sided_p(statistic: PerSeries, degrees: PerSeries) -> PerSeries:
    """P(|T| >= |statistic|) for Student's T, elementwise. O(1) each. Raises OutOfRange unless degrees > 0.

    >>> round(two_sided_p(2.228139, 10), 6)
    0.05
    """
    return 2 * tail(-abs(statistic), degrees)
