"""`andon survey`: what is asked, who was invited, and what came back."""

from __future__ import annotations

import sys
from datetime import UTC, date
from pathlib import Path
from typing import Annotated

import typer
from andon.ingest.v1 import survey_pb2 as pb

from andon_client.commands.filters import Confidence, Json, Limit, chosen, interval_of, time_option
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.listing import list_invitations, list_surveys, take
from andon_client.presentation.phrases import say
from andon_client.presentation.survey_tables import (
    answers_table,
    dimensions_table,
    invitation_counts_table,
    invitations_table,
    items_table,
    survey_templates_table,
    surveys_table,
)
from andon_client.suite import Suite
from andon_client.survey_templates import survey_templates
from andon_client.terminal import Context, emit, emit_document, emit_json, loaded, run, screen, show_table

Name = Annotated[str, typer.Argument(help="Id of the survey, for example branch-visit; also that of its source.")]


def create(
    context: typer.Context,
    name: Name,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", exists=True, dir_okay=False, help="YAML: the items of the survey.")
    ] = None,
    template: Annotated[
        str, typer.Option("--template", help="A shipped survey instead of a file, see `andon survey templates`.")
    ] = "",
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Create a survey and the source that its responses are written to."""
    options: Context = context.obj
    survey = loaded(options, lambda: load_document(_document(file, template), pb.Survey))
    key = request_key(request_id, validate_only)
    request = pb.CreateSurveyRequest(survey_id=name, survey=survey, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Survey:
        return (await suite.surveys.CreateSurvey(request)).survey

    _show(run(options, work), options, as_json)


def _document(file: Path | None, template: str) -> Path:
    if (file is None) == (not template):
        raise typer.BadParameter("give --file or --template", param_hint="--file")
    if file is not None:
        return file
    shipped = survey_templates()
    if template not in shipped:
        raise typer.BadParameter(f"{template} is not one of {', '.join(shipped)}", param_hint="--template")
    return shipped[template]


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a survey and its items."""
    options: Context = context.obj

    async def work(suite: Suite) -> pb.Survey:
        return (await suite.surveys.GetSurvey(pb.GetSurveyRequest(name=f"surveys/{name}"))).survey

    _show(run(options, work), options, as_json)


def list_all(context: typer.Context, as_json: Json = False) -> None:
    """List all surveys."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[pb.Survey]:
        return [one async for one in list_surveys(suite, pb.ListSurveysRequest())]

    emit(run(options, work), as_json, surveys_table, options.locale)


def templates(context: typer.Context, as_json: Json = False) -> None:
    """List the shipped surveys: CSAT, NPS, CES, SERVQUAL, in English and Chinese."""
    options: Context = context.obj
    found = {name: load_document(path, pb.Survey) for name, path in survey_templates().items()}
    if as_json:
        for name, one in found.items():
            emit_document({"name": name, "title": {"en": one.title.en, "zh": one.title.zh}, "items": len(one.items)})
    else:
        show_table(survey_templates_table(found, options.locale), options.locale)


def invite(
    context: typer.Context,
    name: Name,
    count: Annotated[int, typer.Option("--count", "-c", min=1, help="How many invitations, at most 5,000.")] = 1,
    segment: Annotated[
        str, typer.Option("--segment", help="The part of the sampling frame that they are for, such as branch-7.")
    ] = "",
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Make invitations: ids to hand out, one a line. A response with such an id answers its invitation."""
    options: Context = context.obj
    key = request_key(request_id, validate_only)
    request = pb.CreateInvitationsRequest(
        survey=f"surveys/{name}", count=count, segment=segment, request_id=key, validate_only=validate_only
    )

    async def work(suite: Suite) -> pb.CreateInvitationsResponse:
        return await suite.surveys.CreateInvitations(request)

    made = run(options, work)
    for one in made.ids:
        if as_json:
            emit_document({"id": one, "segment": segment})
        else:
            sys.stdout.write(f"{one}\n")


def invitations(
    context: typer.Context,
    name: Name,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="Only open, answered, undeliverable or refused ones; may be repeated."),
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List invitations and what became of them."""
    options: Context = context.obj
    states = [chosen(pb.InvitationState, one, "--state", is_required=True) for one in state or ()]
    request = pb.ListInvitationsRequest(survey=f"surveys/{name}", states=states, page_size=min(limit, 1_000))

    async def work(suite: Suite) -> list[pb.Invitation]:
        return await take(list_invitations(suite, request), limit)

    emit(run(options, work), as_json, invitations_table, options.locale)


def mark(
    context: typer.Context,
    name: Name,
    ids: Annotated[list[str], typer.Argument(help="Ids of invitations.")],
    state: Annotated[str, typer.Option("--state", help="undeliverable, refused, or open.")],
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Say what became of unanswered invitations. Undeliverable ones do not count in the response rate."""
    options: Context = context.obj
    key = request_key(request_id, validate_only)
    request = pb.UpdateInvitationsRequest(
        survey=f"surveys/{name}",
        ids=ids,
        state=chosen(pb.InvitationState, state, "--state", is_required=True),
        request_id=key,
        validate_only=validate_only,
    )

    async def work(suite: Suite) -> pb.UpdateInvitationsResponse:
        return await suite.surveys.UpdateInvitations(request)

    changed = run(options, work)
    if as_json:
        emit_json(changed)
    else:
        screen.print(say("invitations_marked", options.locale, count=changed.changed_count))


def report(
    context: typer.Context,
    name: Name,
    since: Annotated[date | None, time_option("--since", help="Only responses at or after this time, UTC.")] = None,
    until: Annotated[date | None, time_option("--until", help="Only responses before this time, UTC.")] = None,
    confidence: Confidence = 0.95,
    answers: Annotated[bool, typer.Option("--answers", help="Also how often each answer was given.")] = False,
    as_json: Json = False,
) -> None:
    """Show what came back: response rate, indices with intervals, answers left open, dimensions."""
    options: Context = context.obj
    request = pb.GetSurveyReportRequest(name=f"surveys/{name}", confidence=confidence)
    if since is not None or until is not None:
        request.interval.CopyFrom(interval_of(since, until, UTC))

    async def work(suite: Suite) -> tuple[pb.Survey, pb.SurveyReport]:
        survey = (await suite.surveys.GetSurvey(pb.GetSurveyRequest(name=request.name))).survey
        return survey, (await suite.surveys.GetSurveyReport(request)).report

    survey, found = run(options, work)
    if as_json:
        emit_json(found)
        return
    locale = options.locale
    counts = {"count": found.responses, "uninvited": found.uninvited_responses, "confidence": 100 * found.confidence}
    screen.print(say("survey_responses", locale, **counts), soft_wrap=True, highlight=False)
    if survey.frame_size:
        invited = found.invitations.invited
        screen.print(say("survey_frame", locale, invited=invited, size=survey.frame_size), highlight=False)
    show_table(invitation_counts_table(found, locale), locale)
    show_table(items_table(survey, found, locale), locale)
    if found.dimensions:
        show_table(dimensions_table(found, locale), locale)
    if answers:
        show_table(answers_table(found, locale), locale)


def _show(survey: pb.Survey, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(survey)
        return
    emit([survey], False, surveys_table, options.locale)
    show_table(items_table(survey, None, options.locale), options.locale)
