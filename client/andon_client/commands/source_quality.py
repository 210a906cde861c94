"""`andon source quality` and `activity`: how good the data of sources is, and which of them are silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from typing import Annotated

import typer
from andon.ingest.v1 import data_quality_pb2

from andon_client.commands.filters import Json, interval_of, time_option
from andon_client.figure import Trace, figure
from andon_client.listing import list_data_quality, list_source_activity
from andon_client.presentation.formats import short
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import data_quality_table, source_activity_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, run, screen

MARKERS = ("braille", "c", "v", "u", "x")


def quality(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Id of a source. Default: all.")] = "",
    since: Annotated[date | None, time_option("--since", help="Days from this date on.")] = None,
    until: Annotated[date | None, time_option("--until", help="Days before this date.")] = None,
    chart: Annotated[
        bool, typer.Option("--chart", help="Draw the shares of one source over its days instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show how good the data of sources is, day by day: complete, valid, unique, timely, consistent."""
    options: Context = context.obj
    if chart and not name:
        raise typer.BadParameter("needs the id of a source", param_hint="--chart")
    request = data_quality_pb2.GetDataQualityRequest(
        sources=[name] if name else [], interval=interval_of(since, until, UTC)
    )

    async def work(suite: Suite) -> list[data_quality_pb2.DataQuality]:
        return [one async for one in list_data_quality(suite, request)]

    days = run(options, work)
    if chart and days and not as_json:
        screen.print(_figure(name, days, screen.width, options.locale), highlight=False, markup=False)
    else:
        emit(days, as_json, data_quality_table, options.locale)


def activity(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Id of a source. Default: all.")] = "",
    as_json: Json = False,
) -> None:
    """Show when sources delivered last, when the next events are due, and which sources are silent."""
    options: Context = context.obj
    request = data_quality_pb2.ListSourceActivityRequest(sources=[name] if name else [])

    async def work(suite: Suite) -> list[data_quality_pb2.SourceActivity]:
        return [one async for one in list_source_activity(suite, request)]

    emit(run(options, work), as_json, source_activity_table, options.locale)


def _figure(name: str, days: Sequence[data_quality_pb2.DataQuality], width: int, locale: str) -> str:
    points: dict[str, list[tuple[int, float]]] = {}
    for at, day in enumerate(days):
        for one in day.dimensions:
            if one.HasField("share"):
                dimension = short(data_quality_pb2.DataQualityDimension, one.dimension)
                points.setdefault(dimension, []).append((at, one.share))
    traces = [
        Trace(say(f"column_{dimension}", locale), marker, values)
        for (dimension, values), marker in zip(points.items(), MARKERS, strict=False)
    ]
    title = say("data_quality_of", locale, source=name)
    return figure(title, traces, [f"{day.interval.start.ToDatetime():%Y-%m-%d}" for day in days], width)
