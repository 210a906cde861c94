"""`andon problem`: one problem whole, and what a person says of it."""

from __future__ import annotations

import enum
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Cause, CauseClass

from andon_client.commands.filters import Json, Limit
from andon_client.commands.moving import Etag, ProblemName, RequestId, Terms, ValidateOnly, move, read
from andon_client.commands.next_steps import show_next
from andon_client.commands.problem_tree import add_signals, problem_tree
from andon_client.terminal import Context, emit_json, run, screen
from andon_client.wording import text_in


class Class(enum.StrEnum):
    PEOPLE = "people"
    PROCESS = "process"
    RESOURCES = "resources"
    EXTERNAL = "external"


def show(context: typer.Context, name: ProblemName, limit: Limit = 10, as_json: Json = False) -> None:
    """Show one problem whole: causes, actions, the last verdict, signals, and what can be done next."""
    options: Context = context.obj
    found = run(options, lambda suite: read(suite, name))
    if as_json:
        emit_json(found)
        return
    tree = problem_tree(found, options.locale)
    add_signals(tree, found.signals, options.locale, limit)
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
    """Say that somebody has seen it and takes it on."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)
    request = pb.AcknowledgeProblemRequest(name=name)
    move(terms, name, lambda suite: suite.improvement.AcknowledgeProblem, request)


def cause(
    context: typer.Context,
    name: ProblemName,
    cause_class: Annotated[Class, typer.Option("--class", help="What kind of cause it is.")],
    confirm: Annotated[str, typer.Option(help="Name of a found cause to confirm. Empty: a new one is stated.")] = "",
    title: Annotated[str, typer.Option(help="What it is, in the language of --locale.")] = "",
    parent: Annotated[str, typer.Option(help="Name of the cause that it lies behind. Empty: the problem.")] = "",
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="DIMENSION=VALUE", help="What a new one speaks of; may be repeated."),
    ] = None,
    evidence: Annotated[
        list[str] | None, typer.Option(help="A series, signal or document that it rests on; may be repeated.")
    ] = None,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Confirm a cause that was found in the data, or state a new one."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)
    stated = Cause(
        name=confirm,
        cause_class=CauseClass.Value(f"CAUSE_CLASS_{cause_class.name}"),
        title=text_in(terms.locale, title),
        parent=parent,
        slice=dict(map(_slice, slices or [])),
        evidence=evidence or [],
    )
    request = pb.AddCauseRequest(parent=name, cause=stated)
    move(terms, name, lambda suite: suite.improvement.AddCause, request)


def _slice(written: str) -> tuple[str, str]:
    dimension, equals, value = written.partition("=")
    if not (dimension and equals):
        raise typer.BadParameter(f"{written} is not like team=B", param_hint="--slice")
    return dimension, value


def dismiss(
    context: typer.Context,
    name: ProblemName,
    reason: Annotated[str, typer.Option(help="Why it is none: a false alarm, a known event.")],
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Say that it is no problem. Its signals do not open it again."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)
    request = pb.DismissProblemRequest(name=name, reason=reason)
    move(terms, name, lambda suite: suite.improvement.DismissProblem, request)


def close(
    context: typer.Context,
    name: ProblemName,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Close it, which takes an action that was verified as improved."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)
    move(terms, name, lambda suite: suite.improvement.CloseProblem, pb.CloseProblemRequest(name=name))
