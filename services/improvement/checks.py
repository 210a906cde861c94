"""What a request must hold, and the tokens of pages."""

from __future__ import annotations

import base64
import binascii
import json
import math

from andon.improvement.v1 import problem_pb2

from services.improvement import wire
from services.improvement.model import Action, Cause, Problem
from services.runtime.errors import FieldViolation, InvalidArgument

PAGE_DEFAULT, PAGE_MAX = 100, 1000
TEXT_MAX = 4000


def page_size(asked: int) -> int:
    if asked < 0 or asked > PAGE_MAX:
        raise _invalid([FieldViolation("page_size", f"must be 0 to {PAGE_MAX}", "FIELD_INVALID")])
    return asked or PAGE_DEFAULT


def page_token(last: Problem) -> str:
    return base64.urlsafe_b64encode(json.dumps([last.severity, last.name]).encode()).decode()


def page_key(token: str) -> tuple[float, str]:
    """Severity and name of the last problem of the page before; infinity for the first page."""
    if not token:
        return math.inf, ""
    try:
        severity, name = json.loads(base64.urlsafe_b64decode(token))
        return float(severity), str(name)
    except (binascii.Error, ValueError, TypeError) as error:
        violation = FieldViolation("page_token", "not a token of this list", "PAGE_TOKEN_INVALID")
        raise InvalidArgument("PAGE_TOKEN_INVALID", "page token", field_violations=[violation]) from error


def check_reason(reason: str) -> str:
    if not reason.strip() or len(reason) > TEXT_MAX:
        raise _invalid([FieldViolation("reason", f"must have 1 to {TEXT_MAX} characters", "FIELD_REQUIRED")])
    return reason


def check_cause(cause: problem_pb2.Cause) -> Cause:
    violations = []
    if not cause.name and not (cause.title.en or cause.title.zh):
        violations.append(FieldViolation("cause.title", "a new cause needs a title", "FIELD_REQUIRED"))
    if cause.cause_class == problem_pb2.CAUSE_CLASS_UNSPECIFIED:
        violations.append(
            FieldViolation("cause.cause_class", "people, process, resources or external", "FIELD_REQUIRED")
        )
    if cause.cause_class not in problem_pb2.CauseClass.values():
        violations.append(FieldViolation("cause.cause_class", "is no known class", "FIELD_INVALID"))
    if violations:
        raise _invalid(violations)
    return wire.cause_of(cause)


def check_action(action: problem_pb2.Action) -> Action:
    """Everything that the proof rests on is named before the action begins."""
    goal, violations = action.goal, []
    required = {
        "action.title": bool(action.title.en or action.title.zh),
        "action.owner": bool(action.owner),
        "action.due_time": action.HasField("due_time"),
        "action.kind": action.kind in problem_pb2.ActionKind.values() and action.kind != 0,
        "action.goal.series": bool(goal.series),
        "action.goal.expected_effect": goal.expected_effect != 0 and math.isfinite(goal.expected_effect),
    }
    violations += [
        FieldViolation(field, "is required", "FIELD_REQUIRED") for field, given in required.items() if not given
    ]
    if goal.confidence and not 0.5 < goal.confidence < 1:
        violations.append(FieldViolation("action.goal.confidence", "must lie between 0.5 and 1", "FIELD_INVALID"))
    if goal.windows_min < 0 or 0 < goal.windows_min < 4:
        violations.append(FieldViolation("action.goal.windows_min", "must be at least 4", "FIELD_INVALID"))
    if violations:
        raise _invalid(violations)
    return wire.action_of(
        problem_pb2.Action(
            title=action.title,
            owner=action.owner,
            due_time=action.due_time,
            kind=action.kind,
            goal=goal,
            cause=action.cause,
            state=problem_pb2.ACTION_STATE_PLANNED,
        )
    )


def _invalid(violations: list[FieldViolation]) -> InvalidArgument:
    return InvalidArgument("FIELD_INVALID", "the request is not valid", field_violations=violations)
