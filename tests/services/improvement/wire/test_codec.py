"""The contract's messages and the model say the same, both ways."""

from __future__ import annotations

from dataclasses import replace

import pytest
from andon.improvement.v1 import improvement_pb2, problem_pb2

from services.improvement import transitions
from services.improvement.model import (
    DAY_US,
    Cause,
    CauseClass,
    Check,
    Outlook,
    ProblemState,
    Text,
    Verdict,
)
from services.improvement.wire.actions import action_message, action_of, new_action
from services.improvement.wire.codec import content_hash, decode_changes, decode_problem, encode_changes, encode_problem
from services.improvement.wire.filters import matches, problem_query
from services.improvement.wire.problems import etag, problem_message
from services.improvement.wire.verifications import verification_message, verification_of

NOW = 50 * DAY_US


@pytest.fixture
def rich(problem, action, verification):
    """A problem with everything in it."""
    cause = Cause("", Text("No checklist", "缺少检查表"), (("team", "B"),), CauseClass.PROCESS, contribution=None)
    planned = transitions.plan_action(transitions.add_cause(problem(30, 31), cause, NOW), action, NOW)
    name = planned.actions[0].name
    done = transitions.complete_action(
        transitions.start_action(planned, name, 40 * DAY_US, NOW), name, 41 * DAY_US, NOW
    )
    checks = (Check("season", False, 1.0, Text("not taken out", "未扣除")),)
    proof = verification(Verdict.WORSE, checks=checks, statement=Text("Worse", "变差"))
    goal = replace(action.goal, baseline_period_us=3 * DAY_US, horizon_windows=30)
    return transitions.plan_action(transitions.verified(done, name, proof, NOW), replace(action, goal=goal), NOW)


def test_what_is_kept_comes_back_as_it_was(rich):
    assert decode_problem(encode_problem(rich)) == rich
    assert decode_changes(encode_changes([rich, rich])) == [rich, rich]


@pytest.mark.parametrize("outlook", [Outlook(12, Verdict.NO_CHANGE), Outlook(0, None), None])
def test_what_an_undecided_proof_still_needs_comes_back_as_it_was(verification, outlook):
    undecided = verification(Verdict.UNDECIDED, outlook=outlook)
    message = verification_message(undecided)
    assert message.HasField("outlook") == (outlook is not None)
    assert verification_of(message) == undecided


def test_a_reader_sees_the_allowed_transitions_the_mark_and_what_is_overdue(rich):
    message = problem_message(rich, now_us=100 * DAY_US)
    assert list(message.allowed_transitions) == transitions.allowed_transitions(rich)
    assert message.etag == message.actions[0].etag == etag(rich)
    assert [action.overdue for action in message.actions] == [False, True]
    kept = problem_message(rich)
    assert (kept.etag, list(kept.allowed_transitions), kept.actions[1].overdue) == ("", [], False)


def test_warnings_are_the_checks_that_did_not_pass(rich):
    (proof,) = problem_message(rich).actions[0].verifications
    assert list(proof.warnings) == ["season: not taken out"]
    assert proof.checks[0].meaning.zh == "未扣除"


def test_a_change_makes_another_mark(rich):
    assert etag(rich) != etag(replace(rich, revision=rich.revision + 1))


def test_a_caller_plans_an_action_and_decides_neither_its_state_nor_its_proof(rich):
    sent = action_message(rich.actions[0], "", overdue=False)
    planned = new_action(sent)
    assert planned.state.value == "planned"
    assert (planned.name, planned.started_us, planned.plan, planned.verifications) == ("", None, None, ())
    assert planned.goal == action_of(sent).goal


def test_the_hash_of_the_content_forgets_revisions_and_withdrawn_problems(rich):
    again = replace(rich, revision=99, updated_us=0)
    gone = replace(rich, name="problems/q", state=ProblemState.WITHDRAWN)
    assert content_hash([rich]) == content_hash([again, gone])
    assert content_hash([rich]) != content_hash([replace(rich, severity=9.0)])


def test_a_list_leaves_out_what_was_dismissed_and_a_watch_shows_it_go(rich):
    nothing = improvement_pb2.ProblemFilter()
    assert problem_pb2.PROBLEM_STATE_DISMISSED not in problem_query(nothing, NOW).states
    assert problem_pb2.PROBLEM_STATE_CLOSED in problem_query(nothing, NOW).states
    assert matches(nothing, replace(rich, state=ProblemState.DISMISSED), NOW)


@pytest.mark.parametrize(
    ("filter_", "fits"),
    [
        ({"process": "desk", "system": "main", "indicators": ["speed", "rework"]}, True),
        ({"process": "other"}, False),
        ({"system": "other"}, False),
        ({"indicators": ["speed"]}, False),
        ({"states": [problem_pb2.PROBLEM_STATE_ANALYSED]}, True),
        ({"states": [problem_pb2.PROBLEM_STATE_OPEN]}, False),
    ],
)
def test_a_filter_takes_what_fits_all_of_its_wishes(rich, filter_, fits):
    assert matches(improvement_pb2.ProblemFilter(**filter_), rich, NOW) is fits


def test_a_problem_is_overdue_while_an_unfinished_action_is(rich):
    overdue = improvement_pb2.ProblemFilter(overdue=True)
    due_us = rich.actions[1].due_us
    assert rich.due_us == due_us
    assert not matches(overdue, rich, due_us)
    assert matches(overdue, rich, due_us + 1)
    assert not matches(overdue, replace(rich, actions=rich.actions[:1]), due_us + 1)
    closed = replace(rich, state=ProblemState.CLOSED)
    assert closed.due_us is None
    assert not any(action.overdue for action in problem_message(closed, due_us + 1).actions)
    assert problem_query(overdue, due_us).due_before_us == due_us
