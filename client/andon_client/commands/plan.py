"""`andon action plan`: what is to be done, and what it must bring, from options, a document and the problem itself."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1.problem_pb2 import Action, ActionKind, Goal, Problem
from google.protobuf.duration_pb2 import Duration

from andon_client.commands.filters import Json
from andon_client.commands.moving import Etag, ProblemName, RequestId, Terms, ValidateOnly, read, send, show_move
from andon_client.documents import load_document
from andon_client.moments import MalformedLength, length, timestamp
from andon_client.planning import completed
from andon_client.suite import Suite
from andon_client.terminal import emit_json, given, run
from andon_client.wording import text_in


class Kind(enum.StrEnum):
    CORRECTIVE = "corrective"
    PREVENTIVE = "preventive"


def _length(written: str) -> Duration:
    try:
        return length(written)
    except MalformedLength as error:
        raise typer.BadParameter(str(error)) from error


Back = Annotated[
    Duration | None,
    typer.Option(
        "--baseline-period",
        parser=_length,
        metavar="LENGTH",
        help="How far back to compare: 12h, 14d, 6w. Default: the problem.",
    ),
]


def plan(
    context: typer.Context,
    name: ProblemName,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="YAML document of the plan; options go before it.")
    ] = None,
    title: Annotated[str, typer.Option(help="What is to be done, in the language of --locale.")] = "",
    owner: Annotated[str, typer.Option(help="A role or team, no person's name.")] = "",
    due: Annotated[datetime | None, typer.Option(help="By when (UTC). Default: in two weeks.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Default: corrective.")] = None,
    cause: Annotated[str, typer.Option(help="Name of the cause it removes. Default: the one that is confirmed.")] = "",
    series: Annotated[str, typer.Option(help="What must change. Default: where the problem shows most clearly.")] = "",
    effect: Annotated[
        float,
        typer.Option(help="Expected change, signed, in its unit. Default: back to the centre.", show_default=False),
    ] = 0.0,
    confidence: Annotated[
        float, typer.Option(help="Of each end of the interval. Default: 0.95.", show_default=False)
    ] = 0.0,
    baseline_period: Back = None,
    windows_min: Annotated[
        int, typer.Option(help="Windows needed after it, at least 4. Default: 8.", show_default=False)
    ] = 0,
    horizon_windows: Annotated[
        int, typer.Option(help="Windows within which to decide. Default: 60.", show_default=False)
    ] = 0,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Plan an action: what it must bring, and how that will be proven, is fixed before it begins."""
    terms = Terms(context.obj, as_json, etag, request_id, validate_only)
    goal = Goal(
        series=series,
        expected_effect=effect,
        confidence=confidence,
        baseline_period=baseline_period,
        windows_min=windows_min,
        horizon_windows=horizon_windows,
    )
    said = Action(title=text_in(terms.locale, title), owner=owner, cause=cause, goal=goal)
    said.kind = ActionKind.Value(f"ACTION_KIND_{kind.name}") if kind else said.kind
    if due:
        said.due_time.CopyFrom(timestamp(due))
    written = given(lambda: load_document(file, Action)) if file else Action()
    if title:
        # Said in one language: what the document says in the other would be another title.
        written.ClearField("title")
    written.MergeFrom(said)
    _plan(terms, name, written)


def _plan(terms: Terms, name: str, wanted: Action) -> None:

    async def work(suite: Suite) -> tuple[Problem, pb.PlanActionResponse]:
        before = await read(suite, name)
        action = completed(wanted, before, datetime.now(UTC).date())
        request = pb.PlanActionRequest(parent=name, action=action)
        return before, await send(suite.improvement.PlanAction, request, before, terms)

    before, answer = run(terms.context, work)
    if terms.as_json:
        emit_json(answer)
        return
    show_move(before, answer.problem, terms, answer.action.name)
