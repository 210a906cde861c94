"""What a request must hold: names, reasons, times, filters and causes."""

from __future__ import annotations

import re
from typing import Any

from andon.improvement.v1 import improvement_pb2, problem_pb2

from services.improvement.model import Cause
from services.improvement.wire.causes import cause_of
from services.improvement.wire.scalars import micros
from services.runtime.errors import FieldViolation, InvalidArgument, invalid

TEXT_MAX = 4000
INDICATORS_MAX = 1000
_PROBLEM = re.compile(r"problems/[\w-]{1,64}", re.ASCII)
_ACTION = re.compile(r"(problems/[\w-]{1,64})/actions/[1-9]\d{0,5}", re.ASCII)
# Of a google.protobuf.Timestamp: the years 1 to 9999.
_SECONDS = range(-62_135_596_800, 253_402_300_800)


def refuse(violations: list[FieldViolation]) -> None:
    """All that is wrong at once."""
    if violations:
        raise InvalidArgument(violations[0].reason, "the request is not valid", field_violations=violations)


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
    if not request.HasField(field):
        return now_us
    refuse(time_violations(field, getattr(request, field)))
    return micros(getattr(request, field))


def time_violations(field: str, time: Any) -> list[FieldViolation]:
    if time.seconds in _SECONDS and 0 <= time.nanos < 1_000_000_000:
        return []
    return [FieldViolation(field, "is no time of the years 1 to 9999", "FIELD_INVALID")]


def text_violations(field: str, text: Any) -> list[FieldViolation]:
    long = [language for language in ("en", "zh") if len(getattr(text, language)) > TEXT_MAX]
    return [FieldViolation(f"{field}.{one}", f"at most {TEXT_MAX} characters", "FIELD_INVALID") for one in long]


def check_filter(filter_: improvement_pb2.ProblemFilter) -> None:
    known = set(problem_pb2.ProblemState.values()) - {problem_pb2.PROBLEM_STATE_UNSPECIFIED}
    violations = [
        FieldViolation(f"filter.states[{index}]", "is no known state", "FIELD_INVALID")
        for index, state in enumerate(filter_.states)
        if state not in known
    ]
    if len(filter_.indicators) > INDICATORS_MAX:
        violations.append(FieldViolation("filter.indicators", f"at most {INDICATORS_MAX}", "FIELD_INVALID"))
    refuse(violations)


def check_cause(request: improvement_pb2.AddCauseRequest) -> Cause:
    cause, violations = request.cause, text_violations("cause.title", request.cause.title)
    if not cause.name and not (cause.title.en or cause.title.zh):
        violations.append(FieldViolation("cause.title", "a new cause needs a title", "FIELD_REQUIRED"))
    if cause.cause_class == problem_pb2.CAUSE_CLASS_UNSPECIFIED:
        violations.append(
            FieldViolation("cause.cause_class", "people, process, resources or external", "FIELD_REQUIRED")
        )
    elif cause.cause_class not in problem_pb2.CauseClass.values():
        violations.append(FieldViolation("cause.cause_class", "is no known class", "FIELD_INVALID"))
    refuse(violations)
    return cause_of(cause)
