"""`andon form`: what observers grade, what is planned to be observed, and how far they agree."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from andon.ingest.v1 import form_pb2 as pb
from andon.ingest.v1 import record_pb2

from andon_client.commands.filters import Confidence, Json, interval_of, time_option
from andon_client.commands.source import REFUSED, write_batch
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.form_templates import form_templates
from andon_client.listing import list_forms, zone_named
from andon_client.presentation.form_tables import (
    coverage_table,
    form_items_table,
    form_templates_table,
    forms_table,
    grades_table,
    objects_table,
    planned_table,
    raters_table,
    rubric_table,
)
from andon_client.presentation.formats import refusal_name
from andon_client.presentation.phrases import say
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_document, emit_json, loaded, run, screen, show_table

Name = Annotated[str, typer.Argument(help="Id of the form, for example room-check; also that of its source.")]


def create(
    context: typer.Context,
    name: Name,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", exists=True, dir_okay=False, help="YAML: items with their grades, and the plan."),
    ] = None,
    template: Annotated[
        str, typer.Option("--template", help="A shipped form instead of a file, see `andon form templates`.")
    ] = "",
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Create a form and the source that its observations are written to."""
    options: Context = context.obj
    form = loaded(options, lambda: load_document(_document(file, template), pb.ObservationForm))
    key = request_key(request_id, validate_only)
    request = pb.CreateFormRequest(form_id=name, form=form, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.ObservationForm:
        return (await suite.forms.CreateForm(request)).form

    _show(run(options, work), options, as_json)


def _document(file: Path | None, template: str) -> Path:
    if (file is None) == (not template):
        raise typer.BadParameter("give --file or --template", param_hint="--file")
    if file is not None:
        return file
    shipped = form_templates()
    if template not in shipped:
        raise typer.BadParameter(f"{template} is not one of {', '.join(shipped)}", param_hint="--template")
    return shipped[template]


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a form, its items and what each grade means."""
    options: Context = context.obj

    async def work(suite: Suite) -> pb.ObservationForm:
        return await _form(suite, name)

    _show(run(options, work), options, as_json)


def list_all(context: typer.Context, as_json: Json = False) -> None:
    """List all forms."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[pb.ObservationForm]:
        return [one async for one in list_forms(suite, pb.ListFormsRequest())]

    emit(run(options, work), as_json, forms_table, options.locale)


def templates(context: typer.Context, as_json: Json = False) -> None:
    """List the shipped forms: hotel room, counter, phone call, clinic, in English and Chinese."""
    options: Context = context.obj
    found = {name: load_document(path, pb.ObservationForm) for name, path in form_templates().items()}
    if as_json:
        for name, one in found.items():
            emit_document({"name": name, "title": {"en": one.title.en, "zh": one.title.zh}, "items": len(one.items)})
    else:
        show_table(form_templates_table(found, options.locale), options.locale)


def plan(
    context: typer.Context,
    name: Name,
    since: Annotated[date | None, time_option("--since", help="Only shifts that begin at or after this time.")] = None,
    until: Annotated[date | None, time_option("--until", help="Only shifts that begin before this time.")] = None,
    as_json: Json = False,
) -> None:
    """List what is planned to be observed, and what became of it. Default: the next 7 days."""
    options: Context = context.obj
    request = pb.ListPlannedObservationsRequest(form=f"forms/{name}")

    async def work(suite: Suite) -> tuple[pb.ObservationForm, list[pb.PlannedObservation]]:
        form = await _form(suite, name)
        if since is not None or until is not None:
            request.interval.CopyFrom(interval_of(since, until, form_zone(form)))
        return form, list((await suite.forms.ListPlannedObservations(request)).observations)

    form, found = run(options, work)
    if not as_json and not form.HasField("plan"):
        screen.print(say("form_without_plan", options.locale, name=form.name), markup=False)
        return
    emit(found, as_json, lambda some, locale: planned_table(some, locale, form_zone(form)), options.locale)


def record(
    context: typer.Context,
    name: Name,
    rater: Annotated[str, typer.Option("--rater", help="Who observed; stored as a pseudonym.")],
    observed: Annotated[str, typer.Option("--object", help="What was observed; of a person stored as a pseudonym.")],
    grades: Annotated[
        list[str] | None,
        typer.Option("--grade", "-g", help="An item and its grade or words, for example bed=3; may be repeated."),
    ] = None,
    place: Annotated[str, typer.Option("--place", help="Where it was observed.")] = "",
    case: Annotated[
        str,
        typer.Option("--case", help="The thing that is observed: the same for all who observe it. Default: its own."),
    ] = "",
    at: Annotated[date | None, time_option("--at", help="When it was observed. Default: now.")] = None,
    observation_id: Annotated[
        str, typer.Option("--id", help="Id of the observation: the same one again is a duplicate. Default: random.")
    ] = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Record one observation. Many at once: `andon source write`."""
    options: Context = context.obj
    given = dict(_pair(one) for one in grades or ())
    when = at if at is not None else datetime.now(UTC)

    async def work(suite: Suite) -> record_pb2.WriteRecordsResponse:
        form = await _form(suite, name)
        moment = interval_of(when, None, form_zone(form)).start.ToJsonString()
        named = {"rater": rater, "object": observed, "place": place, "case_id": case}
        written = {"id": observation_id or str(uuid.uuid4()), "time": moment, **given}
        document = {**written, **{key: value for key, value in named.items() if value}}
        return await write_batch(suite, form.source, [json.dumps(document).encode()], validate_only)

    answer = run(options, work)
    if as_json:
        emit_json(answer)
    else:
        phrase = "observation_known" if answer.duplicate else "observation_recorded"
        if answer.accepted or answer.duplicate:
            screen.print(say(phrase, options.locale), markup=False)
        for one in answer.rejections:
            text = f"{one.field}: {one.message} ({refusal_name(one.reason)})"
            screen.print(text, markup=False, highlight=False, soft_wrap=True)
    if answer.quarantined:
        raise typer.Exit(REFUSED)


def _pair(given: str) -> tuple[str, str]:
    item, mark, grade = given.partition("=")
    if not mark or not item or not grade:
        raise typer.BadParameter(f"{given} is not item=grade", param_hint="--grade")
    return item, grade


def report(
    context: typer.Context,
    name: Name,
    since: Annotated[date | None, time_option("--since", help="Only observations at or after this time.")] = None,
    until: Annotated[date | None, time_option("--until", help="Only observations before this time.")] = None,
    confidence: Confidence = 0.95,
    grades: Annotated[bool, typer.Option("--grades", help="Also how often each grade was given.")] = False,
    as_json: Json = False,
) -> None:
    """Show what was observed: means, agreement of the raters, leniency, objects, coverage of the plan."""
    options: Context = context.obj
    request = pb.GetFormReportRequest(name=f"forms/{name}", confidence=confidence)

    async def work(suite: Suite) -> tuple[pb.ObservationForm, pb.FormReport]:
        form = await _form(suite, name)
        if since is not None or until is not None:
            request.interval.CopyFrom(interval_of(since, until, form_zone(form)))
        return form, (await suite.forms.GetFormReport(request)).report

    form, found = run(options, work)
    if as_json:
        emit_json(found)
        return
    locale = options.locale
    counts = {"count": found.observations, "raters": found.rater_count, "confidence": 100 * found.confidence}
    screen.print(say("form_observations", locale, **counts), soft_wrap=True, highlight=False)
    show_table(form_items_table(form, found, locale), locale)
    if found.HasField("coverage"):
        show_table(coverage_table(found, locale), locale)
    show_table(objects_table(found, locale), locale)
    show_table(raters_table(found, locale), locale)
    if grades:
        show_table(grades_table(form, found, locale), locale)


async def _form(suite: Suite, name: str) -> pb.ObservationForm:
    return (await suite.forms.GetForm(pb.GetFormRequest(name=f"forms/{name}"))).form


def form_zone(form: pb.ObservationForm) -> Any:
    """Of its plan: UTC where it has none, or one that this machine does not know."""
    return zone_named(form.plan.time_zone)


def _show(form: pb.ObservationForm, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(form)
        return
    emit([form], False, forms_table, options.locale)
    show_table(rubric_table(form, options.locale), options.locale)
