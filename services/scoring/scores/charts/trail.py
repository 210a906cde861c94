"""The states that a chart has gone through, fewer the older they are: what is restated is drawn from the nearest.

The last four are there, then two for every doubling of the distance, up to some hundred windows: about twenty states of
a series, however long it is. What lies further back is drawn from all windows.

Landmarks are states, too: of every 64 windows the last one, and the first with limits. They are stored, so that a part
of a chart is drawn from the landmark before it, at the cost of what is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.scoring.scores.charts.chart import Drawn, advance
from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.charts.chart_state import START, ControlChartState
from services.scoring.scores.results import ChartPoint, Score
from services.scoring.system.calendar import DAY_US, HOUR_US
from services.scoring.system.model import Window
from services.scoring.system.windows import EARLIEST_US

Trail = tuple[ControlChartState, ...]
"""Oldest first; the last one is the present."""
WIDTHS_US = {
    Window.HOUR: HOUR_US,
    Window.DAY: DAY_US,
    Window.WEEK: 7 * DAY_US,
    Window.MONTH: 28 * DAY_US,
    Window.QUARTER: 90 * DAY_US,
    Window.YEAR: 365 * DAY_US,
}
AGE_MAX = 512
"""Windows between a state and the present, beyond which it is dropped."""
LANDMARK_WINDOWS = 64


@dataclass(frozen=True)
class ChartMove:
    """What becomes of a trail: states that have taken in a window after `kept_us` go, and these are added."""

    kept_us: int
    states: Trail

    def of(self, trail: Trail, window: Window) -> Trail:
        return thinned((*before(trail, self.kept_us), *self.states), window)


def before(trail: Trail, start_us: int) -> Trail:
    """The states that have taken in nothing from this start on."""
    return tuple(state for state in trail if state.end.through_us <= start_us)


def thinned(trail: Trail, window: Window) -> Trail:
    """The present, and of past states in one span only the oldest; spans are the wider the older they are."""
    if not trail:
        return ()
    *past, present = trail
    width_us, kept = WIDTHS_US[window], list[ControlChartState]()
    spans: set[tuple[int, int]] = set()
    for state in past:
        number = state.end.through_us // width_us
        age = present.end.through_us // width_us - number
        step = 1 << max(0, age.bit_length() - 2)
        if age <= AGE_MAX and (step, number // step) not in spans:
            spans.add((step, number // step))
            kept.append(state)
    return (*kept, present)


@dataclass(frozen=True)
class Landmarks:
    """What becomes of the stored ones of a series. kept_us: those that have taken in a later window go; None: none."""

    states: Trail = ()
    kept_us: int | None = None


@dataclass(frozen=True)
class Moved:
    """A chart that went on: what becomes of its trail, its points, and the landmarks on the way."""

    move: ChartMove
    drawn: Drawn
    landmarks: Trail


def go_on(
    base: Trail,
    scores: Collection[Score],
    plan: ChartPlan,
    window: Window,
    passed_us: int = EARLIEST_US,
    with_trail: bool = False,
) -> Moved:
    """The chart after these complete windows, from the last state of `base` on, and what is silent up to `passed_us`.

    with_trail: states on the way are given, too, so that what is restated next is near one again.
    """
    state = base[-1] if base else START
    ordered = sorted((score for score in scores if score.complete), key=lambda score: score.window.start_us)
    points: list[ChartPoint] = []
    states: list[ControlChartState] = []
    landmarks: dict[int, ControlChartState] = {}
    baseline = None
    steps = {len(ordered), *(_steps(len(ordered)) if with_trail else ())}
    ends = sorted({*steps, *_span_ends(ordered, window)})
    for start, end in pairwise([0, *ends]) if ordered else [(0, 0)]:
        came_from = state
        state, drawn = advance(
            state, ordered[start:end], plan, window, passed_us if end == len(ordered) else EARLIEST_US
        )
        points += drawn.points
        baseline = drawn.baseline
        if end in steps:
            states.append(state)
        if START.end.through_us < came_from.end.through_us and _span(came_from, window) != _span(state, window):
            landmarks[came_from.end.through_us] = came_from
        if state.is_judged and not came_from.is_judged:
            landmarks[state.end.through_us] = state
    kept_us = base[-1].end.through_us if base else EARLIEST_US
    moved = tuple(one for one in states if one.end.through_us > kept_us)
    return Moved(ChartMove(kept_us, moved), Drawn(baseline, tuple(points)), tuple(landmarks.values()))


def _steps(count: int) -> list[int]:
    """All but the last 512, so many less, and so on down to the last one."""
    cuts = (count - (1 << power) for power in range(AGE_MAX.bit_length() - 1, -1, -1))
    return [cut for cut in cuts if cut > 0]


def _span_ends(ordered: Sequence[Score], window: Window) -> list[int]:
    spans = [_span_of(score.window.start_us, window) for score in ordered]
    return [place for place in range(1, len(spans)) if spans[place] != spans[place - 1]]


def _span(state: ControlChartState, window: Window) -> int:
    """Of the last window that it has taken in."""
    return _span_of(state.end.through_us - 1, window)


def _span_of(us: int, window: Window) -> int:
    return us // (LANDMARK_WINDOWS * WIDTHS_US[window])
