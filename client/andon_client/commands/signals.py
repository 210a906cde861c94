"""`andon signals`: out-of-control signals of the control charts."""

from __future__ import annotations

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
    interval_of,
    series_filter,
)
from andon_client.listing import largest, list_signals
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
    request = scoring_pb2.ListSignalsRequest(
        filter=series_filter(options.locale, indicator, window, "", overall, process, system),
        interval=interval_of(since, until),
        include_retracted=retracted,
    )

    async def work(suite: Suite) -> list[score_pb2.Signal]:
        return await largest(list_signals(suite, request), limit, _recency)

    emit(run(options, work), as_json, signals_table, options.locale)


def _recency(signal: score_pb2.Signal) -> tuple[int, int, str]:
    return signal.interval.end.seconds, signal.signal_time.ToNanoseconds(), signal.name
