"""How far an estimate must be from zero before it may be believed at whatever moment one looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from andon_quality.arrays import PerSeries, plain
from andon_quality.effect.student import quantile, tail
from andon_quality.errors import OutOfRange

# Share of the permitted error spent by the planned end; the rest is kept for all time after it.
EARLY_SHARE = 0.9
# The later boundary is tightest at this multiple of the planned information.
LATE_FOCUS = 2.0


@dataclass(frozen=True)
class Boundary:
    """A boundary for the score I(t) * estimate(t), which behaves as Brownian motion in the information I = 1 / se^2.

    One side is crossed, ever, with probability at most 1 - confidence when the effect is zero:
    up to the planned information I_p the constant q sqrt(I_p), q = t(1 - 0.9 (1 - confidence) / 2), by the reflection
    principle; at all times the line sqrt(L / 2) (sqrt(J) + I / sqrt(J)), L = -ln(0.1 (1 - confidence)), J = 2 I_p;
    whichever is lower. `df`, the degrees of freedom of the variance estimate, widen both. Information and df are
    numbers, or arrays of shape (series,) for as many boundaries. Source: Siegmund, Sequential Analysis (1985) ch. 3;
    Robbins, Annals of Mathematical Statistics 41 (1970) 1397.
    """

    planned_information: PerSeries
    confidence: float
    df: PerSeries = math.inf

    def __post_init__(self) -> None:
        positive = (np.asarray(self.planned_information) > 0).all() and (np.asarray(self.df) > 0).all()
        if not positive or not 0 < self.confidence < 1:
            raise OutOfRange("needs positive information and degrees of freedom, and 0 < confidence < 1")

    def reach(self, information: PerSeries) -> PerSeries:
        """The half-width of the always-valid interval at `information`: boundary / information. O(1) each.

        >>> round(Boundary(100.0, 0.95).reach(100.0), 4), round(Boundary(100.0, 0.95).reach(25.0), 4)
        (0.2005, 0.8019)
        """
        spent = -math.log((1 - EARLY_SHARE) * (1 - self.confidence))
        late = math.sqrt(spent / 2) * self._line(information) * self._widening
        early = self._critical * np.sqrt(self.planned_information)
        by_now = np.where(information <= self.planned_information, np.minimum(early, late), late)
        return plain(by_now / information)

    def p_value(self, estimate: PerSeries, information: PerSeries) -> PerSeries:
        """The one-sided p that is valid at any moment: the smallest error rate at which the boundary is crossed.

        O(1) each.

        >>> boundary = Boundary(100.0, 0.95)
        >>> round(boundary.p_value(boundary.reach(60.0), 60.0), 6)
        0.05
        """
        score = abs(estimate) * information
        scale = self._line(information) * self._widening
        late = np.minimum(np.exp(-2 * np.square(score / scale)) / (1 - EARLY_SHARE), 1.0)
        early = 2 * tail(-score / np.sqrt(self.planned_information), self.df) / EARLY_SHARE
        return plain(np.where(information > self.planned_information, late, np.minimum(early, late)))

    @cached_property
    def critical(self) -> PerSeries:
        """The Student quantile at the confidence, as for a single look."""
        return quantile(self.confidence, self.df)

    # Kept, since a boundary is asked at every look.
    @cached_property
    def _critical(self) -> PerSeries:
        return quantile(1 - EARLY_SHARE * (1 - self.confidence), self.df)

    @cached_property
    def _widening(self) -> PerSeries:
        return self._critical / quantile(1 - EARLY_SHARE * (1 - self.confidence), math.inf)

    def _line(self, information: PerSeries) -> PerSeries:
        focus = np.sqrt(LATE_FOCUS * self.planned_information)
        return focus + information / focus
