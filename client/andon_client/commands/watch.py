"""`andon watch`: scores, signals or problems as they change, over breaks and restarts."""

from __future__ import annotations

import enum
import sys
from collections.abc import AsyncIterable, Callable
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from andon.improvement.v1 import improvement_pb2
from andon.scoring.v1 import scoring_pb2
from google.protobuf import json_format

from andon_client.commands.filters import Indicator, Json, Width, series_filter
from andon_client.commands.problems import problem_row
from andon_client.commands.signals import signal_row
from andon_client.follow import Journal, follow
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, notes, number, optional, run, screen, span


class What(enum.StrEnum):
    SCORES = "scores"
    SIGNALS = "signals"
    PROBLEMS = "problems"


def watch(
    context: typer.Context,
    what: Annotated[What, typer.Argument(help="What to watch.")] = What.SIGNALS,
    indicator: Indicator = None,
    window: Width = "",
    after: Annotated[str, typer.Option(help="Cursor to go on from. Empty: from now.")] = "",
    snapshot: Annotated[bool, typer.Option("--snapshot", help="Begin with what there is now.")] = False,
    journal: Annotated[
        Path | None,
        typer.Option(help="Append to this file and go on where it ends: nothing is missed or written twice."),
    ] = None,
    count: Annotated[int, typer.Option(help="Stop after so many changes. 0: never.")] = 0,
    as_json: Json = False,
) -> None:
    """Follow changes until Ctrl-C. Survives restarts of either side."""
    options: Context = context.obj

    async def work(suite: Suite) -> None:
        record = Journal(journal) if journal else None
        start = (record.through if record else "") or after
        open_stream = _opener(suite, what, indicator, window, snapshot and not start)
        seen, breaks = 0, Breaks()
        async for response in follow(open_stream, start, on_break=breaks.tell):
            breaks.over()
            items = list(getattr(response, what.value))
            if record is not None and (items or response.through != record.through):
                record.append([json_format.MessageToDict(item) for item in items], response.through)
            for item in items:
                _show(what, item, options, as_json)
            # Whoever reads at the other end of a pipe wants each change when it comes.
            sys.stdout.flush()
            seen += len(items)
            if count and seen >= count:
                return

    run(options, work)


class Breaks:
    """Said once each, however many tries a break takes to mend."""

    def __init__(self) -> None:
        self._told = False

    def tell(self, error: grpc.aio.AioRpcError) -> None:
        if not self._told:
            notes.print(f"[yellow]{error.code().name}: nobody answers; following on as soon as somebody does[/]")
        self._told = True

    def over(self) -> None:
        self._told = False


def _opener(
    suite: Suite, what: What, indicators: list[str] | None, window: str, snapshot: bool
) -> Callable[[str], AsyncIterable[Any]]:
    if what is What.PROBLEMS:
        wanted = improvement_pb2.ProblemFilter(indicators=indicators or [])
        return lambda after: suite.improvement.WatchProblems(
            improvement_pb2.WatchProblemsRequest(filter=wanted, after=after, snapshot=snapshot and not after)
        )
    series = series_filter(indicators, window)
    if what is What.SCORES:
        return lambda after: suite.scoring.WatchScores(
            scoring_pb2.WatchScoresRequest(filter=series, after=after, snapshot=snapshot and not after)
        )
    return lambda after: suite.scoring.WatchSignals(
        scoring_pb2.WatchSignalsRequest(filter=series, after=after, snapshot=snapshot and not after)
    )


def _show(what: What, item: Any, context: Context, as_json: bool) -> None:
    if as_json:
        emit_json(item)
    elif what is What.SCORES:
        value = number(optional(item, "value"))
        line = f"{span(item.interval)}  {item.series}  {value}  n={item.count:,}  revision {item.revision}"
        screen.print(line, markup=False)
    else:
        row = problem_row(item, context.locale) if what is What.PROBLEMS else signal_row(item)
        screen.print("  ".join(row), markup=False)
