"""The g chart: how many cases pass between two rare events, such as served customers between two complaints.

Assumes independent cases with one small event probability, so that gaps are geometric. A point above the upper limit is
an improvement, one below the lower limit a deterioration. When more than a tenth of cases have the event prefer
`proportion`; when elapsed time is known but cases are not, prefer `time_between`.
Source: J. C. Benneyan, Number-between g-type statistical quality control charts for monitoring adverse events,
Health Care Management Science 4 (2001) 305-318.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray
from andon_quality.control.chart import (
    Chart,
    ChartBaseline,
    Memoryless,
    StatisticKind,
    limits,
    observed,
    per_point,
    points,
    spread_of,
    tail_of,
)
from andon_quality.errors import OutOfRange

Limits = Literal["probability", "sigma"]


@checked_fields
@dataclass(frozen=True)
class GapBaseline(ChartBaseline):
    """Frozen mean gap and its geometric standard deviation sqrt(g (g + 1))."""


def baseline(gaps: ArrayLike) -> GapBaseline:
    """Centre = mean gap g; sigma = sqrt(g (g + 1)). gaps: cases between events, shape (..., time), 0 when adjacent.

    Raises TooFew below 2 gaps, NoSpread when every gap is 0, OutOfRange for a negative gap. Cost: O(gaps).

    >>> round(float(baseline([10, 30, 20]).sigma), 4)
    20.4939
    """
    y = _gaps(gaps)
    count = observed(y)
    mean = np.asarray(np.nansum(y, axis=-1) / count)
    return GapBaseline(StatisticKind.GAP, mean, spread_of(np.sqrt(mean * (mean + 1.0))), count, "geometric")


@checked
def chart(baseline: GapBaseline, gaps: ArrayLike, width: float = 3.0, limits: Limits = "probability") -> Chart:
    """Gaps against limits of the geometric distribution; shape (..., time), NaN = missing.

    "probability": each tail holds at most what a normal tail beyond `width` sigma holds (0.135 % at 3), the honest
    choice for so skewed a distribution; the chart's sigma is NaN. "sigma": g +- width sqrt(g (g + 1)), as printed in
    textbooks, with no lower limit in practice and an upper tail of about 1.8 % at 3.

    >>> frozen = baseline([10, 30, 20])
    >>> chart(frozen, [5.0, 200.0]).beyond, round(float(chart(frozen, [5.0], limits="sigma").upper[0]), 2)
    (array([False,  True]), 81.48)
    """
    y = _gaps(gaps)
    match limits:
        case "sigma":
            return _sigma_limits(baseline, y, width)
        case "probability":
            return _probability_limits(baseline, y, width)
        case _:
            assert_never(limits)


def start(baseline: GapBaseline) -> Memoryless:
    """The state before the first gap: none, as no point depends on another.

    >>> start(baseline([10, 30, 20]))
    Memoryless()
    """
    return Memoryless()


@checked
def advance(
    baseline: GapBaseline, state: Memoryless, gaps: ArrayLike, width: float = 3.0, limits: Limits = "probability"
) -> tuple[Memoryless, Chart]:
    """The next gaps, shape (..., m); the same bits in any split into calls.

    >>> frozen = baseline([10, 30, 20])
    >>> advance(frozen, start(frozen), [200])[1].beyond
    array([ True])
    """
    return state, chart(baseline, gaps, width, limits)


def _sigma_limits(baseline: GapBaseline, y: FloatArray, width: float) -> Chart:
    return limits(StatisticKind.GAP, y, per_point(baseline.centre), per_point(baseline.sigma), width, floor=0.0)


def _probability_limits(baseline: GapBaseline, y: FloatArray, width: float) -> Chart:
    """P(Y >= y) = q^y with q = g / (g + 1): the limits that keep each tail below alpha."""
    alpha = tail_of(width)
    log_q = -np.log1p(1.0 / baseline.centre)
    lower = np.floor(np.log1p(-alpha) / log_q)
    upper = np.ceil(np.log(alpha) / log_q - 1.0)
    low, high, middle = (np.broadcast_to(per_point(v), y.shape) for v in (lower, upper, baseline.centre))
    return Chart(StatisticKind.GAP, y, middle, low, high, np.full(y.shape, np.nan), width)


def _gaps(gaps: ArrayLike) -> FloatArray:
    y = points(gaps)
    if (y < 0).any():
        raise OutOfRange("a gap cannot be negative")
    return y
