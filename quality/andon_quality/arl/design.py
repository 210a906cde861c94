"""The inverse of every run length: the limit that has the requested one."""

from __future__ import annotations

import math
from collections.abc import Callable

from andon_quality.errors import OutOfRange

# Through how many of the last points the limit is interpolated.
POINTS = 4


def design(
    arl_at: Callable[[float], float],
    requested_arl: float,
    guess: float = 3.0,
    lower: float = 0.0,
    upper: float = math.inf,
    relative_error: float = 1e-9,
) -> float:
    """The limit at which `arl_at(limit)`, increasing in the limit, equals `requested_arl`.

    Deterministic: the limit is nearly linear in log ARL, so it is interpolated through the last four points, inside a
    bracket that the secant and bisection guard; five or six calls of `arl_at`, and as many times its cost. lower and
    upper bound the search. For a chart on counts, whose ARL moves in steps, the answer is the smallest limit found (to
    1e-9) at which the ARL is at least the requested.
    Raises OutOfRange when requested_arl <= 1 or when no limit within the bounds reaches it (the message says
    how far it gets).
    Sources: the regula falsi with the Illinois step, Dowell and Jarratt (1971), BIT 11, 168-174; inverse interpolation
    as in Brent (1973), Algorithms for Minimization without Derivatives, chapter 4.

    >>> from andon_quality.arl import cusum
    >>> round(design(lambda h: cusum(0.5, h), 370.0), 4)
    4.7738
    """
    if not (requested_arl > 1.0 and math.isfinite(requested_arl)):
        raise OutOfRange(f"the requested ARL must be above 1 and finite, got {requested_arl}")
    target = math.log(requested_arl)

    def excess(limit: float) -> float:
        arl = arl_at(limit)
        return math.log(arl) - target if 0.0 < arl < math.inf else math.inf

    low, high = _bracket(excess, guess, lower, upper, requested_arl)
    return _between_points(excess, low, high, relative_error)


Point = tuple[float, float]


def _bracket(
    excess: Callable[[float], float], guess: float, lower: float, upper: float, requested: float
) -> tuple[Point, Point]:
    at = (guess, excess(guess))
    step = 0.25 * max(guess - lower if math.isfinite(lower) else guess, 1e-3)
    for _ in range(60):
        if at[1] >= 0.0:
            edge = max(guess - step, lower + 1e-3 * (guess - lower)) if at[0] > lower else lower
        else:
            edge = min(guess + step, upper)
        other = (edge, excess(edge))
        if (other[1] >= 0.0) != (at[1] >= 0.0):
            return (other, at) if at[1] >= 0.0 else (at, other)
        if other[0] == at[0] or (abs(other[1] - at[1]) < 1e-12 and step > 8.0 * guess):
            break
        at, step = other, step * 2.0
    reached = math.exp(min(at[1] + math.log(requested), 700.0))
    raise OutOfRange(f"no limit reaches an ARL of {requested:g}; the nearest is {reached:.6g} at {at[0]:.6g}")


def _between_points(excess: Callable[[float], float], low: Point, high: Point, relative_error: float) -> float:
    kept, seen = 0, [low, high]
    for step in range(200):
        if high[0] - low[0] <= 1e-12 * max(abs(high[0]), 1.0):
            break
        middle = _next(low, high, seen, step)
        at = (middle, excess(middle))
        if abs(at[1]) <= relative_error:
            return middle
        seen.append(at)
        if at[1] > 0.0:
            high, low = at, (low[0], low[1] / 2.0) if kept > 0 else low
            kept = max(kept, 0) + 1
        else:
            low, high = at, (high[0], high[1] / 2.0) if kept < 0 else high
            kept = min(kept, 0) - 1
    return high[0]


def _next(low: Point, high: Point, seen: list[Point], step: int) -> float:
    # A step function (counts) fools the secant for ever; every third step halves the bracket regardless.
    if not math.isfinite(high[1]) or (step % 3 == 2 and step > 8):
        return 0.5 * (low[0] + high[0])
    guess = _inverted(seen[-POINTS:])
    if low[0] < guess < high[0]:
        return guess
    middle = low[0] - low[1] * (high[0] - low[0]) / (high[1] - low[1])
    return middle if low[0] < middle < high[0] else 0.5 * (low[0] + high[0])


def _inverted(points: list[Point]) -> float:
    """Where the limit, as a polynomial in the excess through these points, has an excess of zero (Neville)."""
    excesses, limits = [excess for _, excess in points], [limit for limit, _ in points]
    if not all(map(math.isfinite, excesses)) or len(set(excesses)) < len(excesses):
        return math.nan
    for order in range(1, len(points)):
        limits = [
            (excesses[at] * limits[at + 1] - excesses[at + order] * limits[at]) / (excesses[at] - excesses[at + order])
            for at in range(len(limits) - 1)
        ]
    return limits[0]
