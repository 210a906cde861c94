"""Next steps of a problem, as commands to copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from andon.improvement.v1.problem_pb2 import (
    ACTION_STATE_DONE,
    ACTION_STATE_PLANNED,
    ACTION_STATE_STARTED,
    ActionState,
    Problem,
)


@dataclass(frozen=True)
class NextStep:
    """`meaning`: the key of a phrase."""

    meaning: str
    command: str


Steps = Callable[[Problem], list[NextStep]]


def next_steps(problem: Problem) -> list[NextStep]:
    """The transitions that the service allows and this client knows, forward ones before cancelling ones."""
    return [step for name, steps in _STEPS.items() if name in problem.allowed_transitions for step in steps(problem)]


def _add_cause(problem: Problem) -> list[NextStep]:
    """Confirm the most likely found cause, unless one is confirmed already, or add another."""
    adding = f"andon problem cause {problem.name} --class process"
    likeliest = [] if any(cause.confirmed for cause in problem.causes) else problem.causes[:1]
    return [
        *(NextStep("confirm_cause", f"{adding} --confirm {cause.name}") for cause in likeliest),
        NextStep("add_cause", f"{adding} --title '...'"),
    ]


def _of_problem(meaning: str, words: str) -> Steps:
    return lambda problem: [NextStep(meaning, f"andon {words.format(problem.name)}")]


def _of_actions(meaning: str, verb: str, *states: ActionState.ValueType) -> Steps:
    """For each action that is in one of the states."""
    return lambda problem: [
        NextStep(meaning, f"andon action {verb} {action.name}") for action in problem.actions if action.state in states
    ]


_STEPS: Mapping[str, Steps] = {
    "CLOSE": _of_problem("close", "problem close {}"),
    "VERIFY_ACTION": _of_actions("verify", "verify", ACTION_STATE_DONE),
    "COMPLETE_ACTION": _of_actions("complete", "complete", ACTION_STATE_STARTED),
    "START_ACTION": _of_actions("start", "start", ACTION_STATE_PLANNED),
    "ACKNOWLEDGE": _of_problem("acknowledge", "problem acknowledge {}"),
    "PLAN_ACTION": _of_problem("plan", "action plan {} --title '...' --owner '...'"),
    "ADD_CAUSE": _add_cause,
    "CANCEL_ACTION": _of_actions("cancel", "cancel", ACTION_STATE_PLANNED, ACTION_STATE_STARTED, ACTION_STATE_DONE),
    "UNDO_DISMISS": _of_problem("undo_dismiss", "problem undo {} dismiss"),
    "DISMISS": _of_problem("dismiss", "problem dismiss {} --reason '...'"),
}
