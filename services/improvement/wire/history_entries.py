"""What happened to a problem, both ways."""

from __future__ import annotations

from andon.improvement.v1 import problem_pb2

from services.improvement.model import HistoryEntry, ProblemName
from services.improvement.wire.problems import known_state, state_number
from services.improvement.wire.scalars import micros, stamp


def entry_message(entry: HistoryEntry) -> problem_pb2.HistoryEntry:
    before, after = entry.owners or ("", "")
    return problem_pb2.HistoryEntry(
        revision=entry.revision,
        time=stamp(entry.time_us),
        actor=entry.actor,
        event=problem_pb2.HistoryEvent.Value(f"HISTORY_EVENT_{entry.event}"),
        from_state=state_number(entry.from_state) if entry.from_state else problem_pb2.PROBLEM_STATE_UNSPECIFIED,
        to_state=state_number(entry.to_state),
        subject=entry.subject,
        reason=entry.reason,
        note=entry.note,
        mentions=entry.mentions,
        previous_owner=before,
        owner=after,
        snooze_end_time=None if entry.snoozed_until_us is None else stamp(entry.snoozed_until_us),
    )


def entry_of(problem: ProblemName, message: problem_pb2.HistoryEntry) -> HistoryEntry:
    owners = message.previous_owner, message.owner
    return HistoryEntry(
        problem=problem,
        revision=message.revision,
        time_us=micros(message.time),
        actor=message.actor,
        event=problem_pb2.HistoryEvent.Name(message.event).removeprefix("HISTORY_EVENT_"),
        from_state=known_state(message.from_state) if message.from_state else None,
        to_state=known_state(message.to_state),
        subject=message.subject,
        reason=message.reason,
        note=message.note,
        mentions=tuple(message.mentions),
        owners=owners if any(owners) else None,
        snoozed_until_us=micros(message.snooze_end_time) if message.HasField("snooze_end_time") else None,
    )
