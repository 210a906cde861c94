"""The windows of a series as points of its chart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from services.scoring.scores.results import Score, ScoreState
from services.scoring.system.windows import WindowId


@dataclass(frozen=True, slots=True)
class WindowPoint:
    """One complete window with enough data; `total` and `squares` in multiples of the resolution."""

    window: WindowId
    value: float
    count: int
    total: int
    squares: int
    resolution: float

    @property
    def deviation(self) -> float:
        """Standard deviation (n - 1) of the cases, from exact sums; NaN below 2 cases."""
        if self.count < 2:
            return math.nan
        scatter = self.count * self.squares - self.total * self.total
        return math.sqrt(scatter / (self.count * (self.count - 1))) * self.resolution


def chart_points(scores: Iterable[Score]) -> list[WindowPoint]:
    """The complete windows with enough data, in time order."""
    charted = [
        WindowPoint(score.window, score.value, score.count, score.total or 0, score.squares or 0, score.resolution)
        for score in scores
        if score.complete and score.value is not None and score.state is not ScoreState.NOT_ENOUGH_DATA
    ]
    return sorted(charted, key=lambda point: point.window.start_us)
