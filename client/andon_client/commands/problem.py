"""`andon problem`: one problem and its transitions."""

from __future__ import annotations

import enum
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Cause, CauseClass, Problem

from andon_client.commands.filters import Json, Limit
from andon_client.commands.problem_tree import add_signals, problem_tree, show_next
from andon_client.commands.transition import (
    Etag,
    ProblemName,
    TransitionOptions,
    read,
    transition,
)
from andon_client.commands.write_options import RequestId, ValidateOnly
from andon_client.listing import shown_notation
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import say, text_in
from andon_client.presentation.tables import problem_system
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, run, screen


class CauseKind(enum.StrEnum):
    PEOPLE = "people"
    PROCESS = "process"
    RESOURCES = "resources"
    EXTERNAL = "external"


def show(context: typer.Context, name: ProblemName, limit: Limit = 10, as_json: Json = False) -> None:
    """Show a problem: causes, actions, last verdict, signals and next steps."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[Problem, Notation]:
        problem = await read(suite, name)
        return problem, await shown_notation(suite, [problem_system(problem)])

    found, notation = run(options, work)
    if as_json:
        emit_json(found)
        return
    tree = problem_tree(found, options.locale, notation)
    add_signals(tree, found.signals, options.locale, limit, notation)
    screen.print(tree)
    show_next(found, options.locale)


def acknowledge(
    context: typer.Context,
    name: ProblemName,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Acknowledge a problem."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    request = pb.AcknowledgeProblemRequest(name=name)
    transition(options, name, lambda suite: suite.improvement.AcknowledgeProblem, request)


def cause(
    context: typer.Context,
    name: ProblemName,
    cause_class: Annotated[CauseKind, typer.Option("--class", help="Class of the cause.")],
    confirm: Annotated[str, typer.Option(help="Name of a found cause to confirm. Default: add a new one.")] = "",
    title: Annotated[str, typer.Option(help="Description of the cause, in the language of --locale.")] = "",
    parent: Annotated[str, typer.Option(help="Name of the parent cause. Default: the problem itself.")] = "",
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="DIMENSION=VALUE", help="Slice that a new cause refers to; may be repeated."),
    ] = None,
    evidence: Annotated[
        list[str] | None, typer.Option(help="Series, signal or document as evidence; may be repeated.")
    ] = None,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Confirm a cause that was found in the data, or add a new one."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    stated = Cause(
        name=confirm,
        cause_class=CauseClass.Value(f"CAUSE_CLASS_{cause_class.name}"),
        title=text_in(options.locale, title),
        parent=parent,
        slice=dict(_slice(text, options.locale) for text in slices or []),
        evidence=evidence or [],
    )
    request = pb.AddCauseRequest(parent=name, cause=stated)
    transition(options, name, lambda suite: suite.improvement.AddCause, request)


def _slice(text: str, locale: str) -> tuple[str, str]:
    dimension, equals, value = text.partition("=")
    if not (dimension and equals):
        raise typer.BadParameter(say("bad_slice", locale, text=text), param_hint="--slice")
    return dimension, value


def dismiss(
    context: typer.Context,
    name: ProblemName,
    reason: Annotated[str, typer.Option(help="Why it is dismissed: a false alarm, a known event.")],
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Dismiss a problem as a false alarm. Its signals do not reopen it."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    request = pb.DismissProblemRequest(name=name, reason=reason)
    transition(options, name, lambda suite: suite.improvement.DismissProblem, request)


def close(
    context: typer.Context,
    name: ProblemName,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Close a problem. Requires an action that was verified as improved."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    transition(options, name, lambda suite: suite.improvement.CloseProblem, pb.CloseProblemRequest(name=name))
