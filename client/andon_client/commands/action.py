"""`andon action`: improvement actions and the verification of their effect."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Problem
from andon.scoring.v1.score_pb2 import Score

from andon_client.commands.action_tree import action_of
from andon_client.commands.filters import Json, time_option
from andon_client.commands.proof import proof_windows, show_proof
from andon_client.commands.transition import (
    ActionName,
    Etag,
    TransitionOptions,
    read,
    send,
    show_transition,
    transition,
)
from andon_client.commands.write_options import RequestId, ValidateOnly
from andon_client.listing import problem_notation
from andon_client.presentation.notation import Notation
from andon_client.suite import Suite
from andon_client.terminal import emit_json, run

At = Annotated[
    date | None,
    time_option("--at", help="When, in event time, in the zone of the system. Default: now."),
]


def start(
    context: typer.Context,
    name: ActionName,
    at: At = None,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Start an action. This fixes the windows of its verification."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    request = pb.StartActionRequest(name=name)
    transition(options, name, lambda suite: suite.improvement.StartAction, request, start_time=at)


def complete(
    context: typer.Context,
    name: ActionName,
    at: At = None,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Mark an action as implemented. Later windows count as after it."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    request = pb.CompleteActionRequest(name=name)
    transition(options, name, lambda suite: suite.improvement.CompleteAction, request, done_time=at)


def cancel(
    context: typer.Context,
    name: ActionName,
    reason: Annotated[str, typer.Option(help="Why it is cancelled; stored with the action.")] = "",
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Cancel an action."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    request = pb.CancelActionRequest(name=name, reason=reason)
    transition(options, name, lambda suite: suite.improvement.CancelAction, request)


def verify(
    context: typer.Context,
    name: ActionName,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Verify the effect of an action. May be repeated daily: the interval is valid at all looks together."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)

    async def work(suite: Suite) -> tuple[Problem, pb.VerifyActionResponse, list[Score], Notation]:
        before = await read(suite, name)
        notation = await problem_notation(suite, before)
        answer = await send(suite.improvement.VerifyAction, pb.VerifyActionRequest(name=name), before, options)
        series = action_of(answer.problem, name).goal.series
        windows = [] if as_json else await proof_windows(suite, series, answer.verification)
        return before, answer, windows, notation

    before, answer, windows, notation = run(options.context, work)
    if as_json:
        emit_json(answer)
        return
    show_proof(action_of(answer.problem, name), answer.verification, windows, options.locale, notation)
    show_transition(before, answer.problem, options, notation)
