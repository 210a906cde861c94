"""`andon problem`: one problem and its transitions."""

from __future__ import annotations

import enum
from datetime import date
from functools import partial
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Cause, CauseClass, CauseState, HistoryEntry, Problem, ProblemOrigin

from andon_client.commands.filters import Json, Limit, chosen, interval_of, slice_pair, time_option
from andon_client.commands.problem_tree import add_signals, problem_tree, show_next
from andon_client.commands.transition import (
    Etag,
    ProblemName,
    TransitionOptions,
    read,
    transition,
)
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.listing import list_history, read_notation, shown_notation, take
from andon_client.presentation.history_tables import history_table
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import text_in
from andon_client.presentation.tables import problem_system
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, run, screen

Reason = Annotated[str, typer.Option(help="Why; stored in the history.")]


class CauseKind(enum.StrEnum):
    PEOPLE = "people"
    PROCESS = "process"
    RESOURCES = "resources"
    EXTERNAL = "external"


def show(
    context: typer.Context,
    name: ProblemName,
    history: Annotated[
        bool,
        typer.Option("--history", help="What happened to it instead: who did what, when and why, the newest first."),
    ] = False,
    limit: Limit = 10,
    as_json: Json = False,
) -> None:
    """Show a problem: causes, actions, last verdict, signals and next steps."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[Problem, list[HistoryEntry], Notation]:
        problem = await read(suite, name)
        request = pb.ListProblemHistoryRequest(parent=name, page_size=min(limit, 1_000))
        entries = await take(list_history(suite, request), limit) if history else []
        return problem, entries, await shown_notation(suite, [problem_system(problem)])

    found, entries, notation = run(options, work)
    if history:
        zone = notation.zone(problem_system(found))
        emit(entries, as_json, partial(history_table, zone=zone), options.locale)
        return
    if as_json:
        emit_json(found)
        return
    tree = problem_tree(found, options.locale, notation)
    add_signals(tree, found.signals, options.locale, limit, notation)
    screen.print(tree)
    show_next(found, options.locale)


def open_problem(
    context: typer.Context,
    process: Annotated[str, typer.Argument(help="Id of the process, for example it-desk.")],
    title: Annotated[str, typer.Option(help="What is wrong, in the language of --locale.")],
    origin: Annotated[str, typer.Option(help="complaint, audit-finding, observation or other.")],
    system: Annotated[str, typer.Option(help="Id of the indicator system. Default: none.")] = "",
    indicator: Annotated[str, typer.Option(help="Indicator that it concerns. Default: none.")] = "",
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="DIMENSION=VALUE", help="Slice that it concerns; may be repeated."),
    ] = None,
    description: Annotated[str, typer.Option(help="What people said of it, in the language of --locale.")] = "",
    reference: Annotated[
        list[str] | None, typer.Option(help="Number of a complaint, case or finding; may be repeated.")
    ] = None,
    owner: Annotated[str, typer.Option(help="Role or team that is responsible. Default: nobody yet.")] = "",
    since: Annotated[date | None, time_option("--since", help="Since when, in the zone of the system.")] = None,
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Open a problem that no signal speaks of: a complaint, an audit finding, an observation."""
    options: Context = context.obj
    opened = Problem(
        process=process,
        system=system,
        indicator=indicator,
        title=text_in(options.locale, title),
        description=text_in(options.locale, description),
        origin=chosen(ProblemOrigin, origin, "--origin"),
        slice=dict(slice_pair(one, options.locale) for one in slices or []),
        references=reference or [],
        owner=owner,
    )
    key = request_key(request_id, validate_only)
    request = pb.CreateProblemRequest(problem=opened, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> tuple[pb.CreateProblemResponse, Notation]:
        notation = await (read_notation if since else shown_notation)(suite, [problem_system(opened)])
        if since is not None:
            zone = notation.zone(problem_system(opened))
            request.problem.interval.CopyFrom(interval_of(since, None, zone))
        return await suite.improvement.CreateProblem(request), notation

    answer, notation = run(options, work)
    if as_json:
        emit_json(answer)
        return
    screen.print(problem_tree(answer.problem, options.locale, notation))
    if not validate_only:
        show_next(answer.problem, options.locale)


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
    confirm: Annotated[str, typer.Option(help="Name of a found cause to judge. Default: add a new one.")] = "",
    state: Annotated[str, typer.Option(help="suspected, supported, refuted or confirmed.")] = "confirmed",
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
    """Confirm, suspect, support or refute a cause, or add a new one."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    stated = Cause(
        name=confirm,
        cause_class=CauseClass.Value(f"CAUSE_CLASS_{cause_class.name}"),
        title=text_in(options.locale, title),
        parent=parent,
        slice=dict(slice_pair(text, options.locale) for text in slices or []),
        evidence=evidence or [],
        state=chosen(CauseState, state, "--state"),
    )
    request = pb.AddCauseRequest(parent=name, cause=stated)
    transition(options, name, lambda suite: suite.improvement.AddCause, request)


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


class Undoable(enum.StrEnum):
    ACKNOWLEDGE = "acknowledge"
    DISMISS = "dismiss"
    SNOOZE = "snooze"


def undo(
    context: typer.Context,
    name: ProblemName,
    undone: Annotated[Undoable, typer.Argument(metavar="TRANSITION", help="acknowledge, dismiss or snooze.")],
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Undo an acknowledgement, a dismissal or a snooze. The signals of a dismissed problem count again."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    which = pb.UndoTransitionRequest.Transition.Value(f"TRANSITION_{undone.name}")
    request = pb.UndoTransitionRequest(name=name, transition=which, reason=reason)
    transition(options, name, lambda suite: suite.improvement.UndoTransition, request)


def assign(
    context: typer.Context,
    name: ProblemName,
    owner: Annotated[
        str | None, typer.Option(help="Role or team that is responsible from now on; '' is nobody.")
    ] = None,
    watchers: Annotated[
        list[str] | None, typer.Option("--watcher", help="Role, team or person to add as a watcher; may be repeated.")
    ] = None,
    unwatch: Annotated[list[str] | None, typer.Option(help="Watcher to remove; may be repeated.")] = None,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Hand a problem over to an owner, and change who watches it."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    request = pb.AssignProblemRequest(
        name=name, owner=owner, added_watchers=watchers or [], removed_watchers=unwatch or [], reason=reason
    )
    transition(options, name, lambda suite: suite.improvement.AssignProblem, request)


def snooze(
    context: typer.Context,
    name: ProblemName,
    until: Annotated[date, time_option("--until", help="Until when, in the zone of the system.")],
    reason: Annotated[str, typer.Option(help="Why it needs no attention until then.")],
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Say that a problem needs no attention before a time. Its signals are processed meanwhile."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    request = pb.SnoozeProblemRequest(name=name, reason=reason)
    transition(options, name, lambda suite: suite.improvement.SnoozeProblem, request, snooze_end_time=until)


def note(
    context: typer.Context,
    name: ProblemName,
    text: Annotated[str, typer.Argument(help="The note; @name mentions somebody.")],
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Add a note to the history of a problem."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    request = pb.AddNoteRequest(parent=name, note=text)
    transition(options, name, lambda suite: suite.improvement.AddNote, request)


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
