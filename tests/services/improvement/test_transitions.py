"""What people decide about a problem, and what they may decide next."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import replace

import pytest

from services.improvement import transitions
from services.improvement.lifecycle import (
    InvalidTransition,
)
from services.improvement.model import (
    LIVE,
    ActionState,
    Cause,
    CauseClass,
    CauseState,
    ProblemState,
    Text,
    Verdict,
)

NOW = 10**15
CAUSE = Cause("", Text("No checklist"), cause_class=CauseClass.PROCESS)
NAMES = ("problems/p/actions/1", "problems/p/actions/2")


@pytest.fixture
def acting(problem, action):
    planned = transitions.plan_action(transitions.add_cause(problem(30), CAUSE, NOW), action, NOW)
    return transitions.start_action(planned, planned.actions[0].name, NOW, NOW)


@pytest.fixture
def done(acting):
    return transitions.complete_action(acting, acting.actions[0].name, NOW + 1, NOW)


def test_no_problem_closes_without_a_verified_action(done, verification):
    with pytest.raises(transitions.ProofMissing):
        transitions.close(done, NOW)
    proven = transitions.verified(done, done.actions[0].name, verification(Verdict.IMPROVED), NOW)
    assert transitions.close(proven, NOW).state is ProblemState.CLOSED


@pytest.mark.parametrize("verdict", [Verdict.NO_CHANGE, Verdict.WORSE])
def test_a_failed_proof_sends_the_problem_back_to_its_causes_and_says_why(done, verification, verdict):
    failed = transitions.verified(done, done.actions[0].name, verification(verdict), NOW)
    assert failed.state is ProblemState.ANALYSED
    assert failed.actions[0].state is ActionState.FAILED
    assert failed.reason == f"problems/p/actions/1: {verdict.value}, -0.2 (-0.3 to -0.1)"


def test_an_undecided_proof_leaves_the_action_open_and_can_be_run_again_every_day(done, verification):
    for _ in range(3):
        done = transitions.verified(done, done.actions[0].name, verification(Verdict.UNDECIDED), NOW)
        assert done.state is ProblemState.VERIFYING
        assert done.actions[0].state is ActionState.DONE
        assert "VERIFY_ACTION" in transitions.allowed_transitions(done)
    assert len(done.actions[0].verifications) == 3


def test_the_reason_of_a_failure_goes_when_a_later_action_is_proven(done, action, verification):
    failed = transitions.verified(done, done.actions[0].name, verification(Verdict.WORSE), NOW)
    planned = transitions.plan_action(failed, action, NOW)
    name = planned.actions[1].name
    again = transitions.complete_action(transitions.start_action(planned, name, NOW, NOW), name, NOW, NOW)
    assert "worse" in again.reason
    assert transitions.verified(again, name, verification(Verdict.IMPROVED), NOW).reason == ""


def test_an_action_is_not_done_before_it_was_started(acting):
    with pytest.raises(transitions.DatesOutOfOrder):
        transitions.complete_action(acting, acting.actions[0].name, NOW - 1, NOW)


def test_an_action_cannot_be_verified_before_it_is_done(acting):
    with pytest.raises(InvalidTransition):
        transitions.check_verifiable(acting, acting.actions[0].name)


def test_a_refused_move_names_what_people_can_ask_for_instead(problem, acting, done, verification):
    with pytest.raises(InvalidTransition) as refused:
        transitions.close(problem(30), NOW)
    assert refused.value.legal == ["ACKNOWLEDGE", "ADD_CAUSE", "JUDGE_CAUSE", "DISMISS", "SNOOZE"]
    with pytest.raises(InvalidTransition, match="VERIFY_ACTION is not possible") as refused:
        transitions.check_verifiable(acting, acting.actions[0].name)
    assert refused.value.legal == ["COMPLETE_ACTION", "CANCEL_ACTION"]
    with pytest.raises(InvalidTransition) as refused:
        transitions.start_action(done, done.actions[0].name, NOW, NOW)
    assert refused.value.legal == ["VERIFY_ACTION", "CANCEL_ACTION"]


def test_an_action_removes_a_cause_that_the_problem_has(problem, action):
    analysed = transitions.add_cause(problem(30), CAUSE, NOW)
    named = transitions.plan_action(analysed, replace(action, cause=analysed.causes[0].name), NOW)
    assert named.actions[0].cause == "problems/p/causes/stated-1"
    with pytest.raises(transitions.UnknownCause):
        transitions.plan_action(analysed, replace(action, cause="problems/p/causes/other"), NOW)


def test_causes_lie_behind_one_another_as_a_tree(problem):
    root = transitions.add_cause(problem(30), CAUSE, NOW)
    behind = transitions.add_cause(root, replace(CAUSE, parent="problems/p/causes/stated-1"), NOW)
    assert [cause.parent for cause in behind.causes] == ["problems/p/causes/stated-1", ""]
    for parent in ("problems/p/causes/stated-2", "problems/p/causes/stated-1", "problems/p/causes/other"):
        with pytest.raises(transitions.UnknownCause):
            transitions.add_cause(behind, replace(CAUSE, name="problems/p/causes/stated-1", parent=parent), NOW)


@pytest.mark.parametrize("state", [CauseState.SUSPECTED, CauseState.SUPPORTED, CauseState.REFUTED])
def test_a_hypothesis_that_is_not_confirmed_is_written_down_and_analyses_nothing(problem, state):
    judged = transitions.add_cause(problem(30), replace(CAUSE, state=state), NOW)
    assert (judged.state, judged.causes[0].state) == (ProblemState.OPEN, state)
    name = judged.causes[0].name
    assert transitions.add_cause(judged, replace(CAUSE, name=name), NOW).state is ProblemState.ANALYSED


def test_a_cancelled_action_keeps_the_reason(acting):
    cancelled = transitions.cancel_action(acting, acting.actions[0].name, "no budget", NOW)
    assert cancelled.actions[0].reason == "no budget"
    assert cancelled.state is ProblemState.ANALYSED


def test_cancelling_one_of_two_actions_under_way_leaves_the_other_under_way(acting, action):
    planned = transitions.plan_action(acting, action, NOW)
    both = transitions.start_action(planned, planned.actions[1].name, NOW, NOW)
    one = transitions.cancel_action(both, both.actions[0].name, "", NOW)
    assert one.state is ProblemState.ACTING
    assert transitions.complete_action(one, one.actions[1].name, NOW, NOW).state is ProblemState.VERIFYING


def steps(problem, action, verification):
    """Every move by its name, as it would be made now."""
    yield "ACKNOWLEDGE", lambda: transitions.acknowledge(problem, NOW)
    yield "ADD_CAUSE", lambda: transitions.add_cause(problem, CAUSE, NOW)
    if len(problem.actions) < len(NAMES):
        yield "PLAN_ACTION", lambda: transitions.plan_action(problem, action, NOW)
    for name in NAMES[: len(problem.actions)]:
        yield "START_ACTION", functools.partial(transitions.start_action, problem, name, NOW, NOW)
        yield "COMPLETE_ACTION", functools.partial(transitions.complete_action, problem, name, NOW, NOW)
        yield "CANCEL_ACTION", functools.partial(transitions.cancel_action, problem, name, "", NOW)
        for verdict in Verdict:
            proof = verification(verdict)
            yield "VERIFY_ACTION", functools.partial(transitions.verified, problem, name, proof, NOW)
    yield "CLOSE", lambda: transitions.close(problem, NOW)
    suspected = replace(CAUSE, state=CauseState.SUSPECTED)
    yield "JUDGE_CAUSE", lambda: transitions.add_cause(problem, suspected, NOW)
    yield "DISMISS", lambda: transitions.dismiss(problem, "known", NOW)
    yield "SNOOZE", lambda: transitions.snooze(problem, NOW + 1, NOW)
    yield "UNDO_ACKNOWLEDGE", lambda: transitions.undo_acknowledge(problem, NOW)
    yield "UNDO_SNOOZE", lambda: transitions.undo_snooze(problem, NOW)
    yield "UNDO_DISMISS", lambda: transitions.undo_dismiss(problem, NOW)


def possible(problem, action, verification):
    found = []
    for name, step in steps(problem, action, verification):
        with contextlib.suppress(InvalidTransition, transitions.ProofMissing):
            found.append((name, step()))
    return found


def reachable(begin, action, verification):
    """Every state of a problem with up to two actions, by what it consists of."""
    seen, ahead = {}, [begin]
    while ahead:
        one = ahead.pop()
        mark = (one.state, tuple(other.state for other in one.actions), one.snoozed_until_us, one.dismissed_from)
        if mark not in seen:
            seen[mark] = one
            ahead += [after for _, after in possible(one, action, verification)]
    return seen


def test_exactly_the_moves_that_would_succeed_are_offered_wherever_a_problem_may_be(problem, action, verification):
    for mark, one in reachable(problem(30), action, verification).items():
        able = {name for name, _ in possible(one, action, verification)}
        offered = set(transitions.allowed_transitions(one))
        assert offered - {"PLAN_ACTION"} == able - {"PLAN_ACTION"}, mark


def test_no_problem_is_ever_stuck_and_none_closes_without_proof(problem, action, verification):
    states = reachable(problem(30), action, verification)
    assert len(states) > 50
    for (state, actions, *_), one in states.items():
        if state is ProblemState.CLOSED:
            assert ActionState.VERIFIED in actions
        if state in LIVE:
            assert transitions.allowed_transitions(one), (state, actions)
        if state is ProblemState.ACTING:
            assert ActionState.STARTED in actions, actions
        if state is ProblemState.VERIFYING:
            assert {ActionState.DONE, ActionState.VERIFIED} & set(actions), actions
