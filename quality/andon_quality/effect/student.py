"""The Student distribution as this package needs it."""

from __future__ import annotations

from andon_quality.errors import OutOfRange


def quantile(confidence: float, degrees: float) -> float:
    """The two-sided Student quantile t with P(|T| <= t) = confidence; `degrees` may be fractional or infinite.

    Source: Student, Biometrika 6 (1908) 1. O(1). Raises OutOfRange unless 0 < confidence < 1 and degrees > 0.

    >>> round(quantile(0.95, 10), 6)
    2.228139
    """
    from scipy.special import ndtri, stdtrit

    if not 0 < confidence < 1 or not degrees > 0:
        raise OutOfRange("needs 0 < confidence < 1 and positive degrees of freedom")
    p = (1 + confidence) / 2
    return float(ndtri(p) if degrees == float("inf") else stdtrit(degrees, p))


def two_sided_p(statistic: float, degrees: float) -> float:
    """P(|T| >= |statistic|) for Student's T. O(1). Raises OutOfRange unless degrees > 0.

    >>> round(two_sided_p(2.228139, 10), 6)
    0.05
    """
    from scipy.special import ndtr, stdtr

    if not degrees > 0:
        raise OutOfRange("needs positive degrees of freedom")
    tail = -abs(statistic)
    return float(2 * (ndtr(tail) if degrees == float("inf") else stdtr(degrees, tail)))
