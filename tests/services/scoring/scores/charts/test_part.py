"""A part of a chart, drawn from a stored state, is to the last bit what the whole chart shows there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.scores.charts import trail as trails
from services.scoring.scores.charts.chart import Drawn, advance
from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.charts.chart_state import START, ControlChartState, encode_state
from services.scoring.scores.charts.part import ChartPart, part_of
from services.scoring.scores.charts.phase_one_status import phase_one_status
from services.scoring.scores.charts.trail import Moved, Trail, before, go_on
from services.scoring.scores.results import Score
from services.scoring.system.model import ChartRule, Window
from services.scoring.system.windows import EARLIEST_US, LATEST_US
from tests.services.scoring.scores.charts.test_chart_state import DAY_US, planned, series, steady

Stored = dict[int, ControlChartState]


def found(stored: Mapping[int, ControlChartState], start_us: int, end_us: int) -> ChartPart:
    """As the statement does it."""
    if not stored:
        return part_of(None, None, None)
    present = stored[max(stored)]
    alike = [one for one in stored if stored[one].is_judged == present.is_judged]
    start = max((one for one in alike if one <= start_us), default=None)
    end = min((one for one in alike if one >= end_us), default=None)
    return part_of(encode_state(present), None if start is None else encode_state(stored[start]), end)


def followed(stored: Stored, moved: Moved, kept_us: int | None = None) -> Stored:
    left = {at: state for at, state in stored.items() if kept_us is None or at <= kept_us}
    fresh = {state.end.through_us: state for state in moved.landmarks}
    # One statement stores them, and a place can be stored once in it.
    assert len(fresh) == len(moved.landmarks)
    return left | fresh


def needed(part: ChartPart, scores: Sequence[Score]) -> list[Score]:
    return [one for one in scores if part.base.end.through_us <= one.window.start_us < part.end_us]


@settings(max_examples=300)
@given(series(), st.data())
def test_any_part_is_what_the_whole_shows_there(
    given_series: tuple[ChartPlan, list[Score]], data: st.DataObject
) -> None:
    plan, scores = given_series
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trails, "LANDMARK_WINDOWS", data.draw(st.integers(1, 5)))
        trail: Trail = ()
        stored: Stored = {}
        passed_us = EARLIEST_US
        cuts = sorted({0, len(scores), *data.draw(st.lists(st.integers(0, len(scores)), max_size=12))})
        for begin, end in pairwise(cuts):
            last = scores[end - 1].window.end_us
            following = scores[end].window.start_us if end < len(scores) else last + 6 * DAY_US
            passed_us = data.draw(st.integers(last // DAY_US, following // DAY_US)) * DAY_US
            moved = go_on(trail, scores[begin:end], plan, Window.DAY, passed_us)
            trail, stored = moved.move.of(trail, Window.DAY), followed(stored, moved)
        if data.draw(st.booleans()):
            at = data.draw(st.integers(0, len(scores) - 1))
            scores[at] = replace(scores[at], value=(scores[at].value or 0.0) + 1.0, total=(scores[at].total or 0) + 1)
            base = before(trail, scores[at].window.start_us)
            since_us = base[-1].end.through_us if base else EARLIEST_US
            again = [one for one in scores if one.window.start_us >= since_us]
            moved = go_on(base, again, plan, Window.DAY, passed_us, with_trail=True)
            trail, stored = moved.move.of(trail, Window.DAY), followed(stored, moved, since_us)
    provisional = replace(scores[-1], window=replace(scores[-1].window), complete=False)
    whole_state, whole = advance(START, scores, plan, Window.DAY, passed_us)
    start_us = data.draw(st.integers(-1, scores[-1].window.end_us // DAY_US + 2)) * DAY_US
    end_us = data.draw(st.sampled_from([LATEST_US, start_us + DAY_US, start_us + 7 * DAY_US]))
    part = found(stored, start_us, end_us)
    state, drawn = part.drawn(needed(part, scores), plan, Window.DAY, (start_us, end_us), passed_us)
    inside = tuple(one for one in whole.points if start_us <= one.window.start_us < end_us)
    assert drawn == Drawn(whole.baseline, inside)
    if not part.present.is_judged and not part.is_last:
        latest = [one for one in scores if one.window.start_us >= part.present.end.through_us]
        state = advance(part.present, latest, plan, Window.DAY, passed_us)[0]
    assert phase_one_status(state, [provisional], plan) == phase_one_status(whole_state, [provisional], plan)


def test_a_part_of_a_long_chart_needs_the_windows_of_two_spans_besides_those_asked_for() -> None:
    plan, scores = planned("mean", ChartRule(baseline_windows=20)), steady(2_000)
    one_by_one: Trail = ()
    stored: Stored = {}
    for score in scores:
        moved = go_on(one_by_one, [score], plan, Window.DAY, score.window.end_us)
        one_by_one, stored = moved.move.of(one_by_one, Window.DAY), followed(stored, moved)
    at_once = followed({}, go_on((), scores, plan, Window.DAY, scores[-1].window.end_us))
    assert {at: state for at, state in stored.items() if at != 20 * DAY_US} == at_once
    assert stored[20 * DAY_US].is_judged
    assert len(stored) <= 2_000 // trails.LANDMARK_WINDOWS + 2
    for start in range(100, 1_900, 7):
        part = found(stored, start * DAY_US, (start + 10) * DAY_US)
        assert len(needed(part, scores)) <= 10 + 2 * trails.LANDMARK_WINDOWS
