"""Problems, both ways, with the mark that shows a reader's copy to be stale."""

from __future__ import annotations

import hashlib

from andon.improvement.v1 import problem_pb2

from services.improvement.model import Family, Problem, ProblemName, ProblemOrigin, ProblemState
from services.improvement.transitions import allowed_transitions
from services.improvement.wire.actions import action_message, action_of
from services.improvement.wire.causes import cause_message, cause_of
from services.improvement.wire.scalars import interval, member, micros, number, span_of, stamp, text, text_of
from services.improvement.wire.signals import reference_message, reference_of


def problem_message(problem: Problem, now_us: int | None = None) -> problem_pb2.Problem:
    """`now_us` None: as it is stored, without what depends on the time of reading."""
    stored = now_us is None
    mark = "" if stored else etag(problem)
    return problem_pb2.Problem(
        name=problem.name,
        title=text(problem.title),
        state=state_number(problem.state),
        process=problem.family.process,
        system=problem.family.system,
        indicator=problem.family.indicator,
        slice=dict(problem.slice),
        interval=interval(problem.start_us, problem.end_us),
        signals=[reference_message(reference) for reference in problem.signals],
        causes=[cause_message(cause) for cause in problem.causes],
        actions=[
            action_message(action, mark, now_us is not None and problem.overdue(action, now_us))
            for action in problem.actions
        ],
        severity=problem.severity,
        reason=problem.reason,
        merged_into=problem.merged_into,
        revision=problem.revision,
        etag=mark,
        open_time=stamp(problem.opened_us),
        update_time=stamp(problem.updated_us),
        allowed_transitions=[] if stored else allowed_transitions(problem),
        owner=problem.owner,
        watchers=problem.watchers,
        snooze_end_time=None if problem.snoozed_until_us is None else stamp(problem.snoozed_until_us),
        note_count=problem.note_count,
        origin=origin_number(problem.origin),
        references=problem.references,
        description=text(problem.description),
        dismissed_from=state_number(problem.dismissed_from)
        if problem.dismissed_from
        else problem_pb2.PROBLEM_STATE_UNSPECIFIED,
    )


def etag(problem: Problem) -> str:
    return hashlib.blake2b(f"{problem.name}@{problem.revision}".encode(), digest_size=9).hexdigest()


def state_number(state: ProblemState) -> problem_pb2.ProblemState.ValueType:
    known: problem_pb2.ProblemState.ValueType = number(problem_pb2.ProblemState, "PROBLEM_STATE", state)
    return known


def origin_number(origin: ProblemOrigin) -> problem_pb2.ProblemOrigin.ValueType:
    known: problem_pb2.ProblemOrigin.ValueType = number(problem_pb2.ProblemOrigin, "PROBLEM_ORIGIN", origin)
    return known


def known_state(value: problem_pb2.ProblemState.ValueType) -> ProblemState:
    return member(problem_pb2.ProblemState, "PROBLEM_STATE", value, ProblemState)


def new_problem(message: problem_pb2.Problem, name: str, now_us: int) -> Problem:
    """Of what a caller sends only what a new problem consists of. It begins now where no time is given."""
    start_us = micros(message.interval.start) if message.interval.HasField("start") else now_us
    end_us = micros(message.interval.end) if message.interval.HasField("end") else max(start_us, now_us)
    return Problem(
        name=ProblemName(name),
        family=Family(message.process, message.system, message.indicator),
        title=text_of(message.title),
        slice=tuple(sorted(message.slice.items())),
        start_us=start_us,
        end_us=end_us,
        opened_us=now_us,
        updated_us=now_us,
        owner=message.owner,
        origin=member(problem_pb2.ProblemOrigin, "PROBLEM_ORIGIN", message.origin, ProblemOrigin),
        references=tuple(message.references),
        description=text_of(message.description),
    )


def problem_of(message: problem_pb2.Problem) -> Problem:
    start_us, end_us = span_of(message.interval)
    return Problem(
        name=ProblemName(message.name),
        family=Family(message.process, message.system, message.indicator),
        title=text_of(message.title),
        state=known_state(message.state),
        slice=tuple(sorted(message.slice.items())),
        start_us=start_us,
        end_us=end_us,
        signals=tuple(reference_of(one) for one in message.signals),
        causes=tuple(cause_of(one) for one in message.causes),
        actions=tuple(action_of(one) for one in message.actions),
        severity=message.severity,
        reason=message.reason,
        merged_into=message.merged_into,
        revision=message.revision,
        opened_us=micros(message.open_time),
        updated_us=micros(message.update_time),
        owner=message.owner,
        watchers=tuple(message.watchers),
        snoozed_until_us=micros(message.snooze_end_time) if message.HasField("snooze_end_time") else None,
        note_count=message.note_count,
        origin=member(problem_pb2.ProblemOrigin, "PROBLEM_ORIGIN", message.origin, ProblemOrigin)
        if message.origin
        else ProblemOrigin.SIGNALS,
        references=tuple(message.references),
        description=text_of(message.description),
        dismissed_from=known_state(message.dismissed_from) if message.dismissed_from else None,
    )
