"""Which windows are phase I, what is frozen of them, and on which sides alarms are raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from andon_quality.calibration import (
    PhaseOne,
    Sides,
    phase_one_of_individuals,
    phase_one_of_means,
    phase_one_of_rates,
    phase_one_of_shares,
)

from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.charts.points import WindowPoint
from services.scoring.system.chart_scheme import SIGMAS
from services.scoring.system.model import ChartKind, Direction
from services.scoring.system.windows import EARLIEST_US


@dataclass(frozen=True)
class Chosen:
    """Phase I among some points in time order: those of `inside`; judged are those from `first` on.

    complete: no point that is still to come can belong to it. complete_after: how many of the points it took to know.
    """

    inside: slice
    first: int
    complete: bool
    complete_after: int = 0


def chosen(collected: int, points: Sequence[WindowPoint], plan: ChartPlan) -> Chosen:
    """Which of the next points belong to phase I. collected: points that it has already, before these."""
    if plan.baseline_start_us is None and plan.baseline_end_us is None:
        first = min(plan.baseline_windows - collected, len(points))
        return Chosen(slice(0, first), first, collected + first == plan.baseline_windows, first)
    start_us = plan.baseline_start_us if plan.baseline_start_us is not None else EARLIEST_US
    begun = sum(point.window.start_us < start_us for point in points)
    # Without an end it is never complete, and nothing is collected for it.
    last = 0 if plan.baseline_end_us is None else sum(point.window.end_us <= plan.baseline_end_us for point in points)
    # Until a later window is complete, windows of the interval may still be to come.
    complete = plan.baseline_end_us is not None and last < len(points)
    return Chosen(slice(begun, max(begun, last)), max(begun, last), complete, last + 1)


def frozen(points: Sequence[WindowPoint], plan: ChartPlan) -> PhaseOne:
    """From the windows of phase I. Raises QualityError where they are too few or have no spread."""
    match plan.kind:
        case ChartKind.XMR | ChartKind.EWMA:
            return phase_one_of_individuals([point.value for point in points], plan.value_kind)
        case ChartKind.XBAR_S:
            means, sds = [point.value for point in points], [point.deviation for point in points]
            return phase_one_of_means(means, sds, [point.count for point in points], plan.value_kind)
        case ChartKind.P:
            return phase_one_of_shares([point.total for point in points], [point.count for point in points])
        case ChartKind.U:
            return phase_one_of_rates([point.total for point in points], [point.exposure for point in points])
        case ChartKind.C:
            return phase_one_of_rates([point.total for point in points])
        case ChartKind.UNSPECIFIED:
            raise ValueError("a chart's kind is resolved before it is drawn")
        case _:
            assert_never(plan.kind)


def sides_of(plan: ChartPlan, centre: float, sigma: float) -> Sides:
    """On which sides of the centre alarms are raised. sigma: of the plotted statistic."""
    if plan.both_sides:
        return Sides.BOTH
    match plan.direction:
        case Direction.LOWER_IS_BETTER:
            return Sides.UPPER
        case Direction.HIGHER_IS_BETTER:
            return Sides.LOWER
        case Direction.TARGET_IS_BETTER | Direction.UNSPECIFIED:
            # Towards a distant target nothing is adverse until it lies as far behind as it lay ahead.
            if plan.target is None or 2.0 * abs(centre - plan.target) < SIGMAS * sigma:
                return Sides.BOTH
            return Sides.UPPER if centre > plan.target else Sides.LOWER
        case _:
            assert_never(plan.direction)
