"""Rebasing: a proposal to move limits to where the process now is, with cause and evidence; never done here.

Limits are frozen so that a slow decline cannot carry them along. They move only when somebody names what changed, and
the points since then show a new level that holds.
Source: D. J. Wheeler, Understanding Variation (1993), for the four questions before limits are recomputed;
T. R. Samuel, J. J. Pignatiello and J. A. Calvin, Identifying the time of a step change, Quality Engineering 10 (1998)
521-527.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.control import xmr
from andon_quality.control.chart import ChartBaseline, observed, per_point, points
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.result import Result
from andon_quality.rules import WESTERN_ELECTRIC, judge

# Degrees of freedom per point less one: how much of a sample standard deviation's information each estimate keeps.
_EFFICIENCY = {"moving_range": 0.605, "median_moving_range": 0.305}


@dataclass(frozen=True)
class Proposal(Result):
    """New limits for one series, for somebody to accept or refuse.

    first: index of the first point at the new level. shift_sigma: how far the level moved, in old sigma; p_value: that
    of no shift (Welch). spread_ratio: new sigma / old sigma. objections: why it should be refused, empty when sound.
    """

    cause: str
    first: int
    old: xmr.XmrBaseline
    new: xmr.XmrBaseline
    shift_sigma: float
    p_value: float
    spread_ratio: float
    objections: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """True when nothing speaks against it: still only a proposal."""
        return not self.objections


@checked
def propose(
    baseline: xmr.XmrBaseline,
    values: ArrayLike,
    first: int,
    cause: str,
    at_least: int = 20,
    alpha: float = 0.01,
) -> Proposal:
    """What the limits would be from point `first` on, and what speaks against them.

    values: one series, shape (time,), NaN = missing, the points after the baseline. cause: what changed the process;
    without one there is no proposal. Objections: fewer than `at_least` points since, no change of level or spread
    beyond common-cause variation (Welch and F test at alpha), the new level not itself in control (Western Electric
    rules). Cost: O(values). Raises Inconsistent without a cause, OutOfRange for a `first` outside the series, TooFew
    below 2 points since then, NoSpread when they are all equal.

    >>> old = xmr.baseline([9.0, 10.0, 11.0, 10.0] * 6)
    >>> offer = propose(old, [12.0, 14.0, 13.0, 12.5, 13.5] * 5, 0, "second desk opened")
    >>> offer.is_sound, float(offer.new.centre)
    (True, 13.0)
    """
    x = points(values)
    if not cause.strip():
        raise Inconsistent("limits are moved only for a cause; say what changed")
    if x.ndim != 1 or not 0 <= first < x.size:
        raise OutOfRange(f"needs one series and a first point within it, got {x.shape} and {first}")
    since = x[first:]
    new = xmr.baseline(since)
    level_p, spread_p = _tests(baseline, new)
    objections = []
    if int(new.points) < at_least:
        objections.append(f"only {int(new.points)} points since the change, {at_least} wanted")
    if min(level_p, spread_p) >= alpha:
        objections.append("neither level nor spread differs from the old baseline beyond common-cause variation")
    fired = [name for name, hit in judge(WESTERN_ELECTRIC, xmr.chart(new, since)).items() if hit.any()]
    if fired:
        objections.append(f"the new level is not in control: {', '.join(fired)}")
    shift = float((new.centre - baseline.centre) / baseline.sigma)
    ratio = float(new.sigma / baseline.sigma)
    return Proposal(cause, first, baseline, new, shift, level_p, ratio, tuple(objections))


def shift_start(baseline: ChartBaseline, values: ArrayLike) -> int:
    """Most likely index of the first point after a lasting shift of the mean of one series, shape (time,).

    Maximises (T - t) (mean of the points after t - centre)^2, the likelihood of a step from a known level. Missing
    points count for nothing. Assumes a step; for several changes prefer a change-point search. Cost: O(values).
    Raises TooFew without points.

    >>> shift_start(xmr.baseline([9.0, 10.0, 11.0, 10.0]), [10.0, 9.5, 10.0, 12.0, 12.5, 12.0])
    3
    """
    x = points(values)
    observed(x, at_least=1)
    deviation = x - per_point(baseline.centre)
    there = ~np.isnan(deviation)
    total = np.cumsum(np.where(there, deviation, 0.0)[::-1])[::-1]
    count = np.cumsum(there[::-1])[::-1]
    likelihood: FloatArray = np.where(there, total**2 / np.maximum(count, 1), -1.0)
    return int(np.argmax(likelihood))


def _tests(old: ChartBaseline, new: ChartBaseline) -> tuple[float, float]:
    """Two-sided p-values of equal means (Welch) and equal sigmas (F)."""
    from scipy.special import fdtr, stdtr

    before, after = (_EFFICIENCY.get(side.method, 1.0) * (float(side.points) - 1) for side in (old, new))
    a, b = (float(side.sigma) ** 2 / float(side.points) for side in (old, new))
    df = (a + b) ** 2 / (a * a / before + b * b / after)
    t = abs(float(new.centre) - float(old.centre)) / (a + b) ** 0.5
    lower = float(fdtr(after, before, (float(new.sigma) / float(old.sigma)) ** 2))
    return 2.0 * float(stdtr(df, -t)), 2.0 * min(lower, 1.0 - lower)
