"""Clauses: what is stored of a message, and the message that shows it."""

from __future__ import annotations

from collections.abc import Mapping

from andon.scoring.v1 import clause_pb2 as pb

from services.scoring.system.stored_clause import StoredClause
from services.scoring.wire.scores import bounds

CLAUSE_PREFIX = "clauses/"
_SET_BY_SERVER = ("name", "etag", "create_time", "update_time", "coverage")


def clause_body(message: pb.Clause) -> bytes:
    """What people write of it."""
    written = pb.Clause()
    written.CopyFrom(message)
    for field in _SET_BY_SERVER:
        written.ClearField(field)  # type: ignore[arg-type]
    for link in written.links:
        link.ClearField("live")
    return written.SerializeToString(deterministic=True)


def clause_message(stored: StoredClause, now_us: int, live: Mapping[str, frozenset[str]]) -> pb.Clause:
    """live: the names of what each active indicator system scores."""
    message = pb.Clause.FromString(stored.body)
    message.name, message.etag = CLAUSE_PREFIX + stored.name, stored.etag
    message.create_time.FromDatetime(stored.create_time)
    message.update_time.FromDatetime(stored.update_time)
    for link in message.links:
        link.live = link.indicator in live.get(link.indicator_system, ())
    start_us, end_us = bounds(message.effective)
    if not start_us <= now_us < end_us:
        message.coverage = pb.CLAUSE_COVERAGE_NOT_IN_FORCE
    elif any(link.live for link in message.links):
        message.coverage = pb.CLAUSE_COVERAGE_COVERED
    else:
        message.coverage = pb.CLAUSE_COVERAGE_UNCOVERED
    return message
