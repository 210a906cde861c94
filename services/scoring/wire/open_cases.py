"""Open cases and their changes as messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from andon.scoring.v1 import process_pb2 as pb

from services.scoring.system.open_case import ClockState, OpenCase, OpenCaseChange
from services.scoring.wire.entries import parts_of
from services.scoring.wire.scores import timestamp

TIMESTAMP_US_MAX = 253_402_300_799 * 1_000_000
"""The end of the year 9999, after which the contract has no times."""


def open_case_message(one: OpenCase, state: ClockState, now_us: int | None = None) -> pb.OpenCase:
    """now_us: what the time left counts from."""
    made = pb.OpenCase(case_id=one.case_id, indicator=one.indicator, slice=one.slice)
    made.state = pb.OpenCase.State.ValueType(state)
    for name, us in (("open_time", one.opened_us), ("risk_time", one.risk_us), ("due_time", one.due_us)):
        if us is not None and us <= TIMESTAMP_US_MAX:
            getattr(made, name).CopyFrom(timestamp(us))
    if now_us is not None and one.due_us <= TIMESTAMP_US_MAX:
        made.time_left.FromMicroseconds(one.due_us - now_us)
    return made


def change_message(one: OpenCaseChange) -> pb.OpenCaseChange:
    kind = pb.OpenCaseChange.Kind.ValueType(one.kind)
    return pb.OpenCaseChange(kind=kind, case=open_case_message(one.case, one.state))


def change_entries(changes: Iterable[OpenCaseChange], bytes_max: int) -> list[bytes]:
    """Cut into entries that each fit into a response of a watch."""
    parts = parts_of(map(change_message, changes), bytes_max)
    return [pb.WatchOpenCasesResponse(changes=part).SerializeToString() for part in parts]


@dataclass(frozen=True)
class CaseEntry:
    """One entry of the log of changes of open cases as messages, unpacked once for all who follow it."""

    system: str
    changes: Sequence[pb.OpenCaseChange]


def case_entry(system: str, body: bytes) -> CaseEntry:
    return CaseEntry(system, pb.WatchOpenCasesResponse.FromString(body).changes)
