"""Sends a transition of a problem or an action: with the etag that was read, exactly once, and shows the result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Protocol, TypeAlias, TypeVar

import grpc
import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Problem, ProblemState

from andon_client.commands.action_tree import action_lines, action_of, action_title
from andon_client.commands.problem_tree import show_next
from andon_client.commands.write_options import request_key
from andon_client.listing import problem_notation
from andon_client.moments import timestamp
from andon_client.presentation.formats import localised
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import problem_system
from andon_client.suite import Suite
from andon_client.terminal import Context, describe, emit_json, fail, run, screen

ProblemName = Annotated[str, typer.Argument(help="Name of the problem, as listed by `andon problems`.")]
ActionName = Annotated[str, typer.Argument(help="Name of the action, as listed by `andon problem show`.")]
Etag = Annotated[
    str, typer.Option(help="Fail if the problem has changed since this etag was read. Default: the current one.")
]

ACTIONS = "/actions/"
# The problem has changed since it was read.
OUTDATED = (grpc.StatusCode.ABORTED, grpc.StatusCode.FAILED_PRECONDITION)


@dataclass(frozen=True)
class TransitionOptions:
    """The options that all transitions have."""

    context: Context
    as_json: bool = False
    etag: str = ""
    request_id: str = ""
    validate_only: bool = False

    @property
    def locale(self) -> str:
        return self.context.locale


class TransitionRequest(Protocol):
    etag: str
    request_id: str
    validate_only: bool


TransitionResponse: TypeAlias = (
    pb.AcknowledgeProblemResponse
    | pb.AddCauseResponse
    | pb.PlanActionResponse
    | pb.StartActionResponse
    | pb.CompleteActionResponse
    | pb.CancelActionResponse
    | pb.VerifyActionResponse
    | pb.CloseProblemResponse
    | pb.DismissProblemResponse
    | pb.UndoTransitionResponse
    | pb.AssignProblemResponse
    | pb.SnoozeProblemResponse
    | pb.AddNoteResponse
)
R = TypeVar("R", bound=TransitionRequest)
A = TypeVar("A", bound=TransitionResponse)


def transition(
    options: TransitionOptions,
    name: str,
    call: Callable[[Suite], Callable[[R], Awaitable[A]]],
    request: R,
    **times: date | None,
) -> None:
    """Sends a transition, of a problem or of an action by its name, and shows the result.

    times: fields of the request, by the clocks of the system's zone.
    """
    entered = {field: time for field, time in times.items() if time is not None}

    async def work(suite: Suite) -> tuple[Problem, A, Notation]:
        before = await read(suite, name)
        notation = await problem_notation(suite, before, is_entered=bool(entered))
        for field, time in entered.items():
            getattr(request, field).CopyFrom(timestamp(time, notation.zone(problem_system(before))))
        return before, await send(call(suite), request, before, options), notation

    before, answer, notation = run(options.context, work)
    if options.as_json:
        emit_json(answer)
    else:
        show_transition(before, answer.problem, options, notation, name if ACTIONS in name else "")


async def read(suite: Suite, name: str) -> Problem:
    """The problem of this name, or the one that the action of this name belongs to."""
    problem = name.partition(ACTIONS)[0]
    return (await suite.improvement.GetProblem(pb.GetProblemRequest(name=problem))).problem


async def send(call: Callable[[R], Awaitable[A]], request: R, before: Problem, options: TransitionOptions) -> A:
    # A retry with the caller's own key must repeat every field, or the first response is not found.
    request.etag = options.etag or ("" if options.request_id else before.etag)
    request.request_id = request_key(options.request_id, options.validate_only)
    request.validate_only = options.validate_only
    try:
        return await call(request)
    except grpc.aio.AioRpcError as error:
        if error.code() not in OUTDATED:
            raise
        hint = say("look_again", options.locale, name=before.name)
        fail(f"{describe(error, options.locale)}\n      {hint}", options.locale)


def show_transition(
    before: Problem, after: Problem, options: TransitionOptions, notation: Notation, action: str = ""
) -> None:
    """The state before and after, the action concerned, and the next steps."""
    states = {
        key: named(ProblemState, one.state, options.locale) for key, one in (("before", before), ("after", after))
    }
    phrase = "transition" if before.state != after.state else "no_transition"
    phrase = f"would_{phrase}" if options.validate_only else phrase
    screen.print(localised(after.title, options.locale), style="bold", markup=False, highlight=False)
    screen.print(say(phrase, options.locale, name=after.name, **states), markup=False, highlight=False)
    if action:
        moved = action_of(after, action)
        screen.print(action_title(moved, options.locale), markup=False, highlight=False)
        for line in action_lines(moved, options.locale, notation):
            screen.print(f"  {line}", markup=False, highlight=False)
    if not options.validate_only:
        show_next(after, options.locale)
