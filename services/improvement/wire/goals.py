"""What a planned action must state: everything that its proof rests on is named before it begins."""

from __future__ import annotations

import math

from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import indicator_system_pb2

from services.improvement.model import Action, Goal
from services.improvement.window_kinds import HISTORY_WINDOWS_MAX, WINDOW_US, reach_us, window_of
from services.improvement.wire.actions import HORIZON_WINDOWS_DEFAULT, WINDOWS_MIN_DEFAULT, new_action
from services.improvement.wire.scalars import length_us
from services.improvement.wire.validation import TEXT_MAX, refuse, text_violations, time_violations
from services.runtime.errors import FieldViolation, invalid

# With fewer windows after it the mean is no mean.
WINDOWS_MIN = 4
WINDOWS_MAX = 730


def check_action(action: problem_pb2.Action) -> Action:
    missing = [FieldViolation(field, "is required", "FIELD_REQUIRED") for field in _missing(action)]
    wrong = [*_wrong_in_action(action), *_wrong_in_goal(action.goal)]
    given = {violation.field for violation in missing}
    refuse([*missing, *(violation for violation in wrong if violation.field not in given)])
    return new_action(action)


def _missing(action: problem_pb2.Action) -> list[str]:
    required = {
        "action.title": bool(action.title.en or action.title.zh),
        "action.owner": bool(action.owner),
        "action.due_time": action.HasField("due_time"),
        "action.kind": action.kind != problem_pb2.ACTION_KIND_UNSPECIFIED,
        "action.goal.series": bool(action.goal.series),
        "action.goal.expected_effect": action.goal.expected_effect != 0,
    }
    return [field for field, given in required.items() if not given]


def _wrong_in_action(action: problem_pb2.Action) -> list[FieldViolation]:
    rules = {
        "action.kind": (action.kind in problem_pb2.ActionKind.values(), "is no known kind"),
        "action.owner": (len(action.owner) <= TEXT_MAX, f"at most {TEXT_MAX} characters"),
    }
    return [
        *text_violations("action.title", action.title),
        *time_violations("action.due_time", action.due_time),
        *_broken(rules),
    ]


def _wrong_in_goal(goal: problem_pb2.Goal) -> list[FieldViolation]:
    window = window_of(goal.series)
    windows_min = goal.windows_min or WINDOWS_MIN_DEFAULT
    planned = goal.horizon_windows or max(HORIZON_WINDOWS_DEFAULT, windows_min)
    back_us, back_us_max = length_us(goal.baseline_period), reach_us(window)
    rules = {
        "action.goal.series": (window in WINDOW_US, "must be a series of hours, days, weeks or months"),
        "action.goal.expected_effect": (math.isfinite(goal.expected_effect), "must be a finite number"),
        "action.goal.test": (goal.test in problem_pb2.Goal.Test.values(), "is no known test"),
        "action.goal.confidence": (
            not goal.confidence or 0.5 < goal.confidence < 1,
            "must lie between 0.5 and 1",
        ),
        "action.goal.baseline_period": (
            not goal.HasField("baseline_period") or not back_us_max or 0 < back_us <= back_us_max,
            f"must be positive and reach back at most {HISTORY_WINDOWS_MAX.get(window, 0)} windows",
        ),
        "action.goal.windows_min": (
            WINDOWS_MIN <= windows_min <= WINDOWS_MAX,
            f"must be {WINDOWS_MIN} to {WINDOWS_MAX}",
        ),
        "action.goal.horizon_windows": (
            windows_min <= planned <= WINDOWS_MAX,
            f"must be windows_min to {WINDOWS_MAX}",
        ),
    }
    return _broken(rules)


def _broken(rules: dict[str, tuple[bool, str]]) -> list[FieldViolation]:
    return [FieldViolation(field, rule, "FIELD_INVALID") for field, (holds, rule) in rules.items() if not holds]


def check_direction(goal: Goal, direction: int) -> None:
    """Where the target is best, either way may be an improvement: the goal says which."""
    worse = {
        indicator_system_pb2.DIRECTION_LOWER_IS_BETTER: goal.expected_effect > 0,
        indicator_system_pb2.DIRECTION_HIGHER_IS_BETTER: goal.expected_effect < 0,
    }
    if worse.get(direction, False):  # type: ignore[call-overload]
        raise invalid("action.goal.expected_effect", "would make the series worse")
