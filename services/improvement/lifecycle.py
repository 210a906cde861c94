"""The life cycles as tables: (state, event) -> state. What is not in a table is refused, with the legal events."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from services.improvement.model import LIVE, ActionState, ProblemState


class ProblemEvent(Enum):
    ACKNOWLEDGE = "ACKNOWLEDGE"
    ADD_CAUSE = "ADD_CAUSE"
    # A cause was suspected, supported or refuted: the problem is no further.
    JUDGE_CAUSE = "JUDGE_CAUSE"
    PLAN_ACTION = "PLAN_ACTION"
    START_ACTION = "START_ACTION"
    COMPLETE_ACTION = "COMPLETE_ACTION"
    ACTION_VERIFIED = "ACTION_VERIFIED"
    ACTION_UNDECIDED = "ACTION_UNDECIDED"
    ACTION_FAILED = "ACTION_FAILED"
    CANCEL_ACTION = "CANCEL_ACTION"
    CLOSE = "CLOSE"
    DISMISS = "DISMISS"
    SNOOZE = "SNOOZE"
    UNDO_ACKNOWLEDGE = "UNDO_ACKNOWLEDGE"
    UNDO_SNOOZE = "UNDO_SNOOZE"
    # UNDO_DISMISS, by the state that it was dismissed from.
    RESTORE_OPEN = "RESTORE_OPEN"
    RESTORE_ACKNOWLEDGED = "RESTORE_ACKNOWLEDGED"
    RESTORE_ANALYSED = "RESTORE_ANALYSED"
    # By the service itself, when an action was cancelled: what is left is done, under way, or nothing.
    PROOF_AWAITED = "PROOF_AWAITED"
    STILL_ACTING = "STILL_ACTING"
    NO_ACTION_LEFT = "NO_ACTION_LEFT"
    # By the service itself: every signal was retracted, or the problem was merged.
    WITHDRAW = "WITHDRAW"


# Nobody asks for these.
OWN_EVENTS = (
    ProblemEvent.PROOF_AWAITED,
    ProblemEvent.STILL_ACTING,
    ProblemEvent.NO_ACTION_LEFT,
    ProblemEvent.WITHDRAW,
)


class ActionEvent(Enum):
    START = "START"
    COMPLETE = "COMPLETE"
    VERIFY_IMPROVED = "VERIFY_IMPROVED"
    VERIFY_UNDECIDED = "VERIFY_UNDECIDED"
    VERIFY_FAILED = "VERIFY_FAILED"
    CANCEL = "CANCEL"


_P, _E = ProblemState, ProblemEvent

PROBLEM_TRANSITIONS: Mapping[tuple[ProblemState, ProblemEvent], ProblemState] = {
    (_P.OPEN, _E.ACKNOWLEDGE): _P.ACKNOWLEDGED,
    (_P.OPEN, _E.ADD_CAUSE): _P.ANALYSED,
    (_P.ACKNOWLEDGED, _E.ADD_CAUSE): _P.ANALYSED,
    (_P.ANALYSED, _E.ADD_CAUSE): _P.ANALYSED,
    (_P.ACTING, _E.ADD_CAUSE): _P.ACTING,
    **{(state, _E.JUDGE_CAUSE): state for state in (_P.OPEN, _P.ACKNOWLEDGED, _P.ANALYSED, _P.ACTING)},
    (_P.ANALYSED, _E.PLAN_ACTION): _P.ANALYSED,
    (_P.ACTING, _E.PLAN_ACTION): _P.ACTING,
    (_P.VERIFYING, _E.PLAN_ACTION): _P.VERIFYING,
    (_P.ANALYSED, _E.START_ACTION): _P.ACTING,
    (_P.ACTING, _E.START_ACTION): _P.ACTING,
    (_P.VERIFYING, _E.START_ACTION): _P.ACTING,
    # Where several actions run, one may end after another has failed or is done.
    **{(state, _E.COMPLETE_ACTION): _P.VERIFYING for state in (_P.ANALYSED, _P.ACTING, _P.VERIFYING)},
    (_P.ANALYSED, _E.ACTION_VERIFIED): _P.VERIFYING,
    (_P.ANALYSED, _E.ACTION_UNDECIDED): _P.VERIFYING,
    (_P.ANALYSED, _E.ACTION_FAILED): _P.ANALYSED,
    (_P.VERIFYING, _E.ACTION_VERIFIED): _P.VERIFYING,
    (_P.VERIFYING, _E.ACTION_UNDECIDED): _P.VERIFYING,
    (_P.VERIFYING, _E.ACTION_FAILED): _P.ANALYSED,
    (_P.ACTING, _E.ACTION_VERIFIED): _P.ACTING,
    (_P.ACTING, _E.ACTION_UNDECIDED): _P.ACTING,
    (_P.ACTING, _E.ACTION_FAILED): _P.ACTING,
    **{(state, _E.CANCEL_ACTION): state for state in (_P.ANALYSED, _P.ACTING, _P.VERIFYING)},
    (_P.ACTING, _E.PROOF_AWAITED): _P.VERIFYING,
    (_P.VERIFYING, _E.STILL_ACTING): _P.ACTING,
    (_P.ACTING, _E.NO_ACTION_LEFT): _P.ANALYSED,
    (_P.VERIFYING, _E.NO_ACTION_LEFT): _P.ANALYSED,
    (_P.VERIFYING, _E.CLOSE): _P.CLOSED,
    **{(state, _E.DISMISS): _P.DISMISSED for state in (_P.OPEN, _P.ACKNOWLEDGED, _P.ANALYSED)},
    **{(state, event): state for state in LIVE for event in (_E.SNOOZE, _E.UNDO_SNOOZE)},
    (_P.ACKNOWLEDGED, _E.UNDO_ACKNOWLEDGE): _P.OPEN,
    (_P.DISMISSED, _E.RESTORE_OPEN): _P.OPEN,
    (_P.DISMISSED, _E.RESTORE_ACKNOWLEDGED): _P.ACKNOWLEDGED,
    (_P.DISMISSED, _E.RESTORE_ANALYSED): _P.ANALYSED,
    **{(state, _E.WITHDRAW): _P.WITHDRAWN for state in LIVE},
}

_A, _D = ActionState, ActionEvent
ACTION_TRANSITIONS: Mapping[tuple[ActionState, ActionEvent], ActionState] = {
    (_A.PLANNED, _D.START): _A.STARTED,
    (_A.PLANNED, _D.CANCEL): _A.CANCELLED,
    (_A.STARTED, _D.COMPLETE): _A.DONE,
    (_A.STARTED, _D.CANCEL): _A.CANCELLED,
    (_A.DONE, _D.VERIFY_IMPROVED): _A.VERIFIED,
    (_A.DONE, _D.VERIFY_UNDECIDED): _A.DONE,
    (_A.DONE, _D.VERIFY_FAILED): _A.FAILED,
    (_A.DONE, _D.CANCEL): _A.CANCELLED,
}

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
VERIFY_ACTION = "VERIFY_ACTION"
UNDO_DISMISS = "UNDO_DISMISS"


def asked_for(event: ProblemEvent | ActionEvent) -> str:
    """What people call an event: the outcome of a proof is asked for by VERIFY_ACTION."""
    if event.name.startswith(("VERIFY_", "ACTION_")):
        return VERIFY_ACTION
    if event.name.startswith("RESTORE_"):
        return UNDO_DISMISS
    return f"{event.name}_ACTION" if isinstance(event, ActionEvent) else event.name


class InvalidTransition(Exception):
    """`legal`: what the state does allow, as people call it."""

    def __init__(self, subject: str, state: str, event: str, legal: list[str]) -> None:
        super().__init__(f"{subject} is {state}: {event} is not possible; possible are {', '.join(legal) or 'none'}")
        self.subject, self.state, self.event, self.legal = subject, state, event, legal


def legal_events(table: Mapping[tuple[S, E], S], state: S) -> list[str]:
    events = [event for (known, event) in table if known == state and event not in OWN_EVENTS]
    return list(dict.fromkeys(asked_for(event) for event in events))  # type: ignore[arg-type]


def next_state(table: Mapping[tuple[S, E], S], subject: str, state: S, event: E) -> S:
    try:
        return table[state, event]
    except KeyError:
        raise InvalidTransition(subject, state.value, asked_for(event), legal_events(table, state)) from None  # type: ignore[arg-type]


def diagram(table: Mapping[tuple[S, E], S]) -> str:
    """The table as a Mermaid state diagram, for the docs."""
    lines = [f"    {state.value} --> {after.value}: {event.value}" for (state, event), after in table.items()]
    return "\n".join(["stateDiagram-v2", *lines])
