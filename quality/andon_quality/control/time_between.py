"""The t chart: how much time passes between two rare events.

Assumes events of a Poisson process, so that times are exponential: their power 1/3.6 is close to normal and is charted
as individuals, and the limits are taken back to time. A point above the upper limit is an improvement. For counts of
cases between events prefer `gap`; when events are frequent prefer `rate`.
Source: L. S. Nelson, A control chart for parts-per-million nonconforming items, Journal of Quality Technology 26 (1994)
239-240.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray
from andon_quality.control import xmr
from andon_quality.control.chart import Chart, ChartBaseline, Memoryless, StatisticKind, points
from andon_quality.errors import OutOfRange

POWER = 3.6


@checked_fields
@dataclass(frozen=True)
class TimeBetweenBaseline(ChartBaseline):
    """Frozen mean and sigma of time ** (1 / 3.6)."""


@checked
def baseline(times: ArrayLike, method: xmr.Method = "moving_range") -> TimeBetweenBaseline:
    """Centre and sigma of times^(1/3.6), as for individuals. times: any unit, shape (..., time), NaN = missing.

    Raises TooFew below 2 times, NoSpread when all are equal, OutOfRange for a negative time. Cost: O(times).

    >>> baseline([2.0, 9.0, 4.0]).method
    'moving_range'
    """
    plain = xmr.baseline(root(times), method)
    return TimeBetweenBaseline(StatisticKind.TIME_BETWEEN, plain.centre, plain.sigma, plain.points, method)


def chart(baseline: TimeBetweenBaseline, times: ArrayLike, width: float = 3.0) -> Chart:
    """Times against (centre +- width sigma)^3.6, not below 0, in the unit of `times`; the chart's sigma is NaN.

    >>> frozen = baseline([2.0, 9.0, 4.0, 6.0])
    >>> chart(frozen, [5.0, 90.0]).beyond
    array([False,  True])
    """
    flat = xmr.chart(xmr.XmrBaseline(**vars(baseline)), root(times), width)
    middle, lower, upper = (np.maximum(v, 0.0) ** POWER for v in (flat.centre, flat.lower, flat.upper))
    return Chart(StatisticKind.TIME_BETWEEN, points(times), middle, lower, upper, np.full(middle.shape, np.nan), width)


def start(baseline: TimeBetweenBaseline) -> Memoryless:
    """The state before the first time: none, as no point depends on another.

    >>> start(baseline([2.0, 9.0, 4.0, 6.0]))
    Memoryless()
    """
    return Memoryless()


def advance(
    baseline: TimeBetweenBaseline, state: Memoryless, times: ArrayLike, width: float = 3.0
) -> tuple[Memoryless, Chart]:
    """The next times, shape (..., m); the same bits in any split into calls.

    >>> frozen = baseline([2.0, 9.0, 4.0, 6.0])
    >>> advance(frozen, start(frozen), [90.0])[1].beyond
    array([ True])
    """
    return state, chart(baseline, times, width)


def root(times: ArrayLike) -> FloatArray:
    """times^(1/3.6), on which individuals charts and zone rules are fair; raises OutOfRange for a negative time.

    >>> root([0.0, 1.0])
    array([0., 1.])
    """
    t = points(times)
    if (t < 0).any():
        raise OutOfRange("a time between events cannot be negative")
    return np.asarray(t ** (1.0 / POWER))
