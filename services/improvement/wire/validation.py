"""What a request must hold: names, reasons, times, filters and causes."""

from __future__ import annotations

import re
from typing import Any

from andon.improvement.v1 import improvement_pb2, problem_pb2

from services.improvement.model import Cause
from services.improvement.wire.causes import cause_of
from services.improvement.wire.scalars import micros
from services.runtime.errors import invalid
from services.runtime.field_checks import FieldChecks

TEXT_MAX = 4000
INDICATORS_MAX = 1000
_PROBLEM = re.compile(r"problems/[\w-]{1,64}", re.ASCII)
_ACTION = re.compile(r"(problems/[\w-]{1,64})/actions/[1-9]\d{0,5}", re.ASCII)


def check_problem_name(field: str, name: str) -> str:
    return _matched(_PROBLEM, field, name, "problems/p")[0]


def problem_of_action(field: str, name: str) -> str:
    """ "problems/p/actions/1" -> "problems/p"."""
    return str(_matched(_ACTION, field, name, "problems/p/actions/1")[1])


def _matched(pattern: re.Pattern[str], field: str, name: str, example: str) -> re.Match[str]:
    if not name:
        raise invalid(field, "is required", "FIELD_REQUIRED")
    matched = pattern.fullmatch(name)
    if matched is None:
        raise invalid(field, f"must be a name such as {example}")
    return matched


def check_reason(reason: str) -> str:
    if not reason.strip():
        raise invalid("reason", "is required", "FIELD_REQUIRED")
    return check_optional_reason(reason)


def check_optional_reason(reason: str) -> str:
    if len(reason) > TEXT_MAX:
        raise invalid("reason", f"must have at most {TEXT_MAX} characters")
    return reason


def time_us(field: str, request: Any, now_us: int) -> int:
    """A time that may be left out: now."""
    return micros(getattr(request, field)) if request.HasField(field) else now_us


def check_text(checks: FieldChecks, field: str, text: Any) -> None:
    for language in ("en", "zh"):
        longest = f"must have at most {TEXT_MAX} characters"
        checks.require(len(getattr(text, language)) <= TEXT_MAX, f"{field}.{language}", longest)


def check_filter(filter_: improvement_pb2.ProblemFilter) -> None:
    checks = FieldChecks()
    for index, state in enumerate(filter_.states):
        known = state != problem_pb2.PROBLEM_STATE_UNSPECIFIED
        checks.require(known, f"filter.states[{index}]", "must be a state of a problem")
    few = len(filter_.indicators) <= INDICATORS_MAX
    checks.require(few, "filter.indicators", f"must be at most {INDICATORS_MAX}")
    checks.done()


def check_cause(request: improvement_pb2.AddCauseRequest) -> Cause:
    cause, checks = request.cause, FieldChecks()
    check_text(checks, "cause.title", cause.title)
    is_named = bool(cause.name or cause.title.en or cause.title.zh)
    checks.require(is_named, "cause.title", "is required for a new cause", "FIELD_REQUIRED")
    classes = "must be people, process, resources or external"
    is_classed = cause.cause_class != problem_pb2.CAUSE_CLASS_UNSPECIFIED
    checks.require(is_classed, "cause.cause_class", classes, "FIELD_REQUIRED")
    checks.done()
    return cause_of(cause)
