"""The smallest sample whose test has the power asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from andon_quality.errors import OutOfRange
from andon_quality.result import Result

Sided: TypeAlias = Literal["two", "upper", "lower"]
SIZE_MAX = 10_000_000


@dataclass(frozen=True)
class SampleSize(Result):
    """Cases needed in each of `groups` groups, the power that this number has, and the significance level."""

    n: int
    groups: int
    power: float
    alpha: float


def smallest(power_of: Callable[[int], float], power: float, n_min: int, n_max: int = SIZE_MAX) -> int:
    """The smallest n with `power_of(n)` >= power, by doubling and bisection, then a look at the sizes just below.

    Power by counts is a saw that rises: what is found has the power asked for, and none of the sixteen sizes below it.
    Cost about 2 log2 n + 16 powers. Raises OutOfRange for a power outside (0, 1), or where `n_max` does not reach it.

    >>> smallest(lambda n: 1.0 - 0.9**n, 0.8, 1)
    16
    """
    if not 0.0 < power < 1.0:
        raise OutOfRange(f"power must lie between 0 and 1, got {power}")
    low, high = n_min - 1, n_min
    while power_of(high) < power:
        if high >= n_max:
            raise OutOfRange(f"more than {n_max:,} cases are needed: the difference is too small to be found")
        low, high = high, min(2 * high, n_max)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    below = [n for n in range(max(high - 16, n_min), high) if power_of(n) >= power]
    return below[0] if below else high


def critical_share(alpha: float, sided: Sided) -> float:
    """The probability in one tail. Raises OutOfRange for a level outside (0, 1).

    >>> critical_share(0.05, "two")
    0.025
    """
    if not 0.0 < alpha < 1.0:
        raise OutOfRange(f"alpha must lie between 0 and 1, got {alpha}")
    return alpha / 2.0 if sided == "two" else alpha
