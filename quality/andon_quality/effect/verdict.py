"""What may be said of an action once its effect has an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from andon_quality import plot
from andon_quality.arguments import checked
from andon_quality.arrays import PerSeries, plain, refuse
from andon_quality.errors import NotFinite, OutOfRange
from andon_quality.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
class EffectCheck:
    """One assumption looked at: its name, whether it holds, the figure it was judged by and what that means.

    is_needed: the verdict rests on it, so that without it nothing is decided; the interval stays as it was computed.
    """

    name: str
    passed: PerSeries
    value: PerSeries
    meaning: str
    is_needed: bool = False


@dataclass(frozen=True)
class Effect(Result):
    """An effect with its interval (unit of the data; after minus before) and what may be said of it.

    Of many series in one call every figure, and the verdict, is an array of shape (series,).
    The `relative` figures are fractions of the level without the action; None where that level is not clearly positive
    (NaN for such a series among many).
    `margin` is the largest change that counts as none; None when nobody stated one, and then "no change" is never said.
    `p_value` is two-sided where one looks once, one-sided and valid at every look for the always-valid methods.
    """

    estimate: PerSeries
    lower: PerSeries
    upper: PerSeries
    relative: PerSeries | None
    relative_lower: PerSeries | None
    relative_upper: PerSeries | None
    p_value: PerSeries
    verdict: PerSeries
    checks: tuple[EffectCheck, ...]
    method: str
    confidence: float
    margin: PerSeries | None

    def plot(self, axes: Axes | None = None) -> Axes:
        """The effect with its interval against zero, of one series. Raises Inconsistent, MissingExtra."""
        verdict = self.verdict.value if isinstance(self.verdict, Verdict) else ""
        return plot.interval(axes, self.estimate, self.lower, self.upper, verdict)


VERDICTS = np.array([Verdict.NO_CHANGE, Verdict.IMPROVED, Verdict.WORSE, Verdict.UNDECIDED], dtype=object)


@checked
def decide(
    lower: PerSeries,
    upper: PerSeries,
    direction: Direction,
    margin: PerSeries | None = None,
    checks: Sequence[EffectCheck] = (),
) -> PerSeries:
    """The verdict on an effect whose interval is [lower, upper] (after minus before).

    An interval inside [-margin, margin] is "no change": whatever is there is too small to matter. Otherwise an interval
    that excludes zero is "improved" or "worse" by `direction`, and one that includes zero is "undecided".
    Where a check that the verdict needs has failed it is "undecided" whatever the interval: nothing is guaranteed then.
    A one-sided interval may have an infinite end. Numbers in the unit of the data, or arrays of shape (series,) for
    many. Assumes an interval with its stated coverage, and a margin that was stated beforehand. O(1) each. Raises
    OutOfRange for lower > upper or a negative margin, NotFinite for NaN.
    Source of the equivalence rule: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657.

    >>> decide(-4.0, -1.0, Direction.LOWER).value, decide(-4.0, 1.0, Direction.LOWER, margin=2.0).value
    ('improved', 'undecided')
    >>> decide(-0.5, 0.4, Direction.LOWER, margin=1.0).value
    'no change'
    """
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    refuse(np.isnan(low) | np.isnan(high), NotFinite, "an interval has no NaN ends")
    refuse(low > high, OutOfRange, "needs lower <= upper")
    small: PerSeries = np.zeros(low.shape, dtype=np.bool_)
    if margin is not None:
        refuse(np.asarray(margin) < 0, OutOfRange, "needs a margin of zero or more")
        small = (-margin <= low) & (high <= margin)
    rose, fell = low > 0, high < 0
    better, worse = (rose, fell) if direction is Direction.HIGHER else (fell, rose)
    found = np.where(small, 0, np.where(better, 1, np.where(worse, 2, 3)))
    for check in checks:
        if check.is_needed:
            found = np.where(check.passed, found, 3)
    return plain(VERDICTS[found])


def margin_from(expected: PerSeries | None, margin: PerSeries | None) -> PerSeries | None:
    """The stated margin, else half the expected effect, else None; one for all series, or one a series.

    >>> margin_from(-3.0, None), margin_from(None, None)
    (1.5, None)
    """
    if margin is not None:
        return plain(np.asarray(margin, dtype=np.float64))
    return None if expected is None else plain(np.abs(np.asarray(expected, dtype=np.float64)) / 2)
