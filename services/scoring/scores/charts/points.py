"""The windows of a series as points of its chart, from the last point on."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.results import Score, ScoreState
from services.scoring.scores.silence import silence
from services.scoring.system.model import Window
from services.scoring.system.windows import EARLIEST_US, WindowId


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


@dataclass(frozen=True, slots=True)
class SeriesEnd:
    """How far the points of a series go.

    through_us: end of the last complete window taken in, with enough data or without. point_end_us: of the last that
    is a point; None: none is. is_thin: windows with cases, but too few, lie behind it.
    """

    through_us: int = EARLIEST_US
    point_end_us: int | None = None
    is_thin: bool = False


def points_after(
    end: SeriesEnd, scores: Collection[Score], plan: ChartPlan, window: Window
) -> tuple[list[WindowPoint], SeriesEnd]:
    """The complete windows behind `end` as points in time order, and where they end; what is provisional is no point.

    Where nothing happened between two points a sum is zero, and that is a point; a mean or a share has no value, and
    that is a gap. A silence that ends the life of the series (`scores.silence`) is a gap for sums too.
    Raises ValueError for a window before `end`.
    """
    points: list[WindowPoint] = []
    through_us, point_end_us, is_thin = end.through_us, end.point_end_us, end.is_thin
    for score in sorted((one for one in scores if one.complete), key=lambda one: one.window):
        if score.window.start_us < through_us:
            raise ValueError(f"the window {score.window} lies before the end of the chart, {through_us}")
        if score.value is None or score.state is ScoreState.NOT_ENOUGH_DATA:
            if score.count:
                through_us, is_thin = score.window.end_us, True
            continue
        start_us, after_gap = score.window.start_us, False
        if point_end_us is not None and point_end_us < start_us:
            after_gap = True
            if plan.is_sum and not is_thin:
                silent = silence(plan.zone, window, point_end_us, start_us, plan.baseline_windows)
                after_gap = silent.is_over
                if not silent.is_over:
                    points += (WindowPoint(one, 0.0, 0, 0, 0, score.resolution) for one in silent.windows)
        total, squares = score.total or 0, score.squares or 0
        points.append(WindowPoint(score.window, score.value, score.count, total, squares, score.resolution, after_gap))
        through_us = point_end_us = score.window.end_us
        is_thin = False
    return points, SeriesEnd(through_us, point_end_us, is_thin)
