"""What can be done next with a problem, as commands to copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby

from andon.improvement.v1.problem_pb2 import (
    ACTION_STATE_DONE,
    ACTION_STATE_PLANNED,
    ACTION_STATE_STARTED,
    ActionState,
    Problem,
)

from andon_client.terminal import screen
from andon_client.wording import say


@dataclass(frozen=True)
class Step:
    """`meaning`: a phrase."""

    meaning: str
    command: str


Steps = Callable[[Problem], list[Step]]


def show_next(problem: Problem, locale: str) -> None:
    """Each command on a line of its own, however narrow the screen, so that it can be copied."""
    steps = next_steps(problem)
    if steps:
        screen.print(say("next", locale), markup=False)
    for meaning, alike in groupby(steps, key=lambda step: step.meaning):
        screen.print(f"  {say(meaning, locale)}", markup=False, highlight=False)
        for step in alike:
            screen.print(f"    {step.command}", markup=False, highlight=False, soft_wrap=True)


def next_steps(problem: Problem) -> list[Step]:
    """What the service says is possible and is known here, what leads on before what gives up."""
    return [step for move, steps in _STEPS.items() if move in problem.allowed_transitions for step in steps(problem)]


def _add_cause(problem: Problem) -> list[Step]:
    """The likeliest of those that were found, until one is confirmed, or one that no data show."""
    adding = f"andon problem cause {problem.name} --class process"
    likeliest = [] if any(cause.confirmed for cause in problem.causes) else problem.causes[:1]
    return [
        *(Step("confirm_cause", f"{adding} --confirm {cause.name}") for cause in likeliest),
        Step("state_cause", f"{adding} --title '...'"),
    ]


def _of_problem(meaning: str, words: str) -> Steps:
    return lambda problem: [Step(meaning, f"andon {words.format(problem.name)}")]


def _of_actions(meaning: str, verb: str, *states: ActionState.ValueType) -> Steps:
    """For each action that is in one of the states."""
    return lambda problem: [
        Step(meaning, f"andon action {verb} {action.name}") for action in problem.actions if action.state in states
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
    "DISMISS": _of_problem("dismiss", "problem dismiss {} --reason '...'"),
}
