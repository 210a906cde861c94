"""The windows of a series as points of its chart."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.results import Score, ScoreState
from services.scoring.system.calendar import windows_between
from services.scoring.system.model import Window
from services.scoring.system.windows import WindowId


@dataclass(frozen=True, slots=True)
class WindowPoint:
    """One complete window with enough data; `total` and `squares` in multiples of the resolution.

    after_gap: the window before it is no point, so no run reaches over from what came before.
    """

    window: WindowId
    value: float
    count: int
    total: int
    squares: int
    resolution: float
    after_gap: bool = False

    @property
    def deviation(self) -> float:
        """Standard deviation (n - 1) of the cases, from exact sums; NaN below 2 cases."""
        if self.count < 2:
            return math.nan
        scatter = self.count * self.squares - self.total * self.total
        return math.sqrt(scatter / (self.count * (self.count - 1))) * self.resolution


def chart_points(scores: Collection[Score], plan: ChartPlan, window: Window) -> list[WindowPoint]:
    """The complete windows with enough data, in time order.

    Where nothing happened between two of them a sum is zero, and that is a point; a mean or a share has no value, and
    that is a gap. A silence of more windows than phase I has ends a life of the series, and is a gap for sums too.
    """
    charted = [
        WindowPoint(score.window, score.value, score.count, score.total or 0, score.squares or 0, score.resolution)
        for score in scores
        if score.complete and score.value is not None and score.state is not ScoreState.NOT_ENOUGH_DATA
    ]
    charted.sort(key=lambda point: point.window.start_us)
    with_cases = {score.window for score in scores if score.complete and score.count} if plan.is_sum else set()
    points = charted[:1]
    for before, point in pairwise(charted):
        start_us, end_us = before.window.end_us, point.window.start_us
        empty = windows_between(plan.zone, window, start_us, end_us, plan.baseline_windows) if plan.is_sum else []
        if empty and with_cases.isdisjoint(empty):
            points += (WindowPoint(one, 0.0, 0, 0, 0, point.resolution) for one in empty)
            points.append(point)
        else:
            points.append(replace(point, after_gap=start_us < end_us))
    return points
