"""Charts of a series: frozen baseline, rules after it, promises kept by the limits, adverse by direction."""

from __future__ import annotations

import json
import random
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from andon_quality.calibration import BaselineProfile, Sides, WindowScheme, calibrate_windows
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.scores.charts import chart
from services.scoring.scores.charts.chart import Drawn
from services.scoring.scores.charts.chart_plan import ChartPlan, kind_of, plan_of
from services.scoring.scores.charts.chart_state import START
from services.scoring.scores.charts.derivation import derivation_of
from services.scoring.scores.charts.phase_one import sides_of
from services.scoring.scores.charts.phase_one_status import phase_one_status
from services.scoring.scores.charts.signals import signals_of
from services.scoring.scores.charts.vega import Language, control_chart
from services.scoring.scores.results import (
    Baseline,
    CentreBound,
    ChartPoint,
    PhaseOneState,
    PhaseOneStatus,
    Score,
    ScoreState,
)
from services.scoring.system.calendar import Zone, windows_after
from services.scoring.system.case_model import (
    AttributeTime,
    Closed,
    Count,
    Elapsed,
    FirstOf,
    Flag,
    LastOf,
    Measure,
    MeasureKind,
    NumberAttribute,
    Occurred,
    Opened,
    Text,
    Work,
)
from services.scoring.system.chart_scheme import RULES
from services.scoring.system.model import (
    Aggregate,
    ChartKind,
    ChartRule,
    Direction,
    Indicator,
    SystemSpec,
    Target,
    Window,
)
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

DAY_US = 86_400_000_000
ROOT = Path(__file__).parents[5]
SERIES = SeriesKey("desk/main/wait@day")


def scored(day: int, total: int, count: int, squares: int) -> Score:
    window = WindowId(day * DAY_US, (day + 1) * DAY_US)
    return Score(SERIES, window, total / count, count, ScoreState.NO_TARGET, None, None, None, True, 1, total, squares)


def point(day: int, value: float, count: int = 50, spread: int = 100) -> Score:
    """A window whose cases have this mean and a standard deviation of about `spread`; the resolution is 1."""
    total = round(value * count)
    squares = total * total // count + spread * spread * (count - 1)
    return scored(day, total, count, squares)


def points(values: Sequence[float], **rest: int) -> list[Score]:
    return [point(day, value, **rest) for day, value in enumerate(values)]


def draw(scores: Sequence[Score], plan: ChartPlan) -> Drawn:
    return chart.draw(scores, plan, Window.DAY)


def plan(
    kind: ChartKind = ChartKind.XMR, direction: Direction = Direction.LOWER_IS_BETTER, **rule: object
) -> ChartPlan:
    charted = replace(ChartRule(kind=kind, baseline_windows=8), **rule)  # type: ignore[arg-type]
    indicator = Indicator(
        "wait", "wait", Aggregate.MEAN, direction=direction, target=Target(100.0), chart=charted, symptom_of=("other",)
    )
    made = plan_of(SystemSpec(measures=(Measure("wait", NumberAttribute("wait")),)), indicator)
    assert made is not None
    return made


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


def test_the_standard_deviation_of_phase_one_sets_the_limits() -> None:
    drawn = draw(points(STEADY), plan())
    c4 = 0.9650304561473723
    sigma = statistics.stdev(STEADY) / c4
    assert drawn.baseline is not None
    assert drawn.baseline.centre == pytest.approx(statistics.mean(STEADY))
    assert drawn.baseline.sigma == pytest.approx(sigma)
    assert drawn.points[0].upper == pytest.approx(statistics.mean(STEADY) + drawn.baseline.limit_width * sigma)


def test_two_of_three_fire_before_a_point_lies_beyond_the_limits() -> None:
    baseline = draw(points(STEADY), plan()).baseline
    assert baseline is not None
    near = baseline.centre + 0.8 * baseline.limit_width * baseline.sigma
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


def baseline_of(kind: ChartKind, **rule: Any) -> Baseline:
    steady = shares([20, 23, 19, 21, 22, 18, 20, 21], 100) if kind is ChartKind.P else points(STEADY)
    baseline = draw(steady, plan(kind, **rule)).baseline
    assert baseline is not None
    return baseline


@pytest.mark.parametrize("kind", [ChartKind.XMR, ChartKind.XBAR_S, ChartKind.P, ChartKind.EWMA])
def test_limits_are_set_for_the_run_length_that_is_asked_for(kind: ChartKind) -> None:
    long, short = baseline_of(kind, requested_arl0=500.0), baseline_of(kind, requested_arl0=100.0)
    assert (long.calibration.requested_arl0, short.calibration.requested_arl0) == (500.0, 100.0)
    assert 500.0 <= long.calibration.expected_arl0 < 550.0
    assert 100.0 <= short.calibration.expected_arl0 < 110.0
    assert long.limit_width > short.limit_width


def test_the_promise_counts_the_side_whose_signals_are_raised() -> None:
    one, both = baseline_of(ChartKind.XMR, rules=("WE1",)), baseline_of(ChartKind.XMR, rules=("WE1",), both_sides=True)
    assert (one.calibration.sides, both.calibration.sides) == ("upper", "both")
    assert one.calibration.requested_arl0 == pytest.approx(2.0 * both.calibration.requested_arl0)
    again = baseline_of(ChartKind.XMR, rules=("WE1",), both_sides=True, requested_arl0=740.0)
    assert again.limit_width > one.limit_width


def test_a_request_that_no_limits_reach_is_answered_with_what_three_sigma_give() -> None:
    eight = baseline_of(ChartKind.XMR, rules=("WE1", "WE4"), requested_arl0=5_000.0)
    assert eight.limit_width == 3.0
    assert eight.calibration.requested_arl0 == 5_000.0
    assert eight.calibration.expected_arl0 < 510.0


def test_a_target_in_the_middle_is_watched_on_both_sides_and_a_distant_one_on_the_far_side() -> None:
    middle = plan(direction=Direction.TARGET_IS_BETTER)
    assert sides_of(middle, 101.0, 5.0) is Sides.BOTH
    assert sides_of(middle, 160.0, 5.0) is Sides.UPPER
    assert sides_of(middle, 40.0, 5.0) is Sides.LOWER


def test_the_same_windows_give_the_same_limits_to_the_last_bit_in_another_process() -> None:
    program = (
        "from services.scoring.system.chart_scheme import RULES; from andon_quality.calibration import *;"
        "scheme = WindowScheme(Sides.UPPER, (RULES['WE1'], RULES['WE2']));"
        "print(calibrate_windows(scheme, BaselineProfile(20, 0.4, 0.3, 2.0), 370.0))"
    )
    here = calibrate_windows(
        WindowScheme(Sides.UPPER, (RULES["WE1"], RULES["WE2"])), BaselineProfile(20, 0.4, 0.3, 2.0), 370.0
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert there.stdout.strip() == str(here)


def test_the_derivation_says_what_was_seen_asked_for_and_given() -> None:
    said = derivation_of(baseline_of(ChartKind.P, requested_arl0=400.0))
    for word in ("p chart", "8 windows", "above the centre", "asked for was one in 400"):
        assert word in said.en
    assert "400" in said.zh


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


def shares(hits: Sequence[int], count: int) -> list[Score]:
    return [scored(day, one, count, one) for day, one in enumerate(hits)]


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
def test_the_spec_renders_and_marks_every_signal(language: Language) -> None:
    import vl_convert

    watch = plan()
    drawn = draw(points([*STEADY, 150.0]), watch)
    signals = list(signals_of("desk", SERIES, drawn, watch).values())
    title = "等待" if language == "zh" else "Wait"
    raw = control_chart(title, "h", False, drawn, signals, 370.0, language, Text(), Zone("UTC"))
    spec = json.loads(raw)
    assert [row["rules"] for row in spec["data"]["values"]][-1] == ", ".join(one.rule for one in signals)
    assert "<svg" in vl_convert.vegalite_to_svg(raw)


@pytest.mark.parametrize(
    ("zone", "start", "clocks"),
    [
        # Clocks go forward: an hour is missing. They go back: one comes twice, and both share its place.
        ("Europe/Berlin", "2026-03-29T00:00Z", ["01:00", "03:00", "04:00", "05:00"]),
        ("Europe/Berlin", "2026-10-24T23:00Z", ["01:00", "02:00", "02:30", "03:00"]),
        ("Australia/Lord_Howe", "2026-04-04T13:00Z", ["00:00", "01:00", "01:45", "02:00"]),
        ("Asia/Shanghai", "2026-02-15T16:00Z", ["00:00", "01:00", "02:00", "03:00"]),
    ],
)
def test_the_time_axis_shows_the_clock_of_the_system_and_names_its_zone(
    zone: str, start: str, clocks: list[str]
) -> None:
    import vl_convert

    first = round(datetime.fromisoformat(start).timestamp() * 1e6)
    hours = windows_after(Zone(zone), Window.HOUR, first, 4)
    drawn = Drawn(None, tuple(ChartPoint(at, 1.0, 1.0, 9, None, None, None, False, ()) for at in hours))
    raw = control_chart("Wait", "h", False, drawn, [], 370.0, "en", Text(), Zone(zone))
    spec = json.loads(raw)
    rows = spec["data"]["values"]
    assert [row["clock"][11:16] for row in rows] == clocks
    assert all(row["clock"] < row["clock_end"] for row in rows)
    assert len({row["window"] for row in rows}) == 4
    axes = {json.dumps(layer["encoding"]["x"]) for layer in spec["layer"]}
    assert len(axes) == 1
    axis = spec["layer"][0]["encoding"]["x"]
    assert (axis["title"], axis["scale"]) == (f"window start ({zone})", {"type": "utc"})
    assert "<svg" in vl_convert.vegalite_to_svg(raw)


def test_days_begin_at_midnight_on_the_axis_wherever_it_is_drawn() -> None:
    import vl_convert

    first = round(datetime.fromisoformat("2026-10-23T04:00Z").timestamp() * 1e6)
    days = windows_after(Zone("America/New_York"), Window.DAY, first, 14)
    drawn = Drawn(None, tuple(ChartPoint(at, 1.0, 1.0, 9, None, None, None, False, ()) for at in days))
    spec = json.loads(control_chart("Wait", "h", False, drawn, [], 370.0, "en", Text(), Zone("America/New_York")))
    rows = spec["data"]["values"]
    assert {row["clock"][10:] for row in rows} == {"T00:00:00Z"}
    assert [row["start"] for row in rows][-3:] == [f"2026-11-0{day}T05:00:00Z" for day in (3, 4, 5)]
    svg = vl_convert.vegalite_to_svg(spec | {"width": 900, "height": 300})
    # Ticks lie at midnight and noon of the local day, not at 04:00 and 05:00 UTC.
    labels = set(re.findall(r">([^<>]+)</text>", svg))
    assert labels & {"Oct 25", "Sun 25"}
    assert not labels & {"04 AM", "05 AM", "04 PM", "05 PM", "08 PM", "07 PM"}


def test_twelve_months_with_a_winter_peak_get_limits_that_are_capped_and_say_that_they_are_blind() -> None:
    months = [0.055, 0.06, 0.07, 0.08, 0.09, 0.12, 0.15, 0.16, 0.14, 0.11, 0.08, 0.06]
    season = draw(points([1_000.0 * month for month in months]), plan(baseline_windows=12, rules=("WE1",)))
    assert season.baseline is not None
    calibration = season.baseline.calibration
    assert calibration.is_capped
    assert season.baseline.limit_width < 8.0
    assert calibration.detection is not None
    assert not calibration.detection.detects
    said = derivation_of(season.baseline)
    assert "cannot detect a shift of 2 sigma within 10 windows" in said.en
    assert "capped" in said.en
    assert "封顶" in said.zh
    assert "无法在 10 个窗口内" in said.zh


def test_a_chart_that_sees_a_shift_says_after_how_many_windows() -> None:
    baseline = draw(points(STEADY * 3), plan(baseline_windows=24)).baseline
    assert baseline is not None
    seen = baseline.calibration.detection
    assert seen is not None
    assert seen.detects
    assert 1.0 <= seen.delay <= 10.0
    assert f"within {seen.delay:g} windows half of the time" in derivation_of(baseline).en


def measured(kind: MeasureKind, aggregate: Aggregate, chart_kind: ChartKind = ChartKind.XMR) -> ChartPlan:
    rule = ChartRule(kind=chart_kind, baseline_windows=8, both_sides=True)
    indicator = Indicator("it", "it", aggregate, direction=Direction.LOWER_IS_BETTER, chart=rule)
    made = plan_of(SystemSpec(measures=(Measure("it", kind),)), indicator)
    assert made is not None
    return made


WILD = [1.0, 9.0, 2.0, 30.0, 1.0, 4.0, 22.0, 3.0]


@pytest.mark.parametrize(
    ("kind", "aggregate"),
    [
        (Elapsed(Opened(), Closed()), Aggregate.MEDIAN),
        (Elapsed(FirstOf(("a",)), Closed()), Aggregate.MEAN),
        (Count(), Aggregate.SUM),
        (Work(), Aggregate.MEDIAN),
        (Flag(Occurred(("a",))), Aggregate.SUM),
    ],
)
@pytest.mark.parametrize("chart_kind", [ChartKind.XMR, ChartKind.EWMA])
def test_limits_end_where_the_quantity_does(kind: MeasureKind, aggregate: Aggregate, chart_kind: ChartKind) -> None:
    drawn = draw([*points(WILD), *points([*WILD, 5.0])[-1:]], measured(kind, aggregate, chart_kind))
    assert drawn.points[-1].lower is not None
    assert drawn.points[-1].lower >= 0.0


@pytest.mark.parametrize(
    "kind", [NumberAttribute("it"), Elapsed(AttributeTime("planned"), Closed()), Elapsed(LastOf(("a",)), Closed())]
)
def test_what_may_be_negative_has_limits_below_zero(kind: MeasureKind) -> None:
    lower = draw(points(WILD), measured(kind, Aggregate.MEDIAN)).points[-1].lower
    assert lower is not None
    assert lower < 0.0


def test_a_negative_value_in_phase_one_shows_that_the_quantity_has_a_sign() -> None:
    drawn = draw(points([-3.0, *WILD[1:]]), measured(Elapsed(Opened(), Closed()), Aggregate.MEDIAN))
    assert drawn.points[-1].lower is not None
    assert drawn.points[-1].lower < 0.0


def test_a_share_charted_as_single_values_stays_between_none_and_all() -> None:
    hits = shares([99, 80, 100, 97, 70, 100, 98, 100], 100)
    last = draw(hits, measured(Flag(Occurred(("a",))), Aggregate.SHARE)).points[-1]
    assert last.upper == 1.0


@pytest.mark.parametrize(("hits", "bound"), [(0, CentreBound.AT_MOST), (60, CentreBound.AT_LEAST)])
def test_a_perfect_phase_one_bounds_its_centre_and_a_bad_day_signals(hits: int, bound: CentreBound) -> None:
    watch = measured(Flag(Occurred(("a",))), Aggregate.SHARE, ChartKind.UNSPECIFIED)
    drawn = draw(shares([*[hits] * 8, 30], 60), watch)
    assert drawn.baseline is not None
    assert drawn.baseline.centre_bound is bound
    assert drawn.points[-1].rules
    word = "at most" if bound is CentreBound.AT_MOST else "at least"
    assert f"the centre is {word}" in derivation_of(drawn.baseline).en


def status(scores: Sequence[Score], watch: ChartPlan) -> PhaseOneStatus:
    state, _ = chart.advance(START, scores, watch, Window.DAY)
    return phase_one_status(state, scores, watch)


def test_phase_one_says_what_it_waits_for() -> None:
    five = status(points(STEADY[:5]), plan())
    assert (five.state, five.window_count, five.windows_missing) == (PhaseOneState.WINDOWS_MISSING, 5, 3)
    assert "5 of 8 windows, 3 are missing" in five.explanation.en
    assert "还缺 3 个" in five.explanation.zh
    last = replace(points(STEADY)[-1], complete=False)
    waits = status([*points(STEADY[:7]), last], plan())
    assert (waits.state, waits.windows_missing) == (PhaseOneState.WINDOWS_PROVISIONAL, 1)
    assert "waits for a later event" in waits.explanation.en
    few = replace(points(STEADY)[-1], state=ScoreState.NOT_ENOUGH_DATA)
    assert "1 more has too few cases" in status([*points(STEADY[:7]), few], plan()).explanation.en
    assert status(points(STEADY), plan()).state is PhaseOneState.FROZEN


def test_phase_one_without_spread_or_without_an_end_says_so() -> None:
    flat = status(points([5.0] * 12), plan())
    assert flat.state is PhaseOneState.NO_SPREAD
    assert "no spread" in flat.explanation.en
    span: Any = {"baseline_start_us": 2 * DAY_US, "baseline_end_us": 6 * DAY_US}
    open_still = status(points(STEADY[:5]), plan(**span))
    assert open_still.state is PhaseOneState.INTERVAL_OPEN
    assert "ends at 1970-01-07 00:00 (UTC)" in open_still.explanation.en
    missed = status([*points(STEADY[:1]), *points(STEADY)[6:]], plan(**span))
    assert missed.state is PhaseOneState.INTERVAL_EMPTY
    endless = status(points(STEADY), plan(baseline_start_us=0))
    assert endless.state is PhaseOneState.INTERVAL_OPEN
    assert "without an end" in endless.explanation.en


@pytest.mark.parametrize("count", [1, 5])
def test_means_of_windows_whose_cases_are_alike_are_judged_as_single_values(count: int) -> None:
    alike = [scored(day, round(value) * count, count, round(value) ** 2 * count) for day, value in enumerate(STEADY)]
    drawn = draw([*alike, scored(8, 160 * count, count, 160**2 * count)], plan(ChartKind.XBAR_S))
    assert drawn.baseline is not None
    assert drawn.baseline.chart == "XmR"
    assert "WE1" in rules_at(drawn, 8)
