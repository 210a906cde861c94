"""`andon annotation`: notes pinned to a time of a series, an indicator, a system or a process."""

from __future__ import annotations

from datetime import date, tzinfo
from functools import partial
from typing import Annotated

import typer
from andon.scoring.v1 import overview_pb2 as pb

from andon_client.commands.filters import Json, Limit, chosen, interval_of, time_option
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.listing import list_annotations, read_notation, take
from andon_client.presentation.notation import system_of
from andon_client.presentation.overview_tables import annotations_table
from andon_client.presentation.phrases import say, text_in
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, run, screen

Scope = Annotated[
    str, typer.Argument(help="Key of a series, or process/system/indicator, process/system or process alone.")
]


async def zone_of_scope(suite: Suite, scope: str) -> tzinfo:
    """Of the system that a scope lies in; UTC for a process."""
    return (await read_notation(suite, [scope] if "/" in scope else [])).zone(scope)


def create(
    context: typer.Context,
    scope: Scope,
    text: Annotated[str, typer.Option("--text", help="What happened.")],
    at: Annotated[date, time_option("--at", help="When it began, in the zone of the system.")],
    until: Annotated[date | None, time_option("--until", help="When it ended. Default: an instant.")] = None,
    kind: Annotated[str, typer.Option("--kind", help="note, change, incident or maintenance.")] = "note",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Pin a note to a time: charts and overviews of every series within the scope show it."""
    options: Context = context.obj
    note = pb.Annotation(
        scope=scope,
        text=text_in(options.locale, text),
        kind=chosen(pb.Annotation.Kind, kind, "--kind"),
    )
    request = pb.CreateAnnotationRequest(
        annotation=note, request_id=request_key(request_id, validate_only), validate_only=validate_only
    )

    async def work(suite: Suite) -> tuple[pb.Annotation, tzinfo]:
        zone = await zone_of_scope(suite, scope)
        request.annotation.interval.CopyFrom(interval_of(at, until, zone))
        return (await suite.overview.CreateAnnotation(request)).annotation, zone

    made, zone = run(options, work)
    emit([made], as_json, partial(annotations_table, zone=zone), options.locale)


def list_all(
    context: typer.Context,
    scope: Annotated[str, typer.Argument(help="What is shown on this series, indicator, system or process.")] = "",
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List notes, by scope and time."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[list[pb.Annotation], tzinfo]:
        request = pb.ListAnnotationsRequest(scope=scope)
        found = await take(list_annotations(suite, request), limit)
        systems = [system_of(one.scope) for one in found if "/" in one.scope]
        return found, (await read_notation(suite, systems)).only_zone

    found, zone = run(options, work)
    emit(found, as_json, partial(annotations_table, zone=zone), options.locale)


def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the note: annotations/...")],
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Remove a note for good."""
    options: Context = context.obj
    key = request_key(request_id, validate_only)
    request = pb.DeleteAnnotationRequest(name=name, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.DeleteAnnotationResponse:
        return await suite.overview.DeleteAnnotation(request)

    done = run(options, work)
    if as_json:
        emit_json(done)
    else:
        screen.print(say("annotation_deleted", options.locale, name=name), markup=False)
