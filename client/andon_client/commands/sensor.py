"""`andon sensor`: what sensors measure, their readings, and an indicator system that charts them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml
from andon.ingest.v1 import sensor_pb2 as pb

from andon_client.commands.filters import Json
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.listing import list_sensor_sources
from andon_client.presentation.phrases import say
from andon_client.presentation.sensor_tables import quantities_table, refused_table, sensor_sources_table
from andon_client.readings import MalformedReadings, readings_in, write_readings
from andon_client.sensor_system import system_document
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_document, emit_json, fail, loaded, run, screen, show_table

Name = Annotated[str, typer.Argument(help="Id of the sensors, for example cold-store; also that of their source.")]
File = Annotated[
    Path,
    typer.Option("--file", "-f", exists=True, dir_okay=False, help="YAML: quantities and period of the sensors."),
]
REFUSED = 2


def create(
    context: typer.Context,
    name: Name,
    file: File,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Declare sensors and the source of their statistics."""
    options: Context = context.obj
    one = loaded(options, lambda: load_document(file, pb.SensorSource))
    key = request_key(request_id, validate_only)
    request = pb.CreateSensorSourceRequest(
        sensor_source_id=name, sensor_source=one, request_id=key, validate_only=validate_only
    )

    async def work(suite: Suite) -> pb.SensorSource:
        return (await suite.sensors.CreateSensorSource(request)).sensor_source

    _show(run(options, work), options, as_json)


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show what sensors measure."""
    options: Context = context.obj
    _show(run(options, lambda suite: _sensors(suite, name)), options, as_json)


def list_all(context: typer.Context, as_json: Json = False) -> None:
    """List all sensors."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[pb.SensorSource]:
        return [one async for one in list_sensor_sources(suite, pb.ListSensorSourcesRequest())]

    emit(run(options, work), as_json, sensor_sources_table, options.locale)


def write(
    context: typer.Context,
    name: Name,
    readings: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="CSV or Parquet with sensor, quantity, time, value."),
    ],
    as_json: Json = False,
) -> None:
    """Write the readings of a file as statistics. Writing the same file again changes nothing."""
    options: Context = context.obj
    try:
        batches = readings_in(readings)
    except MalformedReadings as error:
        fail(error.text(options.locale), options.locale)
    found = run(options, lambda suite: write_readings(suite, f"sensorSources/{name}", batches))
    if as_json:
        emit_json(found)
    else:
        refused = sum(one.count for one in found.refused)
        counts = {"received": found.received, "accepted": found.accepted, "duplicate": found.duplicate}
        line = say("readings_written", options.locale, refused=refused, events=found.event_count, **counts)
        screen.print(line, highlight=False)
        if found.refused:
            show_table(refused_table(found.refused, options.locale), options.locale)
    if found.refused:
        raise typer.Exit(REFUSED)


def system(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Print an indicator system that scores and charts every quantity, to be edited and applied."""
    options: Context = context.obj
    document = system_document(run(options, lambda suite: _sensors(suite, name)))
    if as_json:
        emit_document(document)
    else:
        sys.stdout.write(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120))


async def _sensors(suite: Suite, name: str) -> pb.SensorSource:
    found = await suite.sensors.GetSensorSource(pb.GetSensorSourceRequest(name=f"sensorSources/{name}"))
    return found.sensor_source


def _show(one: pb.SensorSource, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(one)
        return
    emit([one], False, sensor_sources_table, options.locale)
    show_table(quantities_table(one, options.locale), options.locale)
