"""The windows of a series as points of its chart, from the last point on.

What happens where nothing happened. A mean or a share has no value there, and that is a gap. A sum is zero, and that is
a point, for as long as the series lives (`scores.silence`). Phase I takes such windows in when the silence is over and
was part of the life: a series that is seldom seen would else be judged by its absence. Once phase I is frozen each is a
point as soon as the watermark has passed it, so that a silence alarms while it lasts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.results import Score, ScoreState
from services.scoring.scores.silence import Silence, silence
from services.scoring.system.model import Window
from services.scoring.system.windows import EARLIEST_US, LATEST_US, WindowId


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
    def exposure(self) -> float:
        """Of a u chart: units of its denominator, since `total` counts events one by one."""
        return self.count / self.resolution

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

    through_us: end of the last complete window taken in, with enough data, without, or empty. point_end_us: of the last
    with enough data; None: none has. is_thin: windows with cases, but too few, lie behind it.
    """

    through_us: int = EARLIEST_US
    point_end_us: int | None = None
    is_thin: bool = False


def has_enough(score: Score) -> bool:
    """Whether a window can be a point; one with cases and without is thin."""
    return score.value is not None and score.state is not ScoreState.NOT_ENOUGH_DATA


def points_after(
    end: SeriesEnd,
    scores: Collection[Score],
    plan: ChartPlan,
    window: Window,
    watched: bool = False,
    passed_us: int = EARLIEST_US,
) -> tuple[list[WindowPoint], SeriesEnd]:
    """The complete windows behind `end` as points in time order, and where they end; what is provisional is no point.

    watched: phase I is frozen. passed_us: empty windows that end here are complete.
    Raises ValueError for a window before `end`.
    """

    def silent(to_us: int) -> Silence:
        """Of a sum, from its last point on, without the windows that are points already."""
        if not plan.is_sum or point_end_us is None or is_thin:
            return Silence((), is_over=True)
        found = silence(plan.zone, window, point_end_us, to_us, plan.baseline_windows)
        return Silence([one for one in found.windows if one.start_us >= through_us], found.is_over)

    def zeros(windows: Sequence[WindowId]) -> list[WindowPoint]:
        return [WindowPoint(one, 0.0, 0, 0, 0, plan.resolution) for one in windows]

    points: list[WindowPoint] = []
    through_us, point_end_us, is_thin = end.through_us, end.point_end_us, end.is_thin
    for score in sorted((one for one in scores if one.complete), key=lambda one: one.window):
        if score.window.start_us < through_us:
            raise ValueError(f"the window {score.window} lies before the end of the chart, {through_us}")
        if score.value is None or score.state is ScoreState.NOT_ENOUGH_DATA:
            if score.count:
                if watched:
                    points += zeros(silent(score.window.start_us).windows)
                through_us, is_thin = score.window.end_us, True
            continue
        start_us, after_gap = score.window.start_us, False
        if point_end_us is not None and point_end_us < start_us:
            before = silent(start_us)
            after_gap = before.is_over
            if watched or not before.is_over:
                points += zeros(before.windows)
        total, squares = score.total or 0, score.squares or 0
        points.append(WindowPoint(score.window, score.value, score.count, total, squares, score.resolution, after_gap))
        through_us = point_end_us = score.window.end_us
        is_thin = False
    if watched and (ahead := silent(passed_us).windows):
        points += zeros(ahead)
        through_us = ahead[-1].end_us
    return points, SeriesEnd(through_us, point_end_us, is_thin)


def next_silent_end_us(end: SeriesEnd, plan: ChartPlan, window: Window) -> int | None:
    """When the next empty window of a watched sum will be over; None: it has no more, or none can be one."""
    if not plan.is_sum or end.point_end_us is None or end.is_thin:
        return None
    living = silence(plan.zone, window, end.point_end_us, LATEST_US, plan.baseline_windows).windows
    return next((one.end_us for one in living if one.start_us >= end.through_us), None)
