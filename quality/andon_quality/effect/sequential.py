"""Any estimate, repeated as data come in, turned into a verdict that holds at every look."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import PerSeries, finite, plain, refuse
from andon_quality.effect.boundary import Boundary
from andon_quality.effect.verdict import Direction, Effect, decide, margin_from
from andon_quality.errors import OutOfRange


@checked
def sequential(
    estimate: ArrayLike,
    standard_error: ArrayLike,
    planned_error: ArrayLike,
    direction: Direction = Direction.LOWER,
    expected: PerSeries | None = None,
    confidence: float = 0.95,
    *,
    margin: PerSeries | None = None,
    df: PerSeries = math.inf,
) -> Effect:
    """The always-valid interval around one of a sequence of estimates of the same effect.

    With information I = 1 / standard_error^2, estimates that use their data efficiently behave like Brownian motion
    over I, and `Boundary` holds at all looks together; give the estimate of each look with its own error, and the same
    planned_error every time: the standard error that is foreseen at the planned end. Each end is right at all looks
    with probability `confidence`; the p-value is one-sided and valid in the same sense.

    For the level change of `interrupted_means` or `interrupted_counts`, of `structural`, or of any regression.
    Prefer `always_valid` for a plain mean: it is sharper, since it learns its variance before the action.
    standard_error and planned_error: positive, unit of the estimate; df: of freedom behind the error at the first
    look; numbers, or arrays of shape (series,) for many estimates. Assumes efficient, roughly normal estimates from 20
    points or so on. O(1) each. Raises NotFinite, OutOfRange.
    Source: Jennison and Turnbull, Journal of the American Statistical Association 92 (1997) 1330.

    >>> effect = sequential(-3.0, 0.8, 0.7)
    >>> round(effect.upper, 3), effect.verdict.value
    (-1.167, 'improved')
    """
    seen = finite(estimate)
    error, planned = (np.asarray(given, dtype=np.float64) for given in (standard_error, planned_error))
    for given in (error, planned):
        refuse(~((given > 0) & (given < np.inf)), OutOfRange, "standard errors must be positive")
    boundary = Boundary(plain(1 / np.square(planned)), confidence, df)
    information = 1 / np.square(error)
    reach, stated = boundary.reach(information), margin_from(expected, margin)
    lower, upper = plain(seen - reach), plain(seen + reach)
    return Effect(
        plain(seen),
        lower,
        upper,
        None,
        None,
        None,
        boundary.p_value(seen, information),
        decide(lower, upper, direction, stated),
        (),
        "given estimate, always-valid boundary",
        confidence,
        stated,
    )
