"""The rules that a chart may have, and the run length that they give with textbook limits."""

from __future__ import annotations

from functools import lru_cache

from andon_quality import arl, rules
from andon_quality.calibration import Sides, WindowScheme

RULES = {f"WE{number}": rule for number, rule in enumerate(rules.WESTERN_ELECTRIC, start=1)}
LIMIT = "LIMIT"
DEFAULT_RULES = ("WE1", "WE2")
SIGMAS = 3.0
# The lasting shift, in standard deviations of a window, that a chart should see within so many windows.
SHIFT, WITHIN = 2.0, 10


def scheme_of(names: tuple[str, ...], smoothing: float | None, sides: Sides) -> WindowScheme:
    """smoothing: of an EWMA, whose rules have no say; None: the rules."""
    if smoothing is not None:
        return WindowScheme(sides, smoothing=smoothing)
    return WindowScheme(sides, tuple(RULES[name] for name in names))


@lru_cache(maxsize=256)
def textbook_arl(names: tuple[str, ...], smoothing: float | None, sides: Sides) -> float:
    """Exactly, for 3-sigma limits and independent normal windows whose centre and spread are known."""
    if smoothing is not None:
        if sides is Sides.BOTH:
            return arl.ewma(smoothing, SIGMAS, limits="varying")
        return arl.ewma_one_sided(smoothing, SIGMAS)
    return arl.shewhart(names) if sides is Sides.BOTH else arl.shewhart_one_sided(names)
