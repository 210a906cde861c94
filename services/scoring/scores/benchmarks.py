"""Which reference value of a benchmark holds for a window, and how the window's value compares with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import assert_never

from services.scoring.system.model import Direction
from services.scoring.system.windows import EARLIEST_US, LATEST_US, WindowId

# Of a value: what converting units may cost.
ROUNDING = 1e-9


class BenchmarkValidity(Enum):
    VALID = 1
    EXPIRED = 2
    UPCOMING = 3
    PARTIAL = 4


class BenchmarkRelation(Enum):
    BETTER = 1
    WORSE = 2
    WITHIN = 3
    NO_VALID_BENCHMARK = 4
    NOT_ENOUGH_DATA = 5


@dataclass(frozen=True)
class ReferenceValue:
    """Holds in [start_us, end_us). low, high: what counts as equal; `value` itself where no interval is known.

    value: None where only quantiles are known, of which low and high are then the outermost. quantiles: (share, value),
    rising.
    """

    value: float | None
    low: float
    high: float
    quantiles: tuple[tuple[float, float], ...] = ()
    start_us: int = EARLIEST_US
    end_us: int = LATEST_US


@dataclass(frozen=True)
class WindowComparison:
    """place: of the reference. share_lower, share_upper: of the quantiles around the value."""

    place: int
    validity: BenchmarkValidity
    relation: BenchmarkRelation
    difference: float | None = None
    share_lower: float | None = None
    share_upper: float | None = None


_TIME = {"s": Fraction(1), "min": Fraction(60), "h": Fraction(3_600), "d": Fraction(86_400)}
_SHARE = {"1": Fraction(1), "%": Fraction(1, 100), "‰": Fraction(1, 1_000)}


def holding(references: Sequence[ReferenceValue], window: WindowId) -> tuple[int, BenchmarkValidity]:
    """references: in order, without overlaps.

    >>> holding([ReferenceValue(1.0, 1.0, 1.0, (), 0, 10), ReferenceValue(2.0, 2.0, 2.0, (), 10, 30)], WindowId(5, 15))
    (0, <BenchmarkValidity.PARTIAL: 4>)
    """
    begun = [place for place, one in enumerate(references) if one.start_us <= window.start_us]
    if not begun:
        return 0, BenchmarkValidity.UPCOMING
    end_us = references[begun[-1]].end_us
    if window.start_us >= end_us:
        return begun[-1], BenchmarkValidity.EXPIRED
    return begun[-1], BenchmarkValidity.VALID if window.end_us <= end_us else BenchmarkValidity.PARTIAL


def factor(unit: str, wanted: str) -> float | None:
    """By what a value is multiplied to be in another unit; None: the two are of different kinds.

    >>> factor("min", "h") == 1 / 60, factor("1", "%"), factor("EUR", "EUR"), factor("EUR", "USD")
    (True, 100.0, 1.0, None)
    """
    if unit == wanted:
        return 1.0
    for family in (_TIME, _SHARE):
        if unit in family and wanted in family:
            return float(family[unit] / family[wanted])
    return None


def compared(
    references: Sequence[ReferenceValue], direction: Direction, window: WindowId, value: float | None
) -> WindowComparison:
    """value: in the unit of the references. None: the window has none."""
    place, validity = holding(references, window)
    if validity is not BenchmarkValidity.VALID:
        return WindowComparison(place, validity, BenchmarkRelation.NO_VALID_BENCHMARK)
    if value is None:
        return WindowComparison(place, validity, BenchmarkRelation.NOT_ENOUGH_DATA)
    one = references[place]
    slack = ROUNDING * max(abs(value), abs(one.low), abs(one.high))
    below = [share for share, bound in one.quantiles if bound <= value + slack]
    above = [share for share, bound in one.quantiles if bound > value + slack]
    return WindowComparison(
        place,
        validity,
        _relation(direction, one, value, slack),
        None if one.value is None else value - one.value,
        max(below, default=None),
        min(above, default=None),
    )


def _relation(direction: Direction, one: ReferenceValue, value: float, slack: float) -> BenchmarkRelation:
    if one.low - slack <= value <= one.high + slack:
        return BenchmarkRelation.WITHIN
    match direction:
        case Direction.LOWER_IS_BETTER:
            return BenchmarkRelation.BETTER if value < one.low else BenchmarkRelation.WORSE
        case Direction.HIGHER_IS_BETTER:
            return BenchmarkRelation.BETTER if value > one.high else BenchmarkRelation.WORSE
        case Direction.TARGET_IS_BETTER | Direction.UNSPECIFIED:
            # Both sides of what is best are worse.
            return BenchmarkRelation.WORSE
        case _:
            assert_never(direction)
