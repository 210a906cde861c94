"""What a planned action must state."""

from __future__ import annotations

import pytest
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.scoring.v1 import indicator_system_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.improvement.model import Goal
from services.improvement.wire.goals import check_action, check_direction
from services.runtime.errors import InvalidArgument
from services.runtime.request_rules import first_violations
from tests.services.improvement.wire.refusals import fields_at_fault


def good_action(**goal) -> problem_pb2.Action:
    action = problem_pb2.Action(kind=problem_pb2.ACTION_KIND_CORRECTIVE, owner="team leads")
    action.title.en = "Check first"
    action.due_time.seconds = 1_700_000_000
    action.goal.MergeFrom(problem_pb2.Goal(**{"series": "desk/main/rework@day", "expected_effect": -0.2, **goal}))
    return action


def test_a_whole_action_passes_with_the_defaults_of_its_goal():
    goal = check_action(good_action()).goal
    assert (goal.confidence, goal.windows_min, goal.horizon_windows, goal.baseline_period_us) == (0.95, 8, 60, None)


def test_an_empty_action_gets_all_that_is_missing_at_once():
    assert fields_at_fault(check_action, problem_pb2.Action()) == [
        "action.title",
        "action.owner",
        "action.due_time",
        "action.kind",
        "action.goal.series",
        "action.goal.expected_effect",
    ]


@pytest.mark.parametrize(
    ("field", "goal"),
    [
        ("series", {"series": "desk/main/rework@all"}),
        ("series", {"series": "nonsense"}),
        ("confidence", {"confidence": 0.5}),
        ("confidence", {"confidence": 1.0}),
        ("confidence", {"confidence": float("nan")}),
        ("baseline_period", {"baseline_period": Duration(seconds=-1)}),
        ("baseline_period", {"baseline_period": Duration(seconds=86_400 * 731)}),
        ("windows_min", {"windows_min": 3}),
        ("windows_min", {"windows_min": -1}),
        ("horizon_windows", {"horizon_windows": 5}),
        ("horizon_windows", {"horizon_windows": 731}),
    ],
)
def test_a_goal_that_could_not_be_proven_is_refused_by_its_field(field, goal):
    assert fields_at_fault(check_action, good_action(**goal)) == [f"action.goal.{field}"]


@pytest.mark.parametrize(
    "goal",
    [
        {"confidence": 0.501},
        {"confidence": 0.999},
        {"baseline_period": Duration(nanos=1000)},
        {"baseline_period": Duration(seconds=1)},
        {"baseline_period": Duration(seconds=86_400 * 730)},
        {"series": "desk/main/rework@hour", "baseline_period": Duration(seconds=3_600 * 2016)},
        {"windows_min": 4},
        {"windows_min": 730},
        {"windows_min": 9, "horizon_windows": 9},
        {"horizon_windows": 730},
        {"test": problem_pb2.Goal.TEST_UNSPECIFIED},
    ],
)
def test_a_goal_at_the_edge_of_what_can_be_proven_is_taken(goal):
    check_action(good_action(**goal))


def test_a_period_reaches_back_as_far_as_its_kind_of_windows_and_the_message_says_how_far():
    for series, seconds in (("desk/main/rework@hour", 3_600 * 2016 + 1), ("desk/main/rework@day", 0)):
        goal = {"series": series, "baseline_period": Duration(seconds=seconds)}
        with pytest.raises(InvalidArgument) as refused:
            check_action(good_action(**goal))
        (violation,) = refused.value.field_violations
        most = 2016 if "hour" in series else 730
        assert violation.description == f"must be positive and reach back at most {most} windows"


def test_a_series_that_cannot_be_compared_is_refused_once_and_not_for_its_period_too():
    goal = {"series": "desk/main/rework@all", "baseline_period": Duration(seconds=86_400)}
    assert fields_at_fault(check_action, good_action(**goal)) == ["action.goal.series"]


@pytest.mark.parametrize(("length", "fits"), [(4000, True), (4001, False)])
def test_an_owner_has_at_most_four_thousand_characters(length, fits):
    action = good_action()
    action.owner = "x" * length
    if fits:
        assert check_action(action).owner == action.owner
    else:
        assert fields_at_fault(check_action, action) == ["action.owner"]


def test_a_title_in_either_language_will_do():
    chinese = good_action()
    chinese.title.en, chinese.title.zh = "", "先检查"
    assert check_action(chinese).title.zh == "先检查"


@pytest.mark.parametrize("time", [Timestamp(seconds=2**60), Timestamp(nanos=-1), Timestamp(nanos=1_000_000_000)])
def test_what_no_field_of_its_type_may_hold_is_refused_before_a_plan_is_looked_at(time):
    action = good_action(expected_effect=float("nan"), test=9)
    action.kind = 9
    action.due_time.CopyFrom(time)
    refused = {one.field for one in first_violations(improvement_pb2.PlanActionRequest(action=action))}
    assert refused == {"action.kind", "action.due_time", "action.goal.test", "action.goal.expected_effect"}


def test_many_windows_needed_are_planned_for():
    assert check_action(good_action(windows_min=100)).goal.horizon_windows == 100


@pytest.mark.parametrize(
    ("direction", "effect", "kept"),
    [
        (indicator_system_pb2.DIRECTION_LOWER_IS_BETTER, -0.1, True),
        (indicator_system_pb2.DIRECTION_LOWER_IS_BETTER, 0.1, False),
        (indicator_system_pb2.DIRECTION_HIGHER_IS_BETTER, 0.1, True),
        (indicator_system_pb2.DIRECTION_HIGHER_IS_BETTER, -0.1, False),
        (indicator_system_pb2.DIRECTION_TARGET_IS_BETTER, -0.1, True),
        (indicator_system_pb2.DIRECTION_TARGET_IS_BETTER, 0.1, True),
    ],
)
def test_nobody_plans_to_make_it_worse(direction, effect, kept):
    goal = Goal("desk/main/rework@day", effect)
    if kept:
        check_direction(goal, direction)
    else:
        assert fields_at_fault(check_direction, goal, direction) == ["action.goal.expected_effect"]
