"""Any estimate, made anew as data come in, turned into a verdict that holds at every look."""

from __future__ import annotations

import math

from andon_quality.effect.boundary import Boundary
from andon_quality.effect.verdict import Direction, Effect, decide, margin_from
from andon_quality.errors import NotFinite, OutOfRange


def sequential(
    estimate: float,
    standard_error: float,
    planned_error: float,
    direction: Direction = Direction.LOWER,
    expected: float | None = None,
    confidence: float = 0.95,
    *,
    margin: float | None = None,
    degrees: float = math.inf,
) -> Effect:
    """The always-valid interval around one of a sequence of estimates of the same effect.

    With information I = 1 / standard_error^2, estimates that use their data efficiently behave like Brownian motion
    over I, and `Boundary` holds at all looks together; give the estimate of each look with its own error, and the same
    planned_error every time: the standard error that is foreseen at the planned end. Each end is right at all looks
    with probability `confidence`; the p-value is one-sided and valid in the same sense.

    For the level change of `interrupted_means` or `interrupted_counts`, of `structural`, or of any regression.
    `always_valid` is sharper for a plain mean, since it learns its variance before the action. standard_error and
    planned_error: positive, unit of the estimate; degrees: of freedom behind the error at the first look. Assumes
    efficient, roughly normal estimates from 20 points or so on. O(1). Raises NotFinite, OutOfRange.
    Source: Jennison and Turnbull, Journal of the American Statistical Association 92 (1997) 1330.

    >>> effect = sequential(-3.0, 0.8, 0.7)
    >>> round(effect.upper, 3), effect.verdict.value
    (-1.167, 'improved')
    """
    if not math.isfinite(estimate):
        raise NotFinite("the estimate must be a finite number")
    if not (0 < standard_error < math.inf and 0 < planned_error < math.inf):
        raise OutOfRange("standard errors must be positive")
    boundary = Boundary(1 / planned_error**2, confidence, degrees)
    information = 1 / standard_error**2
    reach, stated = boundary.reach(information), margin_from(expected, margin)
    lower, upper = estimate - reach, estimate + reach
    return Effect(
        estimate,
        lower,
        upper,
        None,
        None,
        None,
        boundary.p_value(estimate, information),
        decide(lower, upper, direction, stated),
        (),
        "given estimate, always-valid boundary",
        confidence,
        stated,
    )
