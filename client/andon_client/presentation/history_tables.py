"""What happened to a problem, and how many problems are in which state, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from andon.improvement.v1.improvement_pb2 import GetProblemCountsResponse
from andon.improvement.v1.problem_pb2 import HistoryEntry, HistoryEvent, ProblemState

from andon_client.presentation.formats import when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.survey_tables import small_table
from andon_client.presentation.tables import Table


def history_table(entries: Sequence[HistoryEntry], locale: str, zone: tzinfo) -> Table:
    """In the order they were listed: the newest first. zone: of the times."""
    rows = [
        (
            when(entry.time, zone),
            entry.actor or say("by_itself", locale),
            named(HistoryEvent, entry.event, locale),
            _states(entry, locale),
            "; ".join(_details(entry, locale, zone)) or "-",
        )
        for entry in entries
    ]
    return small_table("history", locale, ("time", "actor", "transition", "state", "details"), rows)


def counts_table(answers: Sequence[GetProblemCountsResponse], locale: str) -> Table:
    """Problems per state, then what waits for people."""
    rows = []
    for answer in answers:
        rows += [(named(ProblemState, one.state, locale), f"{one.count:,}") for one in answer.counts]
        rows += [
            (say("waiting_overdue", locale), f"{answer.overdue_count:,}"),
            (say("waiting_snoozed", locale), f"{answer.snoozed_count:,}"),
            (say("waiting_unowned", locale), f"{answer.unowned_count:,}"),
        ]
    return small_table("problem_counts", locale, ("state", ">count"), rows)


def _states(entry: HistoryEntry, locale: str) -> str:
    after = named(ProblemState, entry.to_state, locale)
    if not entry.from_state or entry.from_state == entry.to_state:
        return after
    return say("from_to", locale, before=named(ProblemState, entry.from_state, locale), after=after)


def _details(entry: HistoryEntry, locale: str, zone: tzinfo) -> list[str]:
    until = when(entry.snooze_end_time, zone)
    owners = {"before": entry.previous_owner or "-", "after": entry.owner or "-"}
    return [
        *([entry.subject] if entry.subject else []),
        *([say("hand_over", locale, **owners)] if entry.previous_owner or entry.owner else []),
        *([say("snoozed", locale, until=until)] if entry.HasField("snooze_end_time") else []),
        *([entry.note] if entry.note else []),
        *([entry.reason] if entry.reason else []),
    ]
