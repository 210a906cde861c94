"""What a request must hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from andon.improvement.v1 import improvement_pb2, problem_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.improvement.model import Family, Problem, ProblemName, Text
from services.improvement.wire.validation import (
    check_filter,
    check_problem_name,
    check_reason,
    problem_of_action,
    time_us,
)
from tests.services.improvement.wire.refusals import fields_at_fault

ANY = improvement_pb2.ProblemFilter()


def test_names_are_checked_before_anybody_looks_for_them():
    assert check_problem_name("name", "problems/p-1") == "problems/p-1"
    assert problem_of_action("name", "problems/p-1/actions/12") == "problems/p-1"
    for name in ("", "p", "problems/", "problems/p/actions/1", "problems/p q", "problems/" + "x" * 65):
        assert fields_at_fault(check_problem_name, "parent", name) == ["parent"]
    for name in ("", "problems/p", "problems/p/actions/0", "problems/p/actions/x", "problems/p/actions/1/x"):
        assert fields_at_fault(problem_of_action, "name", name) == ["name"]


def test_a_reason_says_something_and_not_too_much():
    assert check_reason("known event") == "known event"
    assert fields_at_fault(check_reason, "  ") == ["reason"]
    assert fields_at_fault(check_reason, "x" * 4001) == ["reason"]


def test_a_time_left_out_is_now():
    assert time_us("start_time", improvement_pb2.StartActionRequest(), 7) == 7
    given_time = improvement_pb2.StartActionRequest(start_time=Timestamp(seconds=3, nanos=5_000))
    assert time_us("start_time", given_time, 7) == 3_000_005


def test_a_filter_names_states_by_their_place():
    check_filter(improvement_pb2.ProblemFilter(states=[problem_pb2.PROBLEM_STATE_OPEN]))
    assert fields_at_fault(check_filter, improvement_pb2.ProblemFilter(states=[1, 0])) == ["filter.states[1]"]


@pytest.fixture(scope="module")
def problem_at():
    base = Problem(ProblemName("problems/p"), Family("desk", "main", "rework"), Text())
    return lambda severity, name: replace(base, severity=severity, name=ProblemName(name))
