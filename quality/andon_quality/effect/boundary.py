"""How far an estimate must stand from zero before it may be believed at whatever moment one looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from andon_quality.effect.student import quantile
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
    whichever is lower. `degrees` of freedom of the variance estimate widen both.
    Source: Siegmund, Sequential Analysis (1985) ch. 3; Robbins, Annals of Mathematical Statistics 41 (1970) 1397.
    """

    planned_information: float
    confidence: float
    degrees: float = math.inf

    def __post_init__(self) -> None:
        if not self.planned_information > 0 or not 0 < self.confidence < 1 or not self.degrees > 0:
            raise OutOfRange("needs positive information and degrees of freedom, and 0 < confidence < 1")

    def reach(self, information: float) -> float:
        """The half-width of the always-valid interval at `information`: boundary / information. O(1).

        >>> round(Boundary(100.0, 0.95).reach(100.0), 4), round(Boundary(100.0, 0.95).reach(25.0), 4)
        (0.2005, 0.8019)
        """
        early, late = self._early(), self._late(information)
        return min(early, late) / information if information <= self.planned_information else late / information

    def p_value(self, estimate: float, information: float) -> float:
        """The one-sided p that is valid at any moment: the smallest error rate at which the boundary is crossed. O(1).

        >>> boundary = Boundary(100.0, 0.95)
        >>> round(boundary.p_value(boundary.reach(60.0), 60.0), 6)
        0.05
        """
        from scipy.special import ndtr, stdtr

        score = abs(estimate) * information
        scale = (math.sqrt(self._focus) + information / math.sqrt(self._focus)) * self._widening()
        late = math.exp(-2 * (score / scale) ** 2) / (1 - EARLY_SHARE)
        if information > self.planned_information:
            return min(late, 1.0)
        z = -score / math.sqrt(self.planned_information)
        tail = float(ndtr(z) if math.isinf(self.degrees) else stdtr(self.degrees, z))
        return min(2 * tail / EARLY_SHARE, late, 1.0)

    @property
    def _focus(self) -> float:
        return LATE_FOCUS * self.planned_information

    def _early(self) -> float:
        return quantile(1 - EARLY_SHARE * (1 - self.confidence), self.degrees) * math.sqrt(self.planned_information)

    def _late(self, information: float) -> float:
        spent = -math.log((1 - EARLY_SHARE) * (1 - self.confidence))
        line = math.sqrt(spent / 2) * (math.sqrt(self._focus) + information / math.sqrt(self._focus))
        return line * self._widening()

    def _widening(self) -> float:
        tail = 1 - EARLY_SHARE * (1 - self.confidence)
        return quantile(tail, self.degrees) / quantile(tail, math.inf)
