"""What the statistics of one window are worth: value, state, points, and the roll-up over the hierarchy."""

from __future__ import annotations

import numpy as np
import pytest

from services.scoring.scores.evaluation import Observed, composites_of, evaluate, is_met, points_of, value_of
from services.scoring.scores.results import Score, ScoreState
from services.scoring.scores.statistics import PartStats
from services.scoring.system.case_model import Elapsed, Flag, Measure, Occurred, Opened
from services.scoring.system.hierarchy import tree_of
from services.scoring.system.model import (
    Aggregate,
    Direction,
    Indicator,
    IndicatorSystem,
    SystemSpec,
    Target,
    Window,
)
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

LOWER, HIGHER, TARGET = Direction.LOWER_IS_BETTER, Direction.HIGHER_IS_BETTER, Direction.TARGET_IS_BETTER
AT = WindowId(0, 86_400_000_000)
STATS = PartStats(4, 10, 30, (np.array([1, 2, 3, 4]), np.array([1, 1, 1, 1])))


def indicator(name: str = "wait", **fields) -> Indicator:
    given = {"aggregate": Aggregate.MEAN, "direction": LOWER, "target": Target(10.0), "count_min": 5}
    return Indicator(name, "wait", **{**given, "windows": (Window.DAY,), **fields})


def system(*indicators: Indicator) -> IndicatorSystem:
    measures = (Measure("wait", Elapsed(Opened(), Opened())), Measure("late", Flag(Occurred(("Late",)))))
    spec = SystemSpec(measures=measures, indicators=indicators)
    return IndicatorSystem("processes/desk/indicatorSystems/main", 3, spec)


@pytest.mark.parametrize(
    ("aggregate", "quantile", "value"),
    [
        (Aggregate.MEAN, 0.0, 1.25),
        (Aggregate.SHARE, 0.0, 1.25),
        (Aggregate.UNSPECIFIED, 0.0, 1.25),
        (Aggregate.SUM, 0.0, 5.0),
        (Aggregate.MEDIAN, 0.0, 1.25),
        (Aggregate.QUANTILE, 1.0, 2.0),
        (Aggregate.QUANTILE, 0.0, 0.5),
    ],
)
def test_each_aggregate_is_its_statistic_in_the_reported_unit(aggregate, quantile, value):
    assert value_of(indicator(aggregate=aggregate, quantile=quantile), STATS, 0.5) == value


def test_where_nothing_was_observed_there_is_no_value():
    assert value_of(indicator(), PartStats(0, 0, 0), 1.0) is None
    assert value_of(indicator(), PartStats(1, 0, 0), 1.0) == 0.0


@pytest.mark.parametrize(
    ("direction", "target", "met", "missed"),
    [
        (LOWER, Target(10.0), [9.9, 10.0], [10.1]),
        (HIGHER, Target(10.0), [10.0, 10.1], [9.9]),
        (TARGET, Target(10.0), [10.0], [9.9, 10.1]),
        (TARGET, Target(10.0, lower=8.0), [8.0, 10.0], [7.9, 10.1]),
        (TARGET, Target(10.0, upper=12.0), [10.0, 12.0], [9.9, 12.1]),
        (TARGET, Target(10.0, lower=8.0, upper=12.0), [8.0, 12.0], [7.9, 12.1]),
    ],
)
def test_a_target_is_met_up_to_its_bounds_and_not_beyond(direction, target, met, missed):
    assert [is_met(direction, target, value) for value in (*met, *missed)] == [True] * len(met) + [False] * len(missed)


def test_without_a_direction_nothing_is_met():
    with pytest.raises(ValueError, match="without a direction"):
        is_met(Direction.UNSPECIFIED, Target(1.0), 1.0)


@pytest.mark.parametrize(
    ("direction", "target", "points"),
    [
        # The worst value is stated.
        (LOWER, Target(10.0, worst=20.0), {5.0: 100.0, 10.0: 100.0, 12.0: 80.0, 20.0: 0.0, 25.0: 0.0}),
        (HIGHER, Target(10.0, worst=5.0), {12.0: 100.0, 10.0: 100.0, 9.0: 80.0, 5.0: 0.0, 1.0: 0.0}),
        (TARGET, Target(10.0, worst=15.0), {10.0: 100.0, 11.0: 80.0, 9.0: 80.0, 5.0: 0.0, 15.0: 0.0, 16.0: 0.0}),
        (TARGET, Target(10.0, worst=5.0), {11.0: 80.0, 9.0: 80.0, 15.0: 0.0}),
        # It is not: twice the target, nothing, or as far as zero on either side.
        (LOWER, Target(10.0), {10.0: 100.0, 15.0: 50.0, 20.0: 0.0}),
        (HIGHER, Target(10.0), {10.0: 100.0, 5.0: 50.0, 0.0: 0.0}),
        (TARGET, Target(10.0), {10.0: 100.0, 15.0: 50.0, 5.0: 50.0, 0.0: 0.0, 20.0: 0.0}),
        (TARGET, Target(-10.0), {-10.0: 100.0, -15.0: 50.0, 0.0: 0.0, -20.0: 0.0}),
        # A range is good all through, and falls from its ends.
        (TARGET, Target(10.0, worst=20.0, lower=8.0, upper=15.0), {8.0: 100.0, 15.0: 100.0, 17.5: 50.0, 4.0: 50.0}),
    ],
)
def test_points_fall_from_the_target_to_the_worst_value(direction, target, points):
    assert points_of(direction, target, list(points)) == pytest.approx(list(points.values()))


@pytest.mark.parametrize(
    ("direction", "target"),
    [(LOWER, Target(0.0)), (HIGHER, Target(0.0)), (TARGET, Target(0.0)), (LOWER, Target(5.0, worst=5.0))],
)
def test_points_are_all_or_nothing_where_the_worst_value_leaves_no_room(direction, target):
    around = [target.value - 1.0, target.value, target.value + 1.0]
    met = {LOWER: [100.0, 100.0, 0.0], HIGHER: [0.0, 100.0, 100.0], TARGET: [0.0, 100.0, 0.0]}[direction]
    assert points_of(direction, target, around) == met


def test_a_score_carries_its_statistics_its_verdict_and_its_version():
    chosen = indicator(aggregate=Aggregate.SUM, target=Target(10.0, worst=30.0), count_min=4)
    (score,) = evaluate(system(chosen), chosen, [Observed(SeriesKey("s"), AT, PartStats(4, 20, 120), True)])
    assert score == Score(
        series=SeriesKey("s"),
        window=AT,
        value=20.0,
        count=4,
        state=ScoreState.MISSED,
        points=50.0,
        points_low=50.0,
        points_high=50.0,
        complete=True,
        version=3,
        total=20,
        squares=120,
        resolution=1.0,
    )


def test_series_with_too_few_cases_are_not_decided_and_the_others_get_their_own_points():
    chosen = indicator(target=Target(10.0, worst=20.0))
    parts = [PartStats(5, 75, 0), PartStats(4, 40, 0), PartStats(0, 0, 0), PartStats(6, 30, 0)]
    scores = evaluate(system(chosen), chosen, [Observed(SeriesKey("s"), AT, part, False) for part in parts])
    assert [(score.state, score.points, score.points_low, score.points_high) for score in scores] == [
        (ScoreState.MISSED, 50.0, 50.0, 50.0),
        (ScoreState.NOT_ENOUGH_DATA, None, 0.0, 100.0),
        (ScoreState.NOT_ENOUGH_DATA, None, 0.0, 100.0),
        (ScoreState.MET, 100.0, 100.0, 100.0),
    ]
    assert [score.value for score in scores] == [15.0, 10.0, None, 5.0]


@pytest.mark.parametrize(
    "fields",
    [{"target": None}, {"target": None, "direction": Direction.UNSPECIFIED}, {"direction": Direction.UNSPECIFIED}],
)
def test_without_a_target_and_a_direction_there_are_no_points(fields):
    chosen = indicator(**fields)
    parts = [PartStats(5, 75, 0), PartStats(4, 40, 0)]
    scores = evaluate(system(chosen), chosen, [Observed(SeriesKey("s"), AT, part, False) for part in parts])
    assert [score.state for score in scores] == [ScoreState.NO_TARGET, ScoreState.NOT_ENOUGH_DATA]
    assert {(score.points, score.points_low, score.points_high) for score in scores} == {(None, None, None)}


def leaf(name: str, points: float | None, count: int = 7) -> Score:
    return Score(SeriesKey(name), AT, points, count, ScoreState.MET, points, points, points, True, 3)


def composite(weights: dict[str, float], leaves: dict[str, Score], complete: bool = True) -> Score:
    made = system(*(indicator(name, weight=weight) for name, weight in weights.items()))
    tree = tree_of(made, Window.DAY)
    assert tree is not None
    scores = composites_of(made, tree, Window.DAY, AT, leaves, complete)
    (whole,) = [score for score in scores if score.series == SeriesKey("desk/main/overall@day")]
    return whole


def test_a_composite_is_the_weighted_mean_of_its_indicators_and_counts_the_largest_of_them():
    whole = composite({"a": 1.0, "b": 3.0}, {"a": leaf("a", 100.0, 7), "b": leaf("b", 60.0, 9)}, complete=False)
    assert whole == Score(
        SeriesKey("desk/main/overall@day"), AT, 70.0, 9, ScoreState.MISSED, 70.0, 70.0, 70.0, False, 3
    )


def test_a_composite_with_a_missing_indicator_is_an_interval_without_a_verdict():
    for missing in ({}, {"b": leaf("b", None)}):
        whole = composite({"a": 1.0, "b": 3.0}, {"a": leaf("a", 80.0), **missing})
        assert (whole.value, whole.points, whole.points_low, whole.points_high) == (None, None, 20.0, 95.0)
        assert whole.state is ScoreState.NOT_ENOUGH_DATA


def test_an_indicator_that_is_not_scored_in_a_window_width_is_not_missing_in_it():
    weekly = indicator("b", weight=3.0, windows=(Window.WEEK,))
    made = system(indicator("a", weight=1.0, windows=(Window.DAY, Window.WEEK)), weekly)
    day, week = tree_of(made, Window.DAY), tree_of(made, Window.WEEK)
    assert day is not None
    assert week is not None
    assert [one.name for one in day.leaves] == ["a"]
    (whole,) = composites_of(made, day, Window.DAY, AT, {"a": leaf("a", 80.0)}, True)
    assert (whole.points, whole.points_low, whole.points_high) == (80.0, 80.0, 80.0)
    (whole,) = composites_of(made, week, Window.WEEK, AT, {"a": leaf("a", 80.0)}, True)
    assert (whole.points_low, whole.points_high) == (20.0, 95.0)
    assert tree_of(made, Window.MONTH) is None


def test_a_composite_of_which_nothing_was_observed_counts_nothing():
    assert composite({"a": 1.0}, {}).count == 0


def test_thirds_that_do_not_sum_to_exactly_one_still_meet_the_whole():
    names = [f"i{number}" for number in range(3)]
    whole = composite(dict.fromkeys(names, 1 / 3), {name: leaf(name, 100.0) for name in names})
    assert whole.state is ScoreState.MET
    assert whole.points is not None
    assert whole.points <= 100.0
    nearly = composite({"a": 1.0}, {"a": leaf("a", 99.999)})
    assert nearly.state is ScoreState.MISSED
