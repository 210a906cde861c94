"""An explanation speaks the indicator's unit in both languages, and what it lists adds up to the score."""

from __future__ import annotations

import math

import pytest

from services.scoring.scores.display_unit import display_unit
from services.scoring.scores.explanation import composite_working, contribution, members_of, working
from services.scoring.scores.results import Score, ScoreState
from services.scoring.system.case_model import Closed, Count, Elapsed, Flag, Measure, Occurred, Opened
from services.scoring.system.hierarchy import tree_of
from services.scoring.system.model import Aggregate, Direction, Indicator, IndicatorSystem, SystemSpec, Target, Window
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

MEASURES = (
    Measure("took", Elapsed(Opened(), Closed())),
    Measure("late", Flag(Occurred(("Late",)))),
    Measure("calls", Count(("Call",))),
)


def one(measure: str, aggregate: Aggregate, unit: str = "", name: str = "i") -> Indicator:
    target = Target(10.0)
    return Indicator(name, measure, aggregate, unit=unit, target=target, direction=Direction.LOWER_IS_BETTER)


def scored(spec: SystemSpec, indicator: Indicator, values: list[int], value: float | None) -> Score:
    resolution = spec.resolution(indicator)
    squares = sum(number * number for number in values)
    exact = (len(values), ScoreState.MET, None, None, None, True, 1, sum(values), squares, resolution)
    return Score(SeriesKey("p/s/i@day"), WindowId(0, 1), value, *exact)


@pytest.mark.parametrize(
    ("measure", "aggregate", "unit", "values", "en", "zh"),
    [
        (
            "took",
            Aggregate.MEAN,
            "min",
            [1_340, 2_000, 45],
            "56.4167 min / 3 = 18.8056 min.",
            "56.4167 分钟 / 3 = 18.8056 分钟",
        ),
        (
            "took",
            Aggregate.MEAN,
            "h",
            [3_600, 9_000],
            "Mean of 2 cases: 3.5 h / 2 = 1.75 h.",
            "3.5 小时 / 2 = 1.75 小时",
        ),
        ("took", Aggregate.MEAN, "", [50, 70], "Mean of 2 cases: 120 s / 2 = 60 s.", "120 秒 / 2 = 60 秒"),
        ("took", Aggregate.SUM, "d", [86_400, 43_200], "Sum over 2 cases: 1.5 d.", "1.5 天"),
        ("late", Aggregate.SHARE, "", [1, 0, 0, 1, 0, 0, 0, 0], "2 of 8 cases: 2 / 8 = 25 %.", "2 / 8 = 25 %"),
        ("calls", Aggregate.SUM, "", [700, 560, 500], "Sum over 3 cases: 1,760.", "3 个案例之和：1,760。"),
        ("calls", Aggregate.MEDIAN, "calls", [3], "Quantile 0.5 of 1 cases is 3 calls", "0.5 分位数为 3 calls"),
    ],
)
def test_the_working_is_in_the_unit_of_the_indicator(
    measure: str, aggregate: Aggregate, unit: str, values: list[int], en: str, zh: str
) -> None:
    indicator = one(measure, aggregate, unit)
    spec = SystemSpec(measures=MEASURES, indicators=(indicator,))
    resolution, total = spec.resolution(indicator), sum(values)
    shown = display_unit(spec, indicator)
    value = total * resolution if aggregate is Aggregate.SUM else total / len(values) * resolution
    words = working(indicator, scored(spec, indicator, values, value), shown)
    assert en in words.en
    assert zh in words.zh
    amounts = [one * resolution * shown.scale for one in values]
    adds = [contribution(indicator, amount, len(values)) for amount in amounts]
    if aggregate is Aggregate.MEDIAN:
        assert adds == [None]
    else:
        assert math.isclose(math.fsum(one or 0.0 for one in adds), value * shown.scale, rel_tol=1e-12)


def test_a_window_in_which_nothing_happened_says_so() -> None:
    indicator = one("calls", Aggregate.SUM)
    spec = SystemSpec(measures=MEASURES, indicators=(indicator,))
    words = working(indicator, scored(spec, indicator, [], 0.0), display_unit(spec, indicator))
    assert words.en == "No case in the window: the sum over none is 0."
    mean = one("took", Aggregate.MEAN, "h")
    nothing = working(mean, scored(spec, mean, [], None), display_unit(spec, mean))
    assert nothing.zh == "该窗口没有有取值的案例。"


def test_members_of_a_composite_add_up_to_its_points_and_what_is_missing_is_a_range() -> None:
    indicators = tuple(one("calls", Aggregate.SUM, name=name) for name in ("a", "b"))
    system = IndicatorSystem("processes/p/indicatorSystems/s", 1, SystemSpec(measures=MEASURES, indicators=indicators))
    tree = tree_of(system, Window.WEEK)
    assert tree is not None

    def points(given: float | None) -> Score:
        return Score(SeriesKey("p/s/a@week"), WindowId(0, 1), 1.0, 9, ScoreState.MET, given, given, given, True, 1)

    members = members_of(tree, "overall", {"a": points(80.0), "b": points(30.0)})
    assert [member.contribution for member in members] == [40.0, 15.0]
    assert composite_working(members, points(55.0)).en == "Weighted mean of points: 0.5 x 80 (a) + 0.5 x 30 (b) = 55."
    alone = composite_working(members_of(tree, "overall", {"a": points(80.0)}), points(None))
    assert alone.zh == "得分的加权平均：0.5 × 80 (a) + 0.5 × [0, 100] (b)。"
