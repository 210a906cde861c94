"""What people decide about problems: each function checks the life cycle and returns the problem as it is after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.improvement.lifecycle import (
    ACTION_TRANSITIONS,
    PROBLEM_TRANSITIONS,
    ActionEvent,
    InvalidTransition,
    ProblemEvent,
    asked_for,
    legal_events,
    next_state,
)
from services.improvement.model import (
    Action,
    ActionName,
    ActionState,
    Cause,
    CauseState,
    Problem,
    ProblemState,
    Verdict,
    Verification,
)
from services.improvement.plan import plan_proof

WATCHERS_MAX = 100
OUTCOMES = {
    Verdict.IMPROVED: (ActionEvent.VERIFY_IMPROVED, ProblemEvent.ACTION_VERIFIED),
    Verdict.UNDECIDED: (ActionEvent.VERIFY_UNDECIDED, ProblemEvent.ACTION_UNDECIDED),
    Verdict.NO_CHANGE: (ActionEvent.VERIFY_FAILED, ProblemEvent.ACTION_FAILED),
    Verdict.WORSE: (ActionEvent.VERIFY_FAILED, ProblemEvent.ACTION_FAILED),
}


class UnknownAction(Exception):
    """The problem has no action of this name."""


class UnknownCause(Exception):
    """The problem has no cause of this name, or the cause would lie behind itself."""


class ProofMissing(Exception):
    """No action of the problem was verified as improved."""


class TooManyWatchers(Exception):
    """A problem has at most so many watchers."""


class DatesOutOfOrder(Exception):
    """An action cannot be done before it was started."""


def acknowledge(problem: Problem, now_us: int) -> Problem:
    return _changed(problem, ProblemEvent.ACKNOWLEDGE, now_us)


def add_cause(problem: Problem, cause: Cause, now_us: int) -> Problem:
    """A cause with a name judges the one of that name, with more evidence; without, it is a new one.

    One that is not confirmed leaves the state of the problem.
    """
    cause = cause if cause.judged else replace(cause, state=CauseState.CONFIRMED)
    event = ProblemEvent.ADD_CAUSE if cause.confirmed else ProblemEvent.JUDGE_CAUSE
    changed = _changed(problem, event, now_us)
    _check_parent(problem, cause)
    if not cause.name:
        stated = f"{problem.name}/causes/stated-"
        number = sum(known.name.startswith(stated) for known in problem.causes) + 1
        return replace(changed, causes=(replace(cause, name=f"{stated}{number}"), *problem.causes))
    known = next((one for one in problem.causes if one.name == cause.name), None)
    if known is None:
        raise UnknownCause(cause.name)
    title = cause.title if cause.title.en or cause.title.zh else known.title
    evidence = tuple(dict.fromkeys((*known.evidence, *cause.evidence)))
    judged = replace(
        known, state=cause.state, cause_class=cause.cause_class, title=title, parent=cause.parent, evidence=evidence
    )
    return replace(changed, causes=(judged, *(one for one in problem.causes if one.name != cause.name)))


def _check_parent(problem: Problem, cause: Cause) -> None:
    """Causes lie behind one another as a tree."""
    parents = {one.name: one.parent for one in problem.causes}
    if cause.parent and cause.parent not in parents:
        raise UnknownCause(cause.parent)
    above = cause.parent
    while above:
        if above == cause.name:
            raise UnknownCause(above)
        # A found cause may have gone since another was put behind it.
        above = parents.get(above, "")


def plan_action(problem: Problem, action: Action, now_us: int) -> Problem:
    changed = _changed(problem, ProblemEvent.PLAN_ACTION, now_us)
    if action.cause and action.cause not in {cause.name for cause in problem.causes}:
        raise UnknownCause(action.cause)
    named = replace(action, name=ActionName(f"{problem.name}/actions/{len(problem.actions) + 1}"))
    return replace(changed, actions=(*problem.actions, named))


def start_action(problem: Problem, name: str, started_us: int, now_us: int) -> Problem:
    return _act(
        problem,
        name,
        ActionEvent.START,
        ProblemEvent.START_ACTION,
        now_us,
        lambda action: replace(
            action, started_us=started_us, plan=plan_proof(problem, action.goal, started_us, now_us)
        ),
    )


def complete_action(problem: Problem, name: str, done_us: int, now_us: int) -> Problem:
    action = _known_action(problem, name)
    if action.started_us is not None and done_us < action.started_us:
        raise DatesOutOfOrder(name)
    return _act(
        problem,
        name,
        ActionEvent.COMPLETE,
        ProblemEvent.COMPLETE_ACTION,
        now_us,
        lambda action: replace(action, done_us=done_us),
    )


def cancel_action(problem: Problem, name: str, reason: str, now_us: int) -> Problem:
    def why(action: Action) -> Action:
        return replace(action, reason=reason)

    after = _act(problem, name, ActionEvent.CANCEL, ProblemEvent.CANCEL_ACTION, now_us, why)
    event = _left_behind(after)
    return replace(after, state=next_state(PROBLEM_TRANSITIONS, problem.name, after.state, event)) if event else after


def _left_behind(problem: Problem) -> ProblemEvent | None:
    """What follows for a problem when an action was cancelled. None: the others go on as before."""
    states = {action.state for action in problem.actions}
    under_way, done = ActionState.STARTED in states, bool(states & {ActionState.DONE, ActionState.VERIFIED})
    if problem.state is ProblemState.ACTING and not under_way:
        return ProblemEvent.PROOF_AWAITED if done else ProblemEvent.NO_ACTION_LEFT
    if problem.state is ProblemState.VERIFYING and not done:
        return ProblemEvent.STILL_ACTING if under_way else ProblemEvent.NO_ACTION_LEFT
    return None


def check_verifiable(problem: Problem, name: str) -> Action:
    action = _known_action(problem, name)
    next_state(ACTION_TRANSITIONS, name, action.state, ActionEvent.VERIFY_UNDECIDED)
    return action


def verified(problem: Problem, name: str, verification: Verification, now_us: int) -> Problem:
    action_event, problem_event = OUTCOMES[verification.verdict]

    def add(action: Action) -> Action:
        return replace(action, verifications=(*action.verifications, verification))

    after = _act(problem, name, action_event, problem_event, now_us, add)
    if verification.verdict is Verdict.UNDECIDED:
        return after
    if verification.verdict is Verdict.IMPROVED:
        return replace(after, reason="")
    # Why the problem goes back to its causes.
    return replace(after, reason=f"{name}: {finding(verification)}")


def finding(verification: Verification) -> str:
    """The verdict in a line."""
    interval = f"{verification.lower:+.4g} to {verification.upper:+.4g}"
    return f"{verification.verdict.value}, {verification.effect:+.4g} ({interval})"


def close(problem: Problem, now_us: int) -> Problem:
    after = _changed(problem, ProblemEvent.CLOSE, now_us)
    if not _proven(problem):
        raise ProofMissing(problem.name)
    return after


def dismiss(problem: Problem, reason: str, now_us: int) -> Problem:
    after = _changed(problem, ProblemEvent.DISMISS, now_us)
    return replace(after, reason=reason, dismissed_from=problem.state, snoozed_until_us=None)


# By the state that a problem was dismissed from.
RESTORING = {
    ProblemState.OPEN: ProblemEvent.RESTORE_OPEN,
    ProblemState.ACKNOWLEDGED: ProblemEvent.RESTORE_ACKNOWLEDGED,
    ProblemState.ANALYSED: ProblemEvent.RESTORE_ANALYSED,
}


def undo_dismiss(problem: Problem, now_us: int) -> Problem:
    """A dismissal of before its origin was stored goes back to what the causes say."""
    is_analysed = any(cause.confirmed for cause in problem.causes)
    known = ProblemState.ANALYSED if is_analysed else ProblemState.ACKNOWLEDGED
    event = RESTORING[problem.dismissed_from or known]
    return replace(_changed(problem, event, now_us), reason="", dismissed_from=None)


def undo_acknowledge(problem: Problem, now_us: int) -> Problem:
    return _changed(problem, ProblemEvent.UNDO_ACKNOWLEDGE, now_us)


def snooze(problem: Problem, until_us: int, now_us: int) -> Problem:
    return replace(_changed(problem, ProblemEvent.SNOOZE, now_us), snoozed_until_us=until_us)


def undo_snooze(problem: Problem, now_us: int) -> Problem:
    after = _changed(problem, ProblemEvent.UNDO_SNOOZE, now_us)
    if problem.snoozed_until_us is None:
        event = ProblemEvent.UNDO_SNOOZE.name
        raise InvalidTransition(problem.name, "not snoozed", event, allowed_transitions(problem))
    return replace(after, snoozed_until_us=None)


def assign(
    problem: Problem, owner: str | None, added_watchers: Sequence[str], removed_watchers: Sequence[str], now_us: int
) -> Problem:
    """`owner` None: unchanged. Who is responsible does not depend on the state."""
    watchers = dict.fromkeys((*problem.watchers, *added_watchers))
    remaining = tuple(one for one in watchers if one not in removed_watchers)
    if len(remaining) > WATCHERS_MAX:
        raise TooManyWatchers(WATCHERS_MAX)
    after = replace(problem, watchers=remaining, owner=problem.owner if owner is None else owner)
    return replace(after, revision=problem.revision + 1, updated_us=now_us)


def add_note(problem: Problem, now_us: int) -> Problem:
    """The note itself is in the history."""
    return replace(problem, note_count=problem.note_count + 1, revision=problem.revision + 1, updated_us=now_us)


# A transition of an action needs an action that allows it.
_BY_ACTION = {
    asked_for(event): event
    for event in (ActionEvent.START, ActionEvent.COMPLETE, ActionEvent.CANCEL, ActionEvent.VERIFY_UNDECIDED)
}


def allowed_transitions(problem: Problem) -> list[str]:
    """What people may do next: each of these succeeds, and nothing else does."""

    def is_possible(name: str) -> bool:
        if name == ProblemEvent.CLOSE.name:
            return _proven(problem)
        if name == ProblemEvent.UNDO_SNOOZE.name:
            return problem.snoozed_until_us is not None
        needed = _BY_ACTION.get(name)
        return needed is None or any((action.state, needed) in ACTION_TRANSITIONS for action in problem.actions)

    return [name for name in legal_events(PROBLEM_TRANSITIONS, problem.state) if is_possible(name)]


def _proven(problem: Problem) -> bool:
    return any(action.state is ActionState.VERIFIED for action in problem.actions)


def _changed(problem: Problem, event: ProblemEvent, now_us: int) -> Problem:
    try:
        state = next_state(PROBLEM_TRANSITIONS, problem.name, problem.state, event)
    except InvalidTransition as error:
        raise InvalidTransition(error.subject, error.state, error.event, allowed_transitions(problem)) from error
    return replace(problem, state=state, revision=problem.revision + 1, updated_us=now_us)


def _known_action(problem: Problem, name: str) -> Action:
    action = problem.action(name)
    if action is None:
        raise UnknownAction(name)
    return action


def _act(
    problem: Problem,
    name: str,
    action_event: ActionEvent,
    problem_event: ProblemEvent,
    now_us: int,
    change: Callable[[Action], Action],
) -> Problem:
    action = _known_action(problem, name)
    after = change(replace(action, state=next_state(ACTION_TRANSITIONS, name, action.state, action_event)))
    actions = tuple(after if one.name == name else one for one in problem.actions)
    return _changed(replace(problem, actions=actions), problem_event, now_us)
