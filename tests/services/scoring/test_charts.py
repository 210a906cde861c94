"""Charts of a series: frozen baseline, rules after it, promises kept by the limits, adverse by direction."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.charts import ChartPlan, Drawn, WindowPoint, draw, kind_of, plan_of, signals_of
from services.scoring.model import Aggregate, ChartKind, ChartRule, Direction, SeriesKey, Target, WindowId
from services.scoring.vega import control_chart

DAY_US = 86_400_000_000
SERIES = SeriesKey("desk/main/wait@day")


def point(day: int, value: float, count: int = 50, spread: int = 100) -> WindowPoint:
    """A window whose cases have this mean, in quanta of 1, and a standard deviation of about `spread`."""
    total = round(value * count)
    squares = total * total // count + spread * spread * (count - 1)
    return WindowPoint(WindowId(day * DAY_US, (day + 1) * DAY_US), total / count, count, total, squares, 1.0)


def points(values: Sequence[float], **rest: int) -> list[WindowPoint]:
    return [point(day, value, **rest) for day, value in enumerate(values)]


def plan(
    kind: ChartKind = ChartKind.XMR, direction: Direction = Direction.LOWER_IS_BETTER, **rule: object
) -> ChartPlan:
    chart = replace(ChartRule(kind=kind, baseline_windows=8), **rule)  # type: ignore[arg-type]
    return plan_of(chart, kind, direction, Target(100.0), ("other",))


def rules_at(drawn: Drawn, day: int) -> set[str]:
    return set(drawn.points[day].rules)


STEADY = [100.0, 104.0, 98.0, 102.0, 97.0, 103.0, 99.0, 101.0]


def test_the_chart_suits_the_aggregate_unless_the_rule_names_one() -> None:
    assert kind_of(ChartRule(), Aggregate.SHARE) is ChartKind.P
    assert kind_of(ChartRule(), Aggregate.MEAN) is ChartKind.XBAR_S
    assert kind_of(ChartRule(), Aggregate.MEDIAN) is ChartKind.XMR
    assert kind_of(ChartRule(kind=ChartKind.EWMA), Aggregate.MEAN) is ChartKind.EWMA


def test_without_enough_windows_or_any_spread_nothing_is_judged() -> None:
    assert draw(points(STEADY[:7]), plan()).baseline is None
    assert draw(points([5.0] * 12), plan()).baseline is None
    assert not signals_of("desk", SERIES, draw(points(STEADY[:7]), plan()), plan())


def test_phase_one_is_frozen_and_later_windows_do_not_move_it() -> None:
    short, long = draw(points(STEADY), plan()), draw(points([*STEADY, 150.0, 150.0, 150.0]), plan())
    assert short.baseline == long.baseline
    assert [one.in_baseline for one in long.points] == [True] * 8 + [False] * 3
    assert not any(rules_at(long, day) for day in range(8))
    assert "WE1" in rules_at(long, 8)


def test_the_moving_range_gives_the_textbook_limits() -> None:
    drawn = draw(points(STEADY), plan())
    ranges = [abs(after - before) for before, after in itertools.pairwise(STEADY)]
    sigma = sum(ranges) / len(ranges) / 1.1283791670955126
    assert drawn.baseline is not None
    assert drawn.baseline.centre == pytest.approx(sum(STEADY) / 8)
    assert drawn.baseline.sigma == pytest.approx(sigma)
    assert drawn.points[0].upper == pytest.approx(sum(STEADY) / 8 + 3 * sigma)


def test_two_of_three_fire_before_a_point_lies_beyond_the_limits() -> None:
    baseline = draw(points(STEADY), plan()).baseline
    assert baseline is not None
    near = baseline.centre + 2.3 * baseline.sigma
    drawn = draw(points([*STEADY, near, 100.0, near]), plan())
    assert rules_at(drawn, 8) == set()
    assert rules_at(drawn, 10) == {"WE2"}


@pytest.mark.parametrize(
    ("direction", "value", "adverse"),
    [
        (Direction.LOWER_IS_BETTER, 160.0, True),
        (Direction.LOWER_IS_BETTER, 40.0, False),
        (Direction.HIGHER_IS_BETTER, 160.0, False),
        (Direction.HIGHER_IS_BETTER, 40.0, True),
        (Direction.TARGET_IS_BETTER, 160.0, True),
        (Direction.TARGET_IS_BETTER, 40.0, True),
    ],
)
def test_only_adverse_signals_are_raised_unless_both_sides_are_asked_for(
    direction: Direction, value: float, adverse: bool
) -> None:
    one_side, both = plan(direction=direction), plan(direction=direction, both_sides=True)
    drawn = draw(points([*STEADY, value]), one_side)
    assert bool(signals_of("desk", SERIES, drawn, one_side)) == adverse
    raised = signals_of("desk", SERIES, drawn, both)
    assert {signal.adverse for signal in raised.values()} == {adverse}


@pytest.mark.parametrize("kind", [ChartKind.XMR, ChartKind.XBAR_S, ChartKind.P, ChartKind.EWMA])
def test_a_requested_run_length_is_what_is_promised(kind: ChartKind) -> None:
    assert plan(kind, requested_arl=500.0).promised_arl == pytest.approx(500.0, rel=1e-6)
    assert plan(kind, requested_arl=500.0).width > plan(kind, requested_arl=100.0).width
    default = plan(kind)
    assert default.width == 3.0
    assert default.promised_arl > 100.0


def test_a_request_that_no_limits_reach_is_answered_with_what_three_sigma_give() -> None:
    eight = plan(rules=("WE1", "WE4"), requested_arl=5_000.0)
    assert eight.width == 3.0
    assert eight.promised_arl < 370.0


def test_limits_of_means_narrow_with_more_cases() -> None:
    few = [point(day, value, count=20) for day, value in enumerate(STEADY)]
    drawn = draw([*few, point(8, 100.0, count=20), point(9, 100.0, count=80)], plan(ChartKind.XBAR_S))
    width = [one.upper - one.centre for one in drawn.points[8:] if one.upper is not None and one.centre is not None]
    assert width[0] == pytest.approx(2 * width[1])
    assert drawn.baseline is not None
    assert drawn.baseline.chart == "Xbar-S"


def test_means_that_vary_more_than_their_cases_get_wider_limits() -> None:
    alike = draw(points(STEADY * 2, count=50, spread=20), plan(ChartKind.XBAR_S))
    apart = draw(points([value * 10 - 900 for value in STEADY] * 2, count=50, spread=20), plan(ChartKind.XBAR_S))
    assert alike.baseline is not None
    assert apart.baseline is not None
    assert (alike.baseline.chart, alike.baseline.overdispersion) == ("Xbar-S", 1.0)
    assert apart.baseline.chart == "Xbar-S'"
    assert apart.baseline.overdispersion > 5
    assert not any(one.rules for one in apart.points)


def shares(hits: Sequence[int], count: int) -> list[WindowPoint]:
    spans = [WindowId(day * DAY_US, (day + 1) * DAY_US) for day in range(len(hits))]
    return [WindowPoint(span, one / count, count, one, one, 1.0) for span, one in zip(spans, hits, strict=True)]


def test_shares_that_vary_more_than_chance_get_wider_limits() -> None:
    calm = draw(shares([20, 23, 19, 21, 22, 18, 20, 21], 100), plan(ChartKind.P))
    wild = draw(shares([4_000, 5_200, 3_900, 5_500, 4_100, 5_000, 4_300, 5_600], 10_000), plan(ChartKind.P))
    assert calm.baseline is not None
    assert wild.baseline is not None
    assert (calm.baseline.chart, calm.baseline.overdispersion) == ("p", 1.0)
    assert wild.baseline.chart == "p'"
    assert wild.baseline.overdispersion > 5


def test_an_ewma_finds_a_small_lasting_shift_that_single_values_hide() -> None:
    dice = random.Random(5)
    steady = [dice.gauss(100.0, 5.0) for _ in range(20)]
    shifted = [dice.gauss(106.0, 5.0) for _ in range(12)]
    watch = plan(ChartKind.EWMA, baseline_windows=20)
    signals = signals_of("desk", SERIES, draw(points([*steady, *shifted]), watch), watch)
    assert {signal.rule for signal in signals.values()} == {"LIMIT"}
    assert {signal.statistic for signal in signals.values()} == {"ewma"}


def test_a_baseline_interval_is_judged_only_from_its_end_on() -> None:
    span = plan(baseline_start_us=2 * DAY_US, baseline_end_us=8 * DAY_US)
    assert draw(points(STEADY), span).baseline is None
    drawn = draw(points([*STEADY, 180.0]), span)
    assert drawn.baseline is not None
    assert drawn.baseline.window_count == 6
    assert rules_at(drawn, 8) >= {"WE1"}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(1.0, 1000.0), min_size=9, max_size=40), st.integers(9, 40))
def test_what_was_judged_once_is_judged_the_same_with_more_windows_after_it(values: list[float], cut: int) -> None:
    whole, part = draw(points(values), plan()), draw(points(values[:cut]), plan())
    assert whole.points[: len(part.points)] == part.points


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_spec_renders_and_marks_every_signal(language: str) -> None:
    import vl_convert

    watch = plan()
    drawn = draw(points([*STEADY, 150.0]), watch)
    signals = list(signals_of("desk", SERIES, drawn, watch).values())
    raw = control_chart("等待" if language == "zh" else "Wait", "h", drawn, signals, 370.0, language)  # type: ignore[arg-type]
    spec = json.loads(raw)
    assert [row["rules"] for row in spec["data"]["values"]][-1] == ", ".join(one.rule for one in signals)
    assert "<svg" in vl_convert.vegalite_to_svg(raw)
