"""What lies between two windows of a chart: zero for a sum, a gap for everything else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.scoring.scores.charts.chart import draw
from services.scoring.scores.charts.chart_plan import ChartPlan, plan_of
from services.scoring.scores.charts.points import SeriesEnd, WindowPoint, points_after
from services.scoring.scores.results import Score, ScoreState
from services.scoring.system.case_model import Count, Measure
from services.scoring.system.model import Aggregate, ChartKind, ChartRule, Direction, Indicator, SystemSpec, Window
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

SERIES = SeriesKey("desk/main/solved@day")


def plan(aggregate: Aggregate, zone: str = "UTC", rules: tuple[str, ...] = ("WE1",)) -> ChartPlan:
    rule = ChartRule(kind=ChartKind.XMR, baseline_windows=10, rules=rules)
    indicator = Indicator("solved", "n", aggregate, direction=Direction.HIGHER_IS_BETTER, chart=rule)
    made = plan_of(SystemSpec(time_zone=zone, measures=(Measure("n", Count()),), indicators=(indicator,)), indicator)
    assert made is not None
    return made


def day(number: int, zone: str = "UTC") -> WindowId:
    first = datetime(2026, 3, 1, tzinfo=ZoneInfo(zone))
    starts = [(first + timedelta(days=number + one)).astimezone(UTC) for one in (0, 1)]
    start, end = (round(at.timestamp() * 1e6) for at in starts)
    return WindowId(start, end)


def score(window: WindowId, value: float, count: int = 20, state: ScoreState = ScoreState.NO_TARGET) -> Score:
    total = round(value)
    return Score(SERIES, window, value, count, state, None, None, None, True, 1, total, total * total)


def chart_points(scores: Sequence[Score], plan: ChartPlan, window: Window) -> list[WindowPoint]:
    return points_after(SeriesEnd(), scores, plan, window)[0]


def scores(days: Sequence[int], zone: str = "UTC") -> list[Score]:
    return [score(day(number, zone), 20.0 + number % 3) for number in days]


def test_days_of_an_outage_are_points_of_zero_and_alarm() -> None:
    wanted = plan(Aggregate.SUM)
    points = chart_points(scores([*range(20), *range(25, 30)]), wanted, Window.DAY)
    assert [point.value for point in points[20:25]] == [0.0] * 5
    drawn = draw(scores([*range(20), *range(25, 30)]), wanted, Window.DAY)
    assert [bool(point.rules) for point in drawn.points] == [False] * 20 + [True] * 5 + [False] * 5


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_empty_days_keep_to_the_local_clock_over_a_clock_change(zone: str) -> None:
    points = chart_points(scores([*range(5), *range(40, 45)], zone), plan(Aggregate.SUM, zone), Window.DAY)
    assert len(points) == 10, "a silence longer than phase I is the end of a life, not a row of zeros"
    points = chart_points(scores([*range(5), *range(10, 45)], zone), plan(Aggregate.SUM, zone), Window.DAY)
    assert [point.window for point in points] == [day(number, zone) for number in range(45)]


def test_a_mean_has_no_value_where_nothing_happened() -> None:
    points = chart_points(scores([0, 1, 5, 6]), plan(Aggregate.MEAN), Window.DAY)
    assert [point.after_gap for point in points] == [False, False, True, False]


def test_a_window_with_too_few_cases_is_a_gap_of_a_sum_and_no_zero() -> None:
    few = score(day(2), 3.0, 3, ScoreState.NOT_ENOUGH_DATA)
    points = chart_points([*scores([0, 1, 3]), few], plan(Aggregate.SUM), Window.DAY)
    assert [(point.value > 0, point.after_gap) for point in points] == [(True, False), (True, False), (True, True)]


def test_a_run_does_not_reach_over_a_gap() -> None:
    wanted = plan(Aggregate.MEAN, rules=("WE4",))
    low = [score(day(number), value) for number, value in enumerate([20.0, 22.0] * 5 + [20.5] * 7)]
    on, after = score(day(17), 20.5), score(day(40), 20.5)
    together, apart = (draw([*low, one], wanted, Window.DAY) for one in (on, after))
    assert together.points[-1].rules == ("WE4",)
    assert apart.points[-1].rules == ()
