"""Which windows an action is compared with, and which show how windows vary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.improvement.history import NotEnoughWindows, learn
from services.improvement.model import DAY_US, ProofPlan, Reading
from services.improvement.window_kinds import HISTORY_WINDOWS_MAX, HOUR_US

DICE = np.random.default_rng(1)


def days(*values: float) -> list[Reading]:
    return [Reading(day * DAY_US, (day + 1) * DAY_US, value, 50, 7, 90) for day, value in enumerate(values)]


def plan(*intervals: tuple[int, int], spread_end: int = 0) -> ProofPlan:
    return ProofPlan(tuple((first * DAY_US, end * DAY_US) for first, end in intervals), spread_end * DAY_US, 0)


def test_only_windows_that_lie_wholly_inside_an_interval_of_before_are_compared_with():
    readings = days(*DICE.normal(0, 1, 40))
    inside = learn(plan((10, 14), (20, 23), spread_end=40), "day", readings).before
    assert [one.start_us // DAY_US for one in inside] == [10, 11, 12, 13, 20, 21, 22]
    half = replace(plan((10, 14), spread_end=40), baseline_intervals=((10 * DAY_US - 1, 15 * DAY_US - 1),))
    assert [one.start_us // DAY_US for one in learn(half, "day", readings).before] == [10, 11, 12, 13]


@pytest.mark.parametrize(("windows", "enough"), [(3, False), (4, True)])
def test_four_windows_before_are_enough_and_three_are_not(windows, enough):
    readings = days(*DICE.normal(0, 1, 40))
    if enough:
        assert learn(plan((20, 20 + windows), spread_end=20), "day", readings).baseline.points == windows
    else:
        with pytest.raises(NotEnoughWindows, match="3 windows before the action, 4 are needed"):
            learn(plan((20, 20 + windows), spread_end=20), "day", readings)


def test_the_variation_is_learnt_from_the_windows_that_ended_before_the_problem_began():
    readings = days(*DICE.normal(0, 1, 8), *DICE.normal(5, 30, 12))
    found = learn(plan((8, 20), spread_end=8), "day", readings)
    assert found.baseline.spread_points == 8
    assert found.baseline.level == pytest.approx(np.mean([one.value for one in readings[8:]]))


def test_with_fewer_than_eight_such_windows_it_is_learnt_from_those_of_before():
    readings = days(*DICE.normal(0, 1, 20))
    assert learn(plan((7, 20), spread_end=7), "day", readings).baseline.spread_points == 13
    with pytest.raises(NotEnoughWindows, match="7 windows to learn the spread from, 8 are needed"):
        learn(plan((7, 14), spread_end=7), "day", readings)


def test_a_history_is_as_long_as_its_kind_of_windows_allows_and_its_latest_windows_count():
    most = HISTORY_WINDOWS_MAX["day"]
    readings = days(*np.arange(most + 40.0) % 9)
    found = learn(plan((0, most + 20), spread_end=most + 10), "day", readings)
    assert (found.baseline.points, found.baseline.spread_points) == (most, most)
    assert found.before[0].start_us == 20 * DAY_US
    assert found.season.anchor == 10 * DAY_US
    unbounded = learn(plan((0, most + 20), spread_end=most + 10), "fortnight", readings)
    assert (unbounded.baseline.points, unbounded.baseline.spread_points) == (most + 20, most + 10)


def test_both_stretches_are_seasonally_adjusted_by_the_season_of_the_second():
    week = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    readings = days(*np.tile(week, 9) + np.tile([0.1, -0.1, 0.1], 21))
    found = learn(plan((56, 63), spread_end=56), "day", readings)
    assert found.season.cycle is not None
    assert found.season.cycle.name == "week"
    assert found.baseline.level == pytest.approx(4.0, abs=0.2)
    assert found.adjusted(readings[:7]) == pytest.approx(np.full(7, 4.0), abs=0.3)


def test_hours_with_gaps_whose_season_takes_all_that_they_show_are_not_enough():
    """Eight windows of eight phases within four days: nothing is left to vary."""
    readings = [
        Reading(hour * HOUR_US, (hour + 1) * HOUR_US, float(hour), 50, 7, 90) for hour in (0, 1, 2, 3, 4, 5, 6, 95)
    ]
    with pytest.raises(NotEnoughWindows, match="at least 8 points to judge their dependence"):
        learn(ProofPlan(((0, 96 * HOUR_US),), 0, 0), "hour", readings)


@pytest.mark.parametrize(
    ("changed", "is_share"),
    [({}, True), ({"squares": 11}, False), ({"value": 1.2}, False), ({"value": 1.0}, True)],
)
@pytest.mark.parametrize("at", [3, 15])
def test_windows_are_shares_where_every_sum_of_squares_is_the_sum_and_no_value_exceeds_one(at, changed, is_share):
    """A share at another level varies as its counts say; other values as the windows of before show."""
    readings = [
        Reading(day * DAY_US, (day + 1) * DAY_US, hits / 50 + 0.001 * (day % 2), 50, hits, hits)
        for day, hits in enumerate([5] * 12 + [25] * 8)
    ]
    readings[at] = replace(readings[at], **changed)
    scale = learn(plan((12, 20), spread_end=12), "day", readings).baseline.scale
    assert (scale == pytest.approx(0.25 / (62 / 604 * 542 / 604), rel=1e-3)) == is_share


def test_windows_that_do_not_vary_are_not_enough():
    with pytest.raises(NotEnoughWindows, match="do not vary"):
        learn(plan((8, 20), spread_end=8), "day", days(*[3.0] * 20))


def test_shares_that_do_not_vary_neither_hang_together_nor_drift_and_those_that_do_show_it():
    """What a constant share leaves next to its season is rounding, and rounding has a correlation, too."""
    alike = [Reading(day * DAY_US, (day + 1) * DAY_US, 7 / 61, 61, 7, 7) for day in range(35)]
    calm = learn(plan((0, 35), spread_end=35), "day", alike).baseline
    assert (calm.lag1_autocorrelation, calm.drift) == (0.0, 0.0)
    varied = [replace(one, value=one.value + 0.001 * (day % 5)) for day, one in enumerate(alike)]
    found = learn(plan((0, 35), spread_end=35), "fortnight", varied).baseline
    assert found.lag1_autocorrelation != 0.0
    assert found.drift != 0.0


@pytest.mark.parametrize(("count", "has_season"), [(27, False), (28, True)])
def test_a_history_ends_with_its_last_window_and_no_later(count, has_season):
    readings = days(*(np.arange(float(count)) % 7 + 0.1 * (np.arange(count) % 3)))
    found = learn(plan((0, count), spread_end=count), "day", readings)
    assert (found.season.cycle is not None) == has_season


def test_a_count_that_is_mostly_zero_is_no_share_of_the_cases_of_its_windows():
    rare = [int(day % 3 == 0) for day in range(40)]
    readings = [Reading(day * DAY_US, (day + 1) * DAY_US, float(one), one, one, one) for day, one in enumerate(rare)]
    found = learn(plan((20, 40), spread_end=20), "day", readings).baseline
    assert (found.points, found.scale) == (20, 1.0)
    assert found.level == pytest.approx(np.mean(rare[20:]))
