"""What may be said of an action once its effect has an interval."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from andon_quality.errors import NotFinite, OutOfRange


class Verdict(Enum):
    """The four things that may be said; the value is the text a reader sees."""

    IMPROVED = "improved"
    NO_CHANGE = "no change"
    WORSE = "worse"
    UNDECIDED = "undecided"


class Direction(Enum):
    """Which way of the measured quantity is better."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True)
class Check:
    """One assumption looked at: its name, whether it holds, the figure it was judged by and what that means."""

    name: str
    passed: bool
    value: float
    meaning: str


@dataclass(frozen=True)
class Effect:
    """An effect with its interval (unit of the data; after minus before) and what may be said of it.

    The `relative` figures are fractions of the level without the action; None where that level is not clearly positive.
    `margin` is the largest change that counts as none; None when nobody stated one, and then "no change" is never said.
    `p_value` is two-sided where one looks once, one-sided and valid at every look for the always-valid methods.
    """

    estimate: float
    lower: float
    upper: float
    relative: float | None
    relative_lower: float | None
    relative_upper: float | None
    p_value: float
    verdict: Verdict
    checks: tuple[Check, ...]
    method: str
    confidence: float
    margin: float | None


def decide(lower: float, upper: float, direction: Direction, margin: float | None = None) -> Verdict:
    """The verdict on an effect whose interval is [lower, upper] (after minus before).

    An interval inside [-margin, margin] is "no change": whatever is there is too small to matter. Otherwise an interval
    that excludes zero is "improved" or "worse" by `direction`, and one that includes zero is "undecided".
    A one-sided interval may have an infinite end. O(1). Raises OutOfRange for lower > upper or a negative margin,
    NotFinite for NaN.
    Source of the equivalence rule: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657.

    >>> decide(-4.0, -1.0, Direction.LOWER).value, decide(-4.0, 1.0, Direction.LOWER, margin=2.0).value
    ('improved', 'undecided')
    >>> decide(-0.5, 0.4, Direction.LOWER, margin=1.0).value
    'no change'
    """
    if lower != lower or upper != upper:
        raise NotFinite("an interval has no NaN ends")
    if lower > upper or (margin is not None and margin < 0):
        raise OutOfRange("needs lower <= upper and a margin of zero or more")
    if margin is not None and -margin <= lower and upper <= margin:
        return Verdict.NO_CHANGE
    if lower > 0:
        return Verdict.IMPROVED if direction is Direction.HIGHER else Verdict.WORSE
    if upper < 0:
        return Verdict.IMPROVED if direction is Direction.LOWER else Verdict.WORSE
    return Verdict.UNDECIDED


def margin_from(expected: float | None, margin: float | None) -> float | None:
    """The stated margin, else half the expected effect, else None.

    >>> margin_from(-3.0, None), margin_from(None, None)
    (1.5, None)
    """
    if margin is not None:
        return margin
    return None if expected is None else abs(expected) / 2
