"""`andon action`: what is done about a problem, and whether the numbers say that it worked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Problem
from andon.scoring.v1.score_pb2 import Score

from andon_client.commands.action_tree import action_of
from andon_client.commands.filters import Json
from andon_client.commands.moving import ActionName, Etag, RequestId, Terms, ValidateOnly, move, read, send, show_move
from andon_client.commands.proof import proof_windows, show_proof
from andon_client.moments import timestamp
from andon_client.suite import Suite
from andon_client.terminal import emit_json, run

At = Annotated[datetime | None, typer.Option("--at", help="When, in the time of events (UTC). Default: now.")]


def start(
    context: typer.Context,
    name: ActionName,
    at: At = None,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Say that the action begins. This fixes the windows of its proof."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)
    request = pb.StartActionRequest(name=name, start_time=timestamp(at) if at else None)
    move(terms, name, lambda suite: suite.improvement.StartAction, request)


def complete(
    context: typer.Context,
    name: ActionName,
    at: At = None,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Say that the action is in place. Windows from here on count as after it."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)
    request = pb.CompleteActionRequest(name=name, done_time=timestamp(at) if at else None)
    move(terms, name, lambda suite: suite.improvement.CompleteAction, request)


def cancel(
    context: typer.Context,
    name: ActionName,
    reason: Annotated[str, typer.Option(help="Why; kept with the action.")] = "",
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Give the action up."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)
    request = pb.CancelActionRequest(name=name, reason=reason)
    move(terms, name, lambda suite: suite.improvement.CancelAction, request)


def verify(
    context: typer.Context,
    name: ActionName,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Ask the numbers whether it worked. Every day, if you like: the interval holds at all looks together."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)

    async def work(suite: Suite) -> tuple[Problem, pb.VerifyActionResponse, list[Score]]:
        before = await read(suite, name)
        answer = await send(suite.improvement.VerifyAction, pb.VerifyActionRequest(name=name), before, terms)
        series = action_of(answer.problem, name).goal.series
        return before, answer, [] if as_json else await proof_windows(suite, series, answer.verification)

    before, answer, windows = run(terms.context, work)
    if as_json:
        emit_json(answer)
        return
    show_proof(action_of(answer.problem, name), answer.verification, windows, terms.locale)
    show_move(before, answer.problem, terms)
