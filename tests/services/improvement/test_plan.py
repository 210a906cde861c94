"""Which windows the proof takes."""

from __future__ import annotations

from dataclasses import replace

from services.improvement import transitions
from services.improvement.model import DAY_US, Goal, ProblemState
from services.improvement.plan import opening_of, plan_proof

GOAL = Goal("desk/main/rework@day", -0.2)


def days(*stretches):
    return tuple((start * DAY_US, end * DAY_US) for start, end in stretches)


def test_before_is_the_faulty_time_without_the_windows_that_opened_the_problem(problem):
    plan = plan_proof(problem(30, 31, 35), GOAL, 40 * DAY_US, 0)
    assert plan.baseline_intervals == days((31, 40))
    assert plan.spread_end_us == 30 * DAY_US


def test_a_goal_may_reach_further_back_and_still_leaves_the_opening_out(problem):
    plan = plan_proof(problem(30, 31), replace(GOAL, baseline_period_us=20 * DAY_US), 40 * DAY_US, 0)
    assert plan.baseline_intervals == days((20, 30), (31, 40))


def test_a_goal_that_reaches_less_far_back_takes_the_last_windows_only(problem):
    assert plan_proof(
        problem(30), replace(GOAL, baseline_period_us=5 * DAY_US), 40 * DAY_US, 0
    ).baseline_intervals == days((35, 40))


def test_an_action_that_began_with_the_problem_has_no_before(problem):
    assert plan_proof(problem(30), GOAL, 31 * DAY_US, 0).baseline_intervals == ()


def test_without_opening_windows_the_whole_stretch_is_before(problem):
    """A problem that a person opened has no signals of its own, so nothing is left out."""
    by_hand = replace(problem(30), signals=())
    assert plan_proof(by_hand, GOAL, 40 * DAY_US, 0).baseline_intervals == days((30, 40))
    for started in (30, 29):
        assert plan_proof(by_hand, GOAL, started * DAY_US, 0).baseline_intervals == ()


def test_symptoms_do_not_open_a_problem(problem):
    opened = problem(30, 31)
    first, second = opened.signals
    assert opening_of(replace(opened, signals=(replace(first, symptom=True), second))) == (31 * DAY_US, 32 * DAY_US)
    assert opening_of(replace(opened, signals=())) is None


def test_the_plan_is_written_down_at_the_start_and_later_signals_do_not_move_it(problem, action):
    analysed = replace(problem(30), state=ProblemState.ANALYSED)
    planned = transitions.plan_action(analysed, action, 1)
    name = planned.actions[0].name
    started = transitions.start_action(planned, name, 40 * DAY_US, now_us=41 * DAY_US)
    grown = replace(started, start_us=25 * DAY_US, signals=(*problem(25).signals, *started.signals))
    done = transitions.complete_action(grown, name, 42 * DAY_US, 43 * DAY_US)
    assert planned.actions[0].plan is None
    assert done.actions[0].plan == started.actions[0].plan
    assert started.actions[0].plan.fixed_us == 41 * DAY_US
