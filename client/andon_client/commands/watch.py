"""`andon watch`: changes of scores, signals or problems, across disconnects and restarts."""

from __future__ import annotations

import enum
import sys
from collections.abc import AsyncIterable, Callable
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon.scoring.v1 import scoring_pb2
from google.protobuf import json_format

from andon_client.commands.filters import Indicator, Json, Process, System, Width, series_filter
from andon_client.follow import Journal, follow
from andon_client.listing import shown_notation
from andon_client.presentation.formats import number, optional, span
from andon_client.presentation.notation import Notation, system_of
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import cases_text, problem_row, problem_system, signal_row
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, notes, run, screen


class WatchedKind(enum.StrEnum):
    SCORES = "scores"
    SIGNALS = "signals"
    PROBLEMS = "problems"


def watch(
    context: typer.Context,
    what: Annotated[WatchedKind, typer.Argument(help="Resource to watch.")] = WatchedKind.SIGNALS,
    indicator: Indicator = None,
    window: Width = "",
    process: Process = "",
    system: System = "",
    after: Annotated[str, typer.Option(help="Cursor to resume after. Default: from now.")] = "",
    snapshot: Annotated[bool, typer.Option("--snapshot", help="Send the current items first.")] = False,
    journal: Annotated[
        Path | None,
        typer.Option(help="Append to this JSON Lines file and resume from it: exactly once."),
    ] = None,
    count: Annotated[int, typer.Option(help="Stop after this many changes. 0: never.")] = 0,
    as_json: Json = False,
) -> None:
    """Watch changes until Ctrl-C; resumes after disconnects and restarts."""
    options: Context = context.obj

    async def work(suite: Suite) -> None:
        record = Journal(journal) if journal else None
        start = (record.through if record else "") or after
        series = series_filter(options.locale, indicator, window, process=process, system=system)
        open_stream = _opener(suite, what, series, snapshot and not start)
        seen, breaks, notation = 0, Disconnects(options.locale), Notation()
        async for response in follow(open_stream, start, on_break=breaks.report):
            breaks.over()
            items = list(getattr(response, what.value))
            if record is not None and (items or response.through != record.through):
                record.append([json_format.MessageToDict(item) for item in items], response.through)
            unseen = {system_of(_key(item)) for item in items} - notation.zones.keys()
            if unseen and not as_json:
                more = await shown_notation(suite, unseen)
                notation = Notation({**notation.zones, **more.zones}, {**notation.units, **more.units})
            for item in items:
                _show(what, item, options, as_json, notation)
            # A reader at the other end of a pipe needs each change at once.
            sys.stdout.flush()
            seen += len(items)
            if count and seen >= count:
                return

    run(options, work)


class Disconnects:
    """Reported once each, however many attempts a reconnect takes."""

    def __init__(self, locale: str) -> None:
        self._locale = locale
        self._reported = False

    def report(self, error: grpc.aio.AioRpcError) -> None:
        if not self._reported:
            notes.print(say("connection_lost", self._locale, code=error.code().name), style="yellow", markup=False)
        self._reported = True

    def over(self) -> None:
        self._reported = False


def _opener(
    suite: Suite, what: WatchedKind, series: scoring_pb2.SeriesFilter, snapshot: bool
) -> Callable[[str], AsyncIterable[Any]]:
    if what is WatchedKind.PROBLEMS:
        wanted = improvement_pb2.ProblemFilter(
            process=series.process, system=series.system, indicators=series.indicators
        )
        return lambda after: suite.improvement.WatchProblems(
            improvement_pb2.WatchProblemsRequest(filter=wanted, after=after, snapshot=snapshot and not after)
        )
    if what is WatchedKind.SCORES:
        return lambda after: suite.scoring.WatchScores(
            scoring_pb2.WatchScoresRequest(filter=series, after=after, snapshot=snapshot and not after)
        )
    return lambda after: suite.scoring.WatchSignals(
        scoring_pb2.WatchSignalsRequest(filter=series, after=after, snapshot=snapshot and not after)
    )


def _key(item: Any) -> str:
    return problem_system(item) if isinstance(item, problem_pb2.Problem) else str(item.series)


def _show(what: WatchedKind, item: Any, context: Context, as_json: bool, notation: Notation) -> None:
    zone = notation.zone(_key(item))
    if as_json:
        emit_json(item)
    elif what is WatchedKind.SCORES:
        value = number(optional(item, "value"))
        words = {"window": span(item.interval, context.locale, zone), "zone": zone, "series": item.series}
        cases = cases_text(item, context.locale)
        line = say("watched_score", context.locale, **words, value=value, cases=cases, revision=item.revision)
        screen.print(line, markup=False)
    else:
        row = (problem_row if what is WatchedKind.PROBLEMS else signal_row)(item, context.locale, notation)
        screen.print("  ".join((*(cell.text for cell in row), str(zone))), markup=False)
