"""What is written down of a change: who made it, when, between which states, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.improvement.model import HistoryEntry, Problem, ProblemName, ProblemState

# "@" begins a mention where no word ends: an address of e-mail mentions nobody.
_MENTION = re.compile(r"(?<![\w.])@([\w-]+(?:\.[\w-]+)*)")


@dataclass(frozen=True)
class Occasion:
    """What a caller did. `event`: as people call it."""

    event: str
    reason: str = ""
    note: str = ""


def mentions(note: str) -> tuple[str, ...]:
    """Who a note speaks to, each once, in its order.

    >>> mentions("@team-b, see @li.wei; write to desk@example.org")
    ('team-b', 'li.wei')
    """
    return tuple(dict.fromkeys(_MENTION.findall(note)))


def entry_of(before: Problem | None, after: Problem, occasion: Occasion, actor: str) -> HistoryEntry:
    """`before` None: it was opened."""
    owner = before.owner if before else ""
    snoozed = after.snoozed_until_us if before is None or before.snoozed_until_us != after.snoozed_until_us else None
    return HistoryEntry(
        problem=after.name,
        revision=after.revision,
        time_us=after.updated_us,
        actor=actor,
        event=occasion.event,
        from_state=before.state if before else None,
        to_state=after.state,
        subject=_subject(before, after) if before else "",
        reason=occasion.reason,
        note=occasion.note,
        mentions=mentions(occasion.note),
        owners=(owner, after.owner) if owner != after.owner else None,
        snoozed_until_us=snoozed,
    )


def _subject(before: Problem, after: Problem) -> str:
    """The action or cause that is another one now."""
    actions = [str(one.name) for one in after.actions if one not in before.actions]
    return next(iter([*actions, *(one.name for one in after.causes if one not in before.causes)]), "")


def entries_from_signals(before: Mapping[ProblemName, Problem], changed: Iterable[Problem]) -> list[HistoryEntry]:
    """What the service did by itself: opened, opened again and withdrawn. More signals of a problem are no entry."""
    found = []
    for after in changed:
        past = before.get(after.name)
        if past is not None and past.state is after.state:
            continue
        if after.state is ProblemState.WITHDRAWN:
            reason = f"merged into {after.merged_into}" if after.merged_into else after.reason
            occasion = Occasion("WITHDRAW", reason=reason)
        else:
            occasion = Occasion("OPEN" if past is None else "REOPEN", reason=f"{len(after.signals)} signals")
        found.append(entry_of(past, after, occasion, actor=""))
    return found
