"""A chart that goes on from its state is the chart drawn from all its windows, wherever it is cut."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import fields, replace

import pytest
from andon_quality.calibration import ShiftDetection
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.scores.charts.chart import Drawn, advance, draw
from services.scoring.scores.charts.chart_plan import ChartPlan, plan_of
from services.scoring.scores.charts.chart_state import (
    FORMAT,
    START,
    AverageMemory,
    Collecting,
    ControlChartState,
    RuleMemory,
    Unusable,
    Watching,
    decode_state,
    encode_state,
)
from services.scoring.scores.charts.points import SeriesEnd, WindowPoint
from services.scoring.scores.charts.signals import signals_of
from services.scoring.scores.results import Baseline, ChartPoint, LimitCalibration, PhaseOneState, Score, ScoreState
from services.scoring.system.case_model import Count, Elapsed, Flag, Measure, NumberAttribute, Occurred, Opened
from services.scoring.system.model import Aggregate, ChartKind, ChartRule, Direction, Indicator, SystemSpec, Window
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

DAY_US = 86_400_000_000
SERIES = SeriesKey("desk/main/it@day")
MEASURES = (
    Measure("share", Flag(Occurred(("Late",)))),
    Measure("mean", Elapsed(Opened(), Opened())),
    Measure("median", NumberAttribute("it")),
    Measure("sum", Count()),
)
AGGREGATES = {"share": Aggregate.SHARE, "mean": Aggregate.MEAN, "median": Aggregate.MEDIAN, "sum": Aggregate.SUM}


def planned(measure: str, rule: ChartRule, direction: Direction = Direction.LOWER_IS_BETTER) -> ChartPlan:
    indicator = Indicator("it", measure, AGGREGATES[measure], direction=direction, chart=rule)
    plan = plan_of(SystemSpec(measures=MEASURES, indicators=(indicator,)), indicator)
    assert plan is not None
    return plan


def score(day: int, total: int, count: int, measure: str, state: ScoreState = ScoreState.NO_TARGET) -> Score:
    value = float(total) if measure in ("sum", "median") else total / count
    squares = total if measure == "share" else total * total // count + 90 * count
    window = WindowId(day * DAY_US, (day + 1) * DAY_US)
    return Score(SERIES, window, value, count, state, None, None, None, True, 1, total, squares)


@st.composite
def series(draw: st.DrawFn) -> tuple[ChartPlan, list[Score]]:
    """Days with gaps among them, some with too few cases, levels that shift so that every rule has its turn."""
    measure = draw(st.sampled_from(sorted(AGGREGATES)))
    rules = tuple(draw(st.lists(st.sampled_from(["WE1", "WE2", "WE3", "WE4"]), unique=True)))
    smoothing = draw(st.sampled_from([0.1, 0.2, 1.0]))
    kind, windows = draw(st.sampled_from([ChartKind.UNSPECIFIED, ChartKind.EWMA])), draw(st.integers(2, 8))
    span = draw(st.sampled_from([None, (None, 9), (3, 12), (3, None), (40, 45)]))
    start, end = (None if day is None else day * DAY_US for day in span or (None, None))
    rule = ChartRule(
        kind,
        () if kind is ChartKind.EWMA else rules,
        draw(st.sampled_from([0.0, 50.0])),
        windows,
        start,
        end,
        draw(st.booleans()),
        smoothing,
    )
    days = draw(st.lists(st.sampled_from([1, 1, 1, 1, 1, 2, 3, 12]), min_size=1, max_size=40))
    level, day = draw(st.sampled_from([0, 10])), 0
    scores: list[Score] = []
    for step in days:
        day += step
        shift = 25 if len(scores) > 15 else 0
        total = draw(st.integers(level + shift, level + shift + 15))
        few = draw(st.sampled_from([False] * 9 + [True]))
        state = ScoreState.NOT_ENOUGH_DATA if few else ScoreState.NO_TARGET
        scores.append(score(day, total, 50, measure, state))
    return planned(
        measure, rule, draw(st.sampled_from([Direction.LOWER_IS_BETTER, Direction.HIGHER_IS_BETTER]))
    ), scores


def advanced(scores: Sequence[Score], cuts: Sequence[int], plan: ChartPlan) -> tuple[ControlChartState, list[Drawn]]:
    """The state after all, and what each part showed; a state is stored and read between them."""
    state, shown = START, []
    for begin, end in zip([0, *cuts], [*cuts, len(scores)], strict=True):
        assert state.continues(scores[begin:end])
        state, drawn = advance(state, scores[begin:end], plan, Window.DAY)
        again = decode_state(encode_state(state))
        assert again == state
        assert again is not None
        state = again
        shown.append(drawn)
    return state, shown


@settings(deadline=None, max_examples=150)
@given(series(), st.data())
def test_wherever_a_series_is_cut_its_chart_is_the_same_to_the_last_bit(
    given_series: tuple[ChartPlan, list[Score]], data: st.DataObject
) -> None:
    plan, scores = given_series
    cuts = sorted(data.draw(st.lists(st.integers(0, len(scores)), max_size=5)))
    whole = draw(scores, plan, Window.DAY)
    state, shown = advanced(scores, cuts, plan)
    assert shown[-1].baseline == whole.baseline
    assert state == advance(START, scores, plan, Window.DAY)[0]
    raised: dict[str, object] = {}
    for drawn, cut in zip(shown, [*cuts, len(scores)], strict=True):
        so_far = draw(scores[:cut], plan, Window.DAY)
        assert drawn.points == so_far.points[len(so_far.points) - len(drawn.points) :]
        assert drawn.baseline == so_far.baseline
        raised |= signals_of("desk", SERIES, drawn, plan)
    assert raised == signals_of("desk", SERIES, whole, plan)
    assert sum(len(drawn.points) for drawn in shown) == len(whole.points)


def steady(days: int) -> list[Score]:
    return [score(day, 20 + day * 7 % 5, 50, "mean") for day in range(days)]


def test_a_state_is_as_large_after_two_thousand_windows_as_after_thirty() -> None:
    plan = planned("mean", ChartRule(baseline_windows=20, rules=("WE1", "WE2", "WE3", "WE4")))
    sizes = [len(encode_state(advance(START, steady(days), plan, Window.DAY)[0])) for days in (30, 2_000)]
    assert sizes[1] <= sizes[0] + 40


def test_a_score_before_the_end_of_a_chart_asks_for_a_new_drawing() -> None:
    plan, scores = planned("mean", ChartRule(baseline_windows=5)), steady(12)
    state, _ = advance(START, scores[:10], plan, Window.DAY)
    assert state.continues(scores[10:])
    assert not state.continues(scores[9:])
    assert state.continues([replace(scores[3], complete=False)]), "what is provisional is no point"
    with pytest.raises(ValueError, match="before the end"):
        advance(state, scores[9:], plan, Window.DAY)


def test_a_window_with_too_few_cases_is_taken_in_as_well() -> None:
    plan = planned("sum", ChartRule(baseline_windows=5))
    few = score(10, 3, 2, "sum", ScoreState.NOT_ENOUGH_DATA)
    scores = [score(day, 20 + day % 3, 50, "sum") for day in range(10)]
    state, _ = advance(START, [*scores, few], plan, Window.DAY)
    assert not state.continues([few])
    _, drawn = advance(state, [score(11, 21, 50, "sum")], plan, Window.DAY)
    assert len(drawn.points) == 1, "no zero lies where cases do"


def test_a_phase_one_that_can_judge_nothing_stays_so_and_says_why() -> None:
    flat = [score(day, 20, 50, "median") for day in range(30)]
    state, _ = advance(START, flat, planned("median", ChartRule(baseline_windows=5)), Window.DAY)
    assert state.phase == Unusable(PhaseOneState.NO_SPREAD, 5)
    missed = planned("median", ChartRule(baseline_start_us=50 * DAY_US, baseline_end_us=60 * DAY_US))
    late = [score(day, 20 + day % 3, 50, "median") for day in range(70, 75)]
    assert advance(START, late, missed, Window.DAY)[0].phase == Unusable(PhaseOneState.INTERVAL_EMPTY, 0)


def test_an_interval_without_an_end_collects_nothing() -> None:
    plan = planned("mean", ChartRule(baseline_start_us=0))
    assert advance(START, steady(100), plan, Window.DAY)[0].phase == Collecting()


def test_a_state_of_another_format_is_not_read() -> None:
    state = advance(START, steady(30), planned("mean", ChartRule(baseline_windows=20)), Window.DAY)[0]
    assert isinstance(state.phase, Watching)
    assert math.isfinite(state.phase.sigma)
    raw = encode_state(state)
    assert decode_state(raw.replace(b"[%d," % FORMAT, b"[0,", 1)) is None


def test_a_state_of_another_layout_has_another_format() -> None:
    """States lie in books' checkpoints: where this changes, FORMAT has to be raised, or no book is opened any more."""
    phases = (Collecting, Unusable, Watching)
    laid_out = (SeriesEnd, WindowPoint, *phases, AverageMemory, RuleMemory, Baseline, LimitCalibration)
    layout = "; ".join(" ".join(field.name for field in fields(one)) for one in (*laid_out, ShiftDetection))
    assert (FORMAT, hashlib.sha256(layout.encode()).hexdigest()[:12]) == (3, "d24f768ee4e1")


@settings(deadline=None, max_examples=150)
@given(series(), st.data())
def test_silence_that_is_judged_as_it_comes_gives_the_chart_that_is_drawn_when_it_is_over(
    some: tuple[ChartPlan, list[Score]], data: st.DataObject
) -> None:
    plan, scores = some
    state, shown, day = START, list[ChartPoint](), 0
    last_day = scores[-1].window.end_us // DAY_US + data.draw(st.integers(0, 12))
    while day < last_day:
        day = min(last_day, day + data.draw(st.integers(1, 4)))
        # Nothing is scored behind the watermark, and everything that it has passed is.
        passed_us = day * DAY_US
        fresh = [
            one for one in scores if state.end.through_us <= one.window.start_us and one.window.end_us <= passed_us
        ]
        state, drawn = advance(state, fresh, plan, Window.DAY, passed_us)
        shown += drawn.points
    whole, at_once = advance(START, scores, plan, Window.DAY, last_day * DAY_US)
    assert whole == state
    assert [(one.window, one.value) for one in shown] == [(one.window, one.value) for one in at_once.points]
    # Phase I has its limits only once it is frozen, and no rule fires in it.
    assert [one.rules for one in shown] == [one.rules for one in at_once.points]


def test_a_count_alarms_from_the_first_empty_day_on_until_its_life_is_over() -> None:
    plan = planned("sum", ChartRule(ChartKind.XMR, ("WE1",), 0.0, 8), Direction.HIGHER_IS_BETTER)
    scores = [score(day, 20 + day % 3, 50, "sum") for day in range(10)]
    silent = [len(draw(scores, plan, Window.DAY, day * DAY_US).points) - 10 for day in (10, 11, 12, 18, 40)]
    assert silent == [0, 1, 2, 8, 8]
    drawn = draw(scores, plan, Window.DAY, 12 * DAY_US)
    assert [(one.value, one.rules) for one in drawn.points[10:]] == [(0.0, ("WE1",))] * 2
    unfrozen = draw(scores[:5], plan, Window.DAY, 40 * DAY_US)
    assert len(unfrozen.points) == 5, "what is silent before there is anything to compare with is no alarm"
