"""What a comparison answers: effect, interval, statistic, p and the checks of what it assumes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import ClassVar

import numpy as np

from andon_quality.arrays import PerSeries
from andon_quality.inference.interval import Interval
from andon_quality.result import Result


@dataclass(frozen=True)
class AssumptionCheck:
    """One assumption, whether the data are at ease with it, and the figures behind that, in the words of `says`."""

    assumes: str
    holds: PerSeries
    says: str
    figures: tuple[PerSeries, ...]
    PRINTED: ClassVar[tuple[str, ...]] = ("assumes", "holds", "evidence")

    @property
    def evidence(self) -> PerSeries:
        """The figures in words: a text for one comparison, an array of texts for many.

        >>> AssumptionCheck("enough", True, "smallest group has {}", (7,)).evidence
        'smallest group has 7'
        """
        if np.ndim(self.holds) == 0:
            return self.says.format(*self.figures)
        figures = np.broadcast_arrays(*self.figures, self.holds)[:-1]
        return np.array([self.says.format(*each) for each in zip(*figures, strict=True)])


@dataclass(frozen=True)
class Comparison(Result):
    """The answer of a test: `effect` (what it is: `effect_is`) with its interval, the statistic with its degrees of
    freedom (None where it has none), the two-sided p value, and the assumption checks.

    Numbers for one comparison, arrays of shape (series,) for many in one call; `holm(result.p_value)` or
    `benjamini_hochberg(result.p_value)` then tells what remains of them when all were looked at.
    """

    effect_is: str
    effect: PerSeries
    interval: Interval
    statistic: PerSeries
    df: PerSeries | tuple[PerSeries, PerSeries] | None
    p_value: PerSeries
    checks: tuple[AssumptionCheck, ...]

    @property
    def sound(self) -> PerSeries:
        """Whether every assumption check holds."""
        return reduce(and_, (check.holds for check in self.checks), True)
