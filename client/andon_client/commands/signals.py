"""`andon signals`: out-of-control signals of the control charts."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from andon.scoring.v1 import score_pb2, scoring_pb2

from andon_client.commands.filters import (
    Indicator,
    Json,
    Limit,
    Overall,
    Process,
    Since,
    System,
    Until,
    Width,
    list_interval,
    series_filter,
)
from andon_client.listing import largest, list_signals, read_notation
from andon_client.presentation.notation import Notation
from andon_client.presentation.tables import signals_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, run


def signals(
    context: typer.Context,
    indicator: Indicator = None,
    window: Width = "",
    overall: Overall = False,
    process: Process = "",
    system: System = "",
    retracted: Annotated[bool, typer.Option("--retracted", help="Include retracted signals.")] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """List out-of-control signals, newest first, each with its rule, control limits and in-control ARL."""
    options: Context = context.obj
    wanted = series_filter(options.locale, indicator, window, "", overall, process, system)

    async def work(suite: Suite) -> tuple[list[score_pb2.Signal], Notation]:
        interval = await list_interval(suite, wanted, since, until)
        request = scoring_pb2.ListSignalsRequest(filter=wanted, interval=interval, include_retracted=retracted)
        found = await largest(list_signals(suite, request), limit, _recency)
        return found, await read_notation(suite, [signal.series for signal in found])

    found, notation = run(options, work)
    emit(found, as_json, partial(signals_table, notation=notation), options.locale)


def _recency(signal: score_pb2.Signal) -> tuple[int, int, str]:
    return signal.interval.end.seconds, signal.signal_time.ToNanoseconds(), signal.name
