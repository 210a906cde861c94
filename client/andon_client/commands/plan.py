"""`andon action plan`: an action and its goal, from options, a document and the problem itself."""

from __future__ import annotations

import enum
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Action, ActionKind, Goal, Problem
from google.protobuf.duration_pb2 import Duration

from andon_client.action_defaults import completed
from andon_client.commands.filters import Json, time_option
from andon_client.commands.transition import (
    Etag,
    ProblemName,
    TransitionOptions,
    read,
    send,
    show_transition,
)
from andon_client.commands.write_options import RequestId, ValidateOnly
from andon_client.documents import load_document
from andon_client.listing import problem_notation
from andon_client.moments import MalformedLength, length, timestamp
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import text_in
from andon_client.presentation.tables import problem_system
from andon_client.suite import Suite
from andon_client.terminal import emit_json, loaded, run


class KindOfAction(enum.StrEnum):
    CORRECTIVE = "corrective"
    PREVENTIVE = "preventive"


def _length(written: str) -> Duration:
    try:
        return length(written)
    except MalformedLength as error:
        raise typer.BadParameter(str(error)) from error


BaselinePeriod = Annotated[
    Duration | None,
    typer.Option(
        "--baseline-period",
        parser=_length,
        metavar="LENGTH",
        help="Length of the baseline: 12h, 14d, 6w. Default: since the begin of the problem.",
    ),
]


def plan(
    context: typer.Context,
    name: ProblemName,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="YAML document of the action; options override it.")
    ] = None,
    title: Annotated[str, typer.Option(help="Description of the action, in the language of --locale.")] = "",
    owner: Annotated[str, typer.Option(help="Responsible role or team.")] = "",
    due: Annotated[
        date | None,
        time_option(help="Due date, in the zone of the system. Default: in two weeks."),
    ] = None,
    kind: Annotated[KindOfAction | None, typer.Option(help="Kind of the action. Default: corrective.")] = None,
    cause: Annotated[str, typer.Option(help="Name of the cause it removes. Default: the confirmed one.")] = "",
    series: Annotated[str, typer.Option(help="Key of the series to improve. Default: the one with most signals.")] = "",
    effect: Annotated[
        float,
        typer.Option(
            help="Expected change, signed, in the unit of the series; of a share -0.05 is 5 percentage points less."
            " Default: back to the centre line.",
            show_default=False,
        ),
    ] = 0.0,
    confidence: Annotated[
        float, typer.Option(help="Confidence of each bound. Default: 0.95.", show_default=False)
    ] = 0.0,
    baseline_period: BaselinePeriod = None,
    windows_min: Annotated[
        int,
        typer.Option(help="Minimum number of windows after the action, at least 4. Default: 8.", show_default=False),
    ] = 0,
    horizon_windows: Annotated[
        int,
        typer.Option(
            help="Horizon: number of windows at which the test is most sensitive. Default: 60.",
            show_default=False,
        ),
    ] = 0,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Plan an action with a measurable goal. The goal and its test are fixed before the action starts."""
    options = TransitionOptions(context.obj, as_json, etag, request_id, validate_only)
    goal = Goal(
        series=series,
        expected_effect=effect,
        confidence=confidence,
        baseline_period=baseline_period,
        windows_min=windows_min,
        horizon_windows=horizon_windows,
    )
    entered = Action(title=text_in(options.locale, title), owner=owner, cause=cause, goal=goal)
    entered.kind = ActionKind.Value(f"ACTION_KIND_{kind.name}") if kind else entered.kind
    _plan(options, name, file, entered, due)


def _plan(options: TransitionOptions, name: str, file: Path | None, entered: Action, due: date | None) -> None:

    async def work(suite: Suite) -> tuple[Problem, pb.PlanActionResponse, Notation]:
        before = await read(suite, name)
        notation = await problem_notation(suite, before, is_entered=file is not None or due is not None)
        zone = notation.zone(problem_system(before))
        written = loaded(options.context, lambda: load_document(file, Action, zone)) if file else Action()
        if entered.title.ByteSize():
            # Entered in one language: the title of the document in the other one would be a different title.
            written.ClearField("title")
        written.MergeFrom(entered)
        if due:
            written.due_time.CopyFrom(timestamp(due, zone))
        action = completed(written, before, datetime.now(zone).date(), zone)
        request = pb.PlanActionRequest(parent=name, action=action)
        return before, await send(suite.improvement.PlanAction, request, before, options), notation

    before, answer, notation = run(options.context, work)
    if options.as_json:
        emit_json(answer)
        return
    show_transition(before, answer.problem, options, notation, answer.action.name)
