"""A part of a chart: drawn from the state before it, it is to the last bit what the whole chart shows there.

From the state before the first window asked for, over the windows up to the next stored state behind the last one: a
window between two that have cases is a point only once the second has come. Where phase I is over, limits are shown at
its own points, too, so a part that begins before limits were there begins with the series.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from services.scoring.scores.charts.chart import Drawn, advance
from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.charts.chart_state import START, ControlChartState, decode_state
from services.scoring.scores.results import Score
from services.scoring.system.model import Window
from services.scoring.system.windows import LATEST_US


@dataclass(frozen=True)
class ChartPart:
    """base: where it is drawn from. end_us: windows that start before it are needed. is_last: there are no later ones.

    present: the last stored state, from which the present one follows.
    """

    base: ControlChartState = START
    end_us: int = LATEST_US
    present: ControlChartState = START

    @property
    def is_last(self) -> bool:
        return self.end_us == LATEST_US

    def drawn(
        self, scores: Collection[Score], plan: ChartPlan, window: Window, span: tuple[int, int], passed_us: int
    ) -> tuple[ControlChartState, Drawn]:
        """The state behind it, and the points of windows that start within the span.

        scores: all that start from where `base` ends to `end_us`.
        """
        state, drawn = advance(self.base, scores, plan, window, passed_us if self.is_last else self.end_us)
        inside = tuple(point for point in drawn.points if span[0] <= point.window.start_us < span[1])
        return state, Drawn(drawn.baseline, inside)


def part_of(present: bytes | None, start: bytes | None, end_us: int | None) -> ChartPart:
    """From what is stored of a chart. States of another format count as none: the chart is drawn from all windows."""
    last = decode_state(present) if present is not None else None
    base = decode_state(start) if start is not None else None
    if last is None:
        return ChartPart()
    return ChartPart(base or START, LATEST_US if end_us is None else end_us, last)
