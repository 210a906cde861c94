"""Causes, both ways."""

from __future__ import annotations

from andon.improvement.v1 import problem_pb2

from services.improvement.model import Cause, CauseClass, CauseState
from services.improvement.wire.scalars import member, number, text, text_of


def cause_message(cause: Cause) -> problem_pb2.Cause:
    return problem_pb2.Cause(
        name=cause.name,
        cause_class=number(problem_pb2.CauseClass, "CAUSE_CLASS", cause.cause_class),
        title=text(cause.title),
        parent=cause.parent,
        slice=dict(cause.slice),
        contribution=cause.contribution,
        evidence=cause.evidence,
        confirmed=cause.confirmed,
        state=number(problem_pb2.CauseState, "CAUSE_STATE", cause.state),
    )


def cause_of(message: problem_pb2.Cause) -> Cause:
    return Cause(
        name=message.name,
        title=text_of(message.title),
        slice=tuple(sorted(message.slice.items())),
        cause_class=member(problem_pb2.CauseClass, "CAUSE_CLASS", message.cause_class, CauseClass),
        parent=message.parent,
        contribution=message.contribution if message.HasField("contribution") else None,
        evidence=tuple(message.evidence),
        state=_state_of(message),
    )


def _state_of(message: problem_pb2.Cause) -> CauseState:
    """One that was stored before causes had states is confirmed or was not judged."""
    if message.confirmed:
        return CauseState.CONFIRMED
    return member(problem_pb2.CauseState, "CAUSE_STATE", message.state, CauseState)
