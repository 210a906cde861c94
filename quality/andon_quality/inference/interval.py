"""An interval with the confidence it was made for, and the normal quantile it is often made with."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

from andon_quality.arrays import PerSeries
from andon_quality.errors import OutOfRange
from andon_quality.result import Result


@dataclass(frozen=True)
class Interval(Result):
    """Two ends, in the unit of the effect (arrays of shape (series,) for many), and the confidence level in (0, 1)."""

    lower: PerSeries
    upper: PerSeries
    confidence: float = 0.95

    def contains(self, value: PerSeries) -> PerSeries:
        """Whether `value` lies within, ends included.

        >>> Interval(0.1, 0.4).contains(0.0)
        False
        """
        return (self.lower <= value) & (value <= self.upper)


def normal_quantile(confidence: float) -> float:
    """The two-sided standard normal quantile; raises OutOfRange outside (0, 1).

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return NormalDist().inv_cdf(1.0 - tail(confidence))


def tail(confidence: float) -> float:
    """The probability in each of the two tails outside an interval of this confidence.

    >>> round(tail(0.9), 6)
    0.05
    """
    if not 0.0 < confidence < 1.0:
        raise OutOfRange("confidence must lie between 0 and 1")
    return (1.0 - confidence) / 2.0
