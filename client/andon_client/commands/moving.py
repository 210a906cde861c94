"""How a person's move is sent: by the mark of what was read, once, and shown with what can be done after it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeAlias, TypeVar

import grpc
import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Action, Problem, ProblemState

from andon_client.commands.action_tree import action_lines, action_of, action_title
from andon_client.commands.next_steps import show_next
from andon_client.suite import Suite
from andon_client.terminal import Context, describe, emit_json, fail, run, screen, spoken
from andon_client.wording import named, say

ProblemName = Annotated[str, typer.Argument(help="Name of the problem, as `andon problems` prints it.")]
ActionName = Annotated[str, typer.Argument(help="Name of the action, as `andon problem show` prints it.")]
Etag = Annotated[
    str, typer.Option(help="Insist on the problem as it was read with this etag (--json). Empty: as it is now.")
]
RequestId = Annotated[
    str, typer.Option(help="UUID: the same words with the same one, within 24 hours, are done once. Empty: a new one.")
]
ValidateOnly = Annotated[bool, typer.Option("--validate-only", help="Say what would happen, and keep nothing.")]

ACTIONS = "/actions/"
# The problem is not what the person took it for.
OVERTAKEN = (grpc.StatusCode.ABORTED, grpc.StatusCode.FAILED_PRECONDITION)


@dataclass(frozen=True)
class Terms:
    """What a person says of a move beside the move itself."""

    context: Context
    as_json: bool = False
    etag: str = ""
    request_id: str = ""
    validate_only: bool = False

    @property
    def locale(self) -> str:
        return self.context.locale


class MoveRequest(Protocol):
    etag: str
    request_id: str
    validate_only: bool


MoveAnswer: TypeAlias = (
    pb.AcknowledgeProblemResponse
    | pb.AddCauseResponse
    | pb.PlanActionResponse
    | pb.StartActionResponse
    | pb.CompleteActionResponse
    | pb.CancelActionResponse
    | pb.VerifyActionResponse
    | pb.CloseProblemResponse
    | pb.DismissProblemResponse
)
R = TypeVar("R", bound=MoveRequest)
A = TypeVar("A", bound=MoveAnswer)


def move(terms: Terms, name: str, call: Callable[[Suite], Callable[[R], Awaitable[A]]], request: R) -> None:
    """A move, of a problem or of an action by its name, that needs nothing but its request."""

    async def work(suite: Suite) -> tuple[Problem, A]:
        before = await read(suite, name)
        return before, await send(call(suite), request, before, terms)

    before, answer = run(terms.context, work)
    if terms.as_json:
        emit_json(answer)
    else:
        show_move(before, answer.problem, terms, name if ACTIONS in name else "")


async def read(suite: Suite, name: str) -> Problem:
    """The problem of this name, or the one that the action of this name belongs to."""
    problem = name.partition(ACTIONS)[0]
    return (await suite.improvement.GetProblem(pb.GetProblemRequest(name=problem))).problem


async def send(call: Callable[[R], Awaitable[A]], request: R, before: Problem, terms: Terms) -> A:
    # Who names the request sends the same to the last field each time, or the first answer is not found again.
    request.etag = terms.etag or ("" if terms.request_id else before.etag)
    request.request_id = terms.request_id or str(uuid.uuid4())
    request.validate_only = terms.validate_only
    try:
        return await call(request)
    except grpc.aio.AioRpcError as error:
        if error.code() not in OVERTAKEN:
            raise
        fail(f"{describe(error)}\n      {say('look_again', terms.locale, name=before.name)}")


def show_move(before: Problem, after: Problem, terms: Terms, action: str = "") -> None:
    """From where to where, the action that it was about, and what can be done now."""
    states = {key: named(ProblemState, one.state, terms.locale) for key, one in (("before", before), ("after", after))}
    verb = "move" if before.state != after.state else "stay"
    phrase = f"would_{verb}" if terms.validate_only else f"{verb}s"
    screen.print(spoken(after.title, terms.locale), style="bold", markup=False, highlight=False)
    screen.print(say(phrase, terms.locale, name=after.name, **states), markup=False, highlight=False)
    if action:
        _show_action(action_of(after, action), terms.locale)
    if not terms.validate_only:
        show_next(after, terms.locale)


def _show_action(action: Action, locale: str) -> None:
    screen.print(action_title(action, locale), markup=False, highlight=False)
    for line in action_lines(action, locale):
        screen.print(f"  {line}", markup=False, highlight=False)
