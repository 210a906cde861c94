"""What a request must hold: names, reasons, times, filters and causes."""

from __future__ import annotations

import re
from typing import Any

from andon.improvement.v1 import improvement_pb2, problem_pb2

from services.improvement.model import Cause
from services.improvement.search_terms import wanted_terms
from services.improvement.transitions import WATCHERS_MAX
from services.improvement.wire.causes import cause_of
from services.improvement.wire.scalars import micros
from services.runtime.errors import invalid
from services.runtime.field_checks import FieldChecks

TEXT_MAX = 4000
INDICATORS_MAX = 1000
NAME_MAX = 200
SLICE_MAX = 10
REFERENCES_MAX = 100
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


def check_note(note: str) -> str:
    if not note.strip():
        raise invalid("note", "is required", "FIELD_REQUIRED")
    if len(note) > TEXT_MAX:
        raise invalid("note", f"must have at most {TEXT_MAX} characters")
    return note


def check_assignment(request: improvement_pb2.AssignProblemRequest) -> None:
    checks = FieldChecks()
    is_change = request.HasField("owner") or request.added_watchers or request.removed_watchers
    checks.require(bool(is_change), "owner", "is required where no watcher is added or removed", "FIELD_REQUIRED")
    short = f"must have 1 to {NAME_MAX} characters"
    checks.require(len(request.owner) <= NAME_MAX, "owner", f"must have at most {NAME_MAX} characters")
    for field in ("added_watchers", "removed_watchers"):
        names = getattr(request, field)
        checks.require(len(names) <= WATCHERS_MAX, field, f"must be at most {WATCHERS_MAX}")
        for index, one in enumerate(names):
            checks.require(bool(one.strip()) and len(one) <= NAME_MAX, f"{field}[{index}]", short)
    checks.done()


def check_later(field: str, request: Any, now_us: int) -> int:
    if not request.HasField(field):
        raise invalid(field, "is required", "FIELD_REQUIRED")
    if (given_us := micros(getattr(request, field))) <= now_us:
        raise invalid(field, "must lie in the future")
    return given_us


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
    checks.require(len(filter_.owners) <= INDICATORS_MAX, "filter.owners", f"must be at most {INDICATORS_MAX}")
    checks.require(len(filter_.text) <= NAME_MAX, "filter.text", f"must have at most {NAME_MAX} characters")
    searched = not filter_.text or bool(wanted_terms(filter_.text))
    checks.require(searched, "filter.text", "must have a letter or a digit")
    for index, origin in enumerate(filter_.origins):
        known = origin != problem_pb2.PROBLEM_ORIGIN_UNSPECIFIED
        checks.require(known, f"filter.origins[{index}]", "must be an origin of a problem")
    checks.done()


def check_new_problem(problem: problem_pb2.Problem) -> None:
    checks = FieldChecks()
    checks.require(bool(problem.title.en or problem.title.zh), "problem.title", "is required", "FIELD_REQUIRED")
    checks.require(bool(problem.process), "problem.process", "is required", "FIELD_REQUIRED")
    by_hand = problem.origin not in (problem_pb2.PROBLEM_ORIGIN_UNSPECIFIED, problem_pb2.PROBLEM_ORIGIN_SIGNALS)
    checks.require(by_hand, "problem.origin", "must be complaint, audit finding, observation or other")
    check_text(checks, "problem.title", problem.title)
    check_text(checks, "problem.description", problem.description)
    for field in ("process", "system", "indicator", "owner"):
        short = len(getattr(problem, field)) <= NAME_MAX
        checks.require(short, f"problem.{field}", f"must have at most {NAME_MAX} characters")
    checks.require(len(problem.slice) <= SLICE_MAX, "problem.slice", f"must have at most {SLICE_MAX} dimensions")
    for dimension, value in problem.slice.items():
        is_short = bool(dimension) and len(dimension) <= NAME_MAX and len(value) <= NAME_MAX
        checks.require(is_short, f'problem.slice["{dimension[:NAME_MAX]}"]', f"must have 1 to {NAME_MAX} characters")
    few = f"must be at most {REFERENCES_MAX}"
    checks.require(len(problem.references) <= REFERENCES_MAX, "problem.references", few)
    for index, one in enumerate(problem.references):
        is_short = bool(one.strip()) and len(one) <= NAME_MAX
        checks.require(is_short, f"problem.references[{index}]", f"must have 1 to {NAME_MAX} characters")
    start, end = problem.interval.start, problem.interval.end
    both = problem.interval.HasField("start") and problem.interval.HasField("end")
    checks.require(not both or micros(start) < micros(end), "problem.interval.end", "must be later than the start")
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
