"""What a planned action must state: everything that its proof rests on is named before it begins."""

from __future__ import annotations

from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import indicator_system_pb2

from services.improvement.model import Action, Goal
from services.improvement.window_kinds import HISTORY_WINDOWS_MAX, WINDOW_US, reach_us, window_of
from services.improvement.wire.actions import HORIZON_WINDOWS_DEFAULT, WINDOWS_MIN_DEFAULT, new_action
from services.improvement.wire.scalars import length_us
from services.improvement.wire.validation import TEXT_MAX, check_text
from services.runtime.errors import invalid
from services.runtime.field_checks import FieldChecks

# With fewer windows after it the mean is no mean.
WINDOWS_MIN = 4
WINDOWS_MAX = 730


def check_action(action: problem_pb2.Action) -> Action:
    checks = FieldChecks()
    required = {
        "action.title": bool(action.title.en or action.title.zh),
        "action.owner": bool(action.owner),
        "action.due_time": action.HasField("due_time"),
        "action.kind": action.kind != problem_pb2.ACTION_KIND_UNSPECIFIED,
        "action.goal.series": bool(action.goal.series),
        "action.goal.expected_effect": action.goal.expected_effect != 0,
    }
    for field, is_given in required.items():
        checks.require(is_given, field, "is required", "FIELD_REQUIRED")
    check_text(checks, "action.title", action.title)
    checks.require(len(action.owner) <= TEXT_MAX, "action.owner", f"must have at most {TEXT_MAX} characters")
    _check_goal(checks, action.goal)
    checks.done()
    return new_action(action)


def _check_goal(checks: FieldChecks, goal: problem_pb2.Goal) -> None:
    window = window_of(goal.series)
    checks.require(
        window in WINDOW_US, "action.goal.series", "must be a series of hours, days, weeks, months, quarters or years"
    )
    likely = not goal.confidence or 0.5 < goal.confidence < 1
    checks.require(likely, "action.goal.confidence", "must lie between 0.5 and 1")
    back_us, back_us_max = length_us(goal.baseline_period), reach_us(window)
    within = not goal.HasField("baseline_period") or not back_us_max or 0 < back_us <= back_us_max
    farthest = f"must be positive and reach back at most {HISTORY_WINDOWS_MAX.get(window, 0)} windows"
    checks.require(within, "action.goal.baseline_period", farthest)
    windows_min = goal.windows_min or WINDOWS_MIN_DEFAULT
    enough = WINDOWS_MIN <= windows_min <= WINDOWS_MAX
    checks.require(enough, "action.goal.windows_min", f"must be {WINDOWS_MIN} to {WINDOWS_MAX}")
    planned = goal.horizon_windows or max(HORIZON_WINDOWS_DEFAULT, windows_min)
    reached = windows_min <= planned <= WINDOWS_MAX
    checks.require(reached, "action.goal.horizon_windows", f"must be windows_min to {WINDOWS_MAX}")


def check_direction(goal: Goal, direction: int) -> None:
    """Where the target is best, either way may be an improvement: the goal says which."""
    worse = {
        indicator_system_pb2.DIRECTION_LOWER_IS_BETTER: goal.expected_effect > 0,
        indicator_system_pb2.DIRECTION_HIGHER_IS_BETTER: goal.expected_effect < 0,
    }
    if worse.get(direction, False):  # type: ignore[call-overload]
        raise invalid("action.goal.expected_effect", "would make the series worse")
