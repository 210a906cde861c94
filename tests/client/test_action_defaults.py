"""What a plan leaves open comes from the problem, and what it says stands."""

from __future__ import annotations

from datetime import UTC
from types import SimpleNamespace
from typing import Any

import pytest
from andon.improvement.v1 import problem_pb2
from andon_client.action_defaults import completed, slice_of
from andon_client.moments import timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.system.model import Window
from services.scoring.system.series import series_key

WHOLE, SLICED = "desk/main/rework@day", "desk/main/rework@day{team=B}"


def signal(series, value, centre=0.1, symptom=False):
    return problem_pb2.SignalReference(series=series, value=value, centre=centre, symptom=symptom)


@pytest.fixture
def problem():
    """Most of its signals are on the whole; the slice explains it."""
    made = problem_pb2.Problem(name="problems/p", slice={"team": "B"})
    made.signals.extend([signal(WHOLE, 0.4), signal(WHOLE, 0.4), signal(SLICED, 0.5), signal(SLICED, 0.7)])
    made.signals.append(signal("desk/main/lead_time@day{team=B}", 9.0, 1.0, symptom=True))
    return made


def test_the_goal_is_the_way_back_to_the_centre_in_the_slice_that_explains_most(problem, day):
    goal = completed(problem_pb2.Action(), problem, day(0).date(), UTC).goal
    assert goal.series == SLICED
    assert goal.expected_effect == pytest.approx(-0.5)


def test_without_a_signal_in_that_slice_it_is_the_series_with_most_signals(problem, day):
    problem.slice["team"] = "C"
    problem.signals.append(signal(WHOLE, 0.3))
    goal = completed(problem_pb2.Action(), problem, day(0).date(), UTC).goal
    assert goal.series == WHOLE
    assert goal.expected_effect == pytest.approx(-0.267)


def test_it_is_corrective_due_in_two_weeks_and_removes_the_one_cause_that_is_confirmed(problem, day):
    problem.causes.add(name="problems/p/causes/found")
    problem.causes.add(name="problems/p/causes/known", confirmed=True)
    whole = completed(problem_pb2.Action(), problem, day(0).date(), UTC)
    assert whole.kind == problem_pb2.ACTION_KIND_CORRECTIVE
    assert whole.due_time == timestamp(day(14))
    assert whole.cause == "problems/p/causes/known"


def test_of_two_confirmed_causes_none_is_chosen(problem, day):
    for name in "ab":
        problem.causes.add(name=name, confirmed=True)
    assert completed(problem_pb2.Action(), problem, day(0).date(), UTC).cause == ""


def test_what_the_plan_says_stands(problem, day):
    plan = problem_pb2.Action(
        kind=problem_pb2.ACTION_KIND_PREVENTIVE, cause="c", owner="team", due_time=timestamp(day(3))
    )
    plan.goal.series, plan.goal.expected_effect, plan.goal.confidence = WHOLE, -0.2, 0.9
    assert completed(plan, problem, day(0).date(), UTC) == plan


def test_for_a_series_without_signals_nothing_is_expected_unless_it_is_said(problem, day):
    plan = problem_pb2.Action(goal=problem_pb2.Goal(series="desk/main/other@day"))
    assert completed(plan, problem, day(0).date(), UTC).goal.expected_effect == 0


def test_a_problem_without_signals_suggests_no_goal(day):
    goal = completed(problem_pb2.Action(), problem_pb2.Problem(), day(0).date(), UTC).goal
    assert (goal.series, goal.expected_effect) == ("", 0)


@given(st.dictionaries(st.text("abc_", min_size=1), st.text(st.characters(codec="utf-8")), min_size=1, max_size=3))
def test_the_slice_of_a_key_is_what_it_was_made_of(wanted):
    system: Any = SimpleNamespace(process="desk", system="main")
    assert slice_of(series_key(system, "rework", Window.DAY, tuple(wanted.items()))) == wanted


def test_a_key_without_braces_is_of_the_whole():
    assert slice_of(WHOLE) == {}
