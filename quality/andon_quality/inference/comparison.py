"""What a comparison answers: effect, interval, statistic, p and the checks of what it assumes."""

from __future__ import annotations

from dataclasses import dataclass

from andon_quality.inference.interval import Interval


@dataclass(frozen=True)
class Check:
    """One assumption, whether the data are at ease with it, and the figure behind that."""

    assumes: str
    holds: bool
    evidence: str


@dataclass(frozen=True)
class Comparison:
    """The answer of a test: `effect` (what it is: `effect_is`) with its interval, the statistic with its degrees of
    freedom (None where it has none), the two-sided p value, and the assumption checks."""

    effect_is: str
    effect: float
    interval: Interval
    statistic: float
    freedom: float | tuple[float, float] | None
    p: float
    checks: tuple[Check, ...]

    @property
    def sound(self) -> bool:
        """Whether every assumption check holds."""
        return all(check.holds for check in self.checks)
