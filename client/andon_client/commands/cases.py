"""`andon cases`: open cases by the time that is left to their targets."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Annotated

import typer
from andon.scoring.v1 import process_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from andon_client.commands.backtest import SystemName, system_name
from andon_client.commands.filters import Indicator, Json, Limit, time_of
from andon_client.commands.watch import Disconnects
from andon_client.follow import follow
from andon_client.listing import read_notation
from andon_client.moments import MalformedLength, length, timestamp
from andon_client.presentation.case_tables import change_line, open_cases_table
from andon_client.presentation.notation import system_of
from andon_client.presentation.phrases import say
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, notes, run, screen

PAGE = 1_000
NOW = "now"


def cases(
    context: typer.Context,
    system: SystemName,
    indicator: Indicator = None,
    value: Annotated[
        list[str] | None, typer.Option("--slice", help="Only cases with this value: DIMENSION=VALUE; may be repeated.")
    ] = None,
    left: Annotated[
        str, typer.Option("--left", help="Only with at most so much time left: 2h, 1d; 0h: only late ones.")
    ] = "",
    at: Annotated[
        str,
        typer.Option(
            "--at",
            help="The moment that is spoken of: a time in the zone of the system, or now. Default: its latest events.",
        ),
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Then show every change, until Ctrl-C.")] = False,
    count: Annotated[int, typer.Option(help="Stop after this many changes. 0: never.")] = 0,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List open cases by the time left to their targets, overdue first."""
    options: Context = context.obj
    wanted = pb.OpenCaseFilter(indicators=indicator or [], slice=_slice(value or []))
    most = _length(left) if left else None

    async def work(suite: Suite) -> None:
        name = system_name(system)
        key = system_of(name.removeprefix("processes/").replace("/indicatorSystems", ""))
        zone = (await read_notation(suite, [key])).zone(key)
        request = pb.ListOpenCasesRequest(
            name=name, filter=wanted, time_left_max=most, as_of=_moment(at, zone), page_size=min(limit, PAGE)
        )
        first = await suite.process.ListOpenCases(request)
        found, page = list(first.cases), first
        while len(found) < limit and page.next_page_token:
            request.page_token = page.next_page_token
            page = await suite.process.ListOpenCases(request)
            found += page.cases
        if not as_json and not first.indicators:
            notes.print(say("no_case_targets", options.locale), markup=False)
        emit(found[:limit], as_json, partial(open_cases_table, first=first, zone=zone), options.locale)
        if watch:
            await _watch(suite, pb.WatchOpenCasesRequest(name=name, filter=wanted), first.through, zone)

    async def _watch(suite: Suite, request: pb.WatchOpenCasesRequest, start: str, zone: tzinfo) -> None:
        breaks, seen = Disconnects(options.locale), 0

        def opened(after: str) -> AsyncIterable[pb.WatchOpenCasesResponse]:
            request.after = after
            return suite.process.WatchOpenCases(request)

        async for response in follow(opened, start, on_break=breaks.report):
            breaks.over()
            for change in response.changes:
                if as_json:
                    emit_json(change)
                else:
                    screen.print(change_line(change, options.locale, zone), markup=False)
            # A reader at the other end of a pipe needs each change at once.
            sys.stdout.flush()
            seen += len(response.changes)
            if count and seen >= count:
                return

    run(options, work)


def _slice(pairs: Sequence[str]) -> dict[str, str]:
    values = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(name and value for name, value in values.items()):
        raise typer.BadParameter("must be DIMENSION=VALUE, for example team=B", param_hint="--slice")
    return values


def _length(text: str) -> Duration:
    try:
        return length(text)
    except MalformedLength as error:
        raise typer.BadParameter(str(error), param_hint="--left") from error


def _moment(text: str, zone: tzinfo) -> Timestamp | None:
    if not text:
        return None
    return timestamp(datetime.now(UTC), zone) if text == NOW else timestamp(time_of(text), zone)
