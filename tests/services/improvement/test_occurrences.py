"""Which signals belong together."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from services.improvement.model import DAY_US, ActiveSignal, Family
from services.improvement.occurrences import QUIET_WINDOWS, occurrences


def test_alarms_close_in_time_are_one_session_and_a_long_quiet_begins_another(signal):
    found = occurrences([signal(30), signal(31), signal(33), signal(33 + QUIET_WINDOWS + 2)])
    assert [len(occurrence.own) for occurrence in found] == [3, 1]


def test_slices_of_an_indicator_join_the_session_of_the_whole(signal):
    found = occurrences([signal(30), signal(30, slice_="{team=B}"), signal(31, slice_="{team=B}")])
    assert len(found) == 1
    assert len(found[0].own) == 3


def test_other_indicators_stay_apart_unless_one_explains_the_other(signal):
    alone = occurrences([signal(30), signal(31, indicator="satisfaction")])
    explained = occurrences([signal(30), signal(31, indicator="satisfaction", symptom_of=("rework",))])
    assert len(alone) == 2
    assert [occurrence.family.indicator for occurrence in explained] == ["rework"]
    assert len(explained[0].symptoms) == 1


def test_a_symptom_without_its_driver_is_a_problem_of_its_own(signal):
    found = occurrences([signal(30, indicator="satisfaction", symptom_of=("rework",))])
    assert [occurrence.family.indicator for occurrence in found] == ["satisfaction"]


def test_indicators_that_explain_each_other_do_not_send_us_round_in_circles(signal):
    found = occurrences([signal(30, symptom_of=("speed",)), signal(30, indicator="speed", symptom_of=("rework",))])
    assert sum(len(occurrence.own) + len(occurrence.symptoms) for occurrence in found) <= 2


@given(st.lists(st.integers(0, 200), min_size=1, max_size=30, unique=True), st.randoms(use_true_random=False))
def test_occurrences_depend_on_the_set_of_signals_and_not_on_their_order(days: list[int], dice: random.Random):
    made = [_signal(day) for day in days]
    shuffled = list(made)
    dice.shuffle(shuffled)
    assert occurrences(made) == occurrences(shuffled)
    assert sum(len(occurrence.own) for occurrence in occurrences(made)) == len(days)


def _signal(day: int) -> ActiveSignal:
    return ActiveSignal(
        f"signals/{day}",
        Family("desk", "main", "rework"),
        "desk/main/rework@day",
        "day",
        day * DAY_US,
        (day + 1) * DAY_US,
        "WE1",
        0.4,
        0.1,
        4.0,
        370.0,
        0,
        20 * DAY_US,
    )
