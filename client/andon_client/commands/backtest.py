"""`andon backtest`: what a version would have alarmed on, before it is activated."""

from __future__ import annotations

import asyncio
from datetime import date, tzinfo
from pathlib import Path
from typing import Annotated

import typer
from andon.scoring.v1 import indicator_system_pb2
from andon.scoring.v1 import system_review_pb2 as pb

from andon_client.commands.filters import Json, Limit, interval_of, time_of, time_option
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.listing import list_backtests, read_notation, take
from andon_client.moments import MalformedLength, length
from andon_client.presentation.formats import localised
from andon_client.presentation.phrases import named, say
from andon_client.presentation.review_tables import alarms_table, backtests_table, incidents_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, loaded, notes, run, screen, show_table

POLL_S = 0.5
ENDED = (pb.Backtest.STATE_DONE, pb.Backtest.STATE_FAILED, pb.Backtest.STATE_CANCELLED)

SystemName = Annotated[str, typer.Argument(help="The system as process/system, for example desk/main.")]
Name = Annotated[str, typer.Argument(help="Name of the back-test: backtests/...")]


def system_name(given: str) -> str:
    """ "desk/main" -> "processes/desk/indicatorSystems/main"."""
    process, _, system = given.partition("/")
    return given if given.startswith("processes/") else f"processes/{process}/indicatorSystems/{system or 'main'}"


def create(
    context: typer.Context,
    system: SystemName,
    version: Annotated[int, typer.Option("--version", min=0, help="Version. Default: the newest.")] = 0,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="A document instead of a version.")
    ] = None,
    since: Annotated[
        date | None, time_option("--since", help="Windows that end after this time. Default: the last 90 days.")
    ] = None,
    until: Annotated[date | None, time_option("--until", help="Windows that end at or before this time.")] = None,
    incident: Annotated[
        list[str] | None,
        typer.Option(
            "--incident", help="TIME=TITLE or TIME/TIME=TITLE, what alarms should have found; may be repeated."
        ),
    ] = None,
    catch_within: Annotated[
        str, typer.Option("--catch-within", help="An alarm so long after an incident's end still counts: 12h, 7d.")
    ] = "0s",
    background: Annotated[bool, typer.Option("--background", help="Do not wait for the report.")] = False,
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Say which alarms a version would have raised: when, on which series, and which incidents it would have caught."""
    options: Context = context.obj
    name = system_name(system)
    document = None
    if file is not None:
        path = file
        document = loaded(options, lambda: load_document(path, indicator_system_pb2.IndicatorSystemSpec))
    try:
        within = length(catch_within)
    except MalformedLength as error:
        raise typer.BadParameter(str(error), param_hint="--catch-within") from error
    request = pb.CreateBacktestRequest(
        name=name,
        version=version,
        document=document,
        catch_within=within,
        request_id=request_key(request_id, validate_only),
        validate_only=validate_only,
    )
    marked = [_incident(one) for one in incident or ()]

    async def work(suite: Suite) -> tuple[pb.Backtest, tzinfo]:
        zone = (await read_notation(suite, [system])).zone(system)
        request.interval.CopyFrom(interval_of(since, until, zone))
        for title, start, end in marked:
            request.incidents.add(title=title, interval=interval_of(start, end, zone))
        made = (await suite.system_review.CreateBacktest(request)).backtest
        if validate_only or background:
            return made, zone
        return await _ended(suite, made, options), zone

    found, zone = run(options, work)
    _show(found, zone, options, as_json)
    if found.state == pb.Backtest.STATE_FAILED:
        raise typer.Exit(1)


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a back-test: its progress, or its report."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[pb.Backtest, tzinfo]:
        found = (await suite.system_review.GetBacktest(pb.GetBacktestRequest(name=name))).backtest
        key = found.indicator_system.removeprefix("processes/").replace("/indicatorSystems/", "/")
        return found, (await read_notation(suite, [key])).zone(key)

    found, zone = run(options, work)
    _show(found, zone, options, as_json)


def list_all(context: typer.Context, limit: Limit = 50, as_json: Json = False) -> None:
    """List back-tests, newest first."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[pb.Backtest]:
        return await take(list_backtests(suite, pb.ListBacktestsRequest()), limit)

    emit(run(options, work), as_json, backtests_table, options.locale)


def cancel(
    context: typer.Context,
    name: Name,
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """End a back-test that waits or runs."""
    options: Context = context.obj
    key = request_key(request_id, validate_only)
    request = pb.CancelBacktestRequest(name=name, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Backtest:
        return (await suite.system_review.CancelBacktest(request)).backtest

    emit([run(options, work)], as_json, backtests_table, options.locale)


def _incident(given: str) -> tuple[str, date, date | None]:
    """ "2026-03-01/2026-03-04=Printer down" -> title, start, end."""
    times, mark, title = given.partition("=")
    if not mark:
        raise typer.BadParameter("must be TIME=TITLE or TIME/TIME=TITLE", param_hint="--incident")
    start, _, end = times.partition("/")
    return title, time_of(start), time_of(end) if end else None


async def _ended(suite: Suite, made: pb.Backtest, options: Context) -> pb.Backtest:
    """Waits, and shows how far it is where a person looks on."""
    with notes.status("", spinner="line") as status:
        while made.state not in ENDED:
            status.update(
                say("backtest_progress", options.locale, percent=100 * made.progress, events=made.event_count)
            )
            await asyncio.sleep(POLL_S)
            made = (await suite.system_review.GetBacktest(pb.GetBacktestRequest(name=made.name))).backtest
    return made


def _show(found: pb.Backtest, zone: tzinfo, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(found)
        return
    locale, report = options.locale, found.report
    state = named(pb.Backtest.State, found.state, locale)
    head = say("backtest_head", locale, name=found.name, system=found.indicator_system, state=state)
    screen.print(head, markup=False, highlight=False)
    if found.HasField("error"):
        screen.print(localised(found.error, locale), markup=False, highlight=False)
    if not found.HasField("report"):
        return
    screen.print(localised(report.summary, locale), markup=False, highlight=False)
    if report.HasField("active_alarm_count"):
        screen.print(say("backtest_active", locale, count=report.active_alarm_count), highlight=False)
    show_table(alarms_table(report.series, locale, zone), locale)
    if report.incidents:
        show_table(incidents_table(report.incidents, locale, zone), locale)
        screen.print(say("backtest_unmatched", locale, count=report.unmatched_alarm_count), highlight=False)
