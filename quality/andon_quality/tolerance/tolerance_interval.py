"""A tolerance interval, and the words for its sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from andon_quality.arrays import PerSeries
from andon_quality.errors import OutOfRange
from andon_quality.result import Result

Sided: TypeAlias = Literal["two", "upper", "lower"]


@dataclass(frozen=True)
class ToleranceInterval(Result):
    """At least `coverage` of the population lies within, with `confidence`; ends in the unit of the values.

    Numbers for one series, arrays of shape (series,) for many. One-sided: the other end is infinite. method says what
    is assumed; factor: the interval is mean -+ factor sd, None without a distribution. confidence is what the method
    attains, which without a distribution is at least what was asked for.
    """

    lower: PerSeries
    upper: PerSeries
    coverage: float
    confidence: float
    method: str
    factor: float | None
    n: int


def check_shares(coverage: float, confidence: float) -> None:
    """Raises OutOfRange unless both lie between 0 and 1.

    >>> check_shares(0.95, 0.99)
    """
    if not (0.0 < coverage < 1.0 and 0.0 < confidence < 1.0):
        raise OutOfRange(f"coverage and confidence must lie between 0 and 1, got {coverage} and {confidence}")
