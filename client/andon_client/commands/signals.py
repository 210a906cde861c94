"""`andon signals`: what alarmed, and by which promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from andon.scoring.v1 import score_pb2, scoring_pb2

from andon_client.commands.filters import Indicator, Json, Limit, Since, Until, Whole, Width, interval_of, series_filter
from andon_client.listing import list_signals, take
from andon_client.suite import Suite
from andon_client.terminal import emit, number, run, span

COLUMNS = ("window", "series", "rule", ">value", ">centre", ">limits", ">promised ARL", "")


def signals(
    context: typer.Context,
    indicator: Indicator = None,
    window: Width = "",
    whole: Whole = False,
    retracted: Annotated[bool, typer.Option("--retracted", help="Show retracted signals too.")] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """List alarms, each with its rule, limits and promise."""
    request = scoring_pb2.ListSignalsRequest(
        filter=series_filter(indicator, window, "", whole),
        interval=interval_of(since, until),
        include_retracted=retracted,
    )

    async def work(suite: Suite) -> list[score_pb2.Signal]:
        return await take(list_signals(suite, request), limit)

    emit(run(context.obj, work), as_json, "Signals", COLUMNS, signal_row)


def signal_row(signal: score_pb2.Signal) -> Sequence[str]:
    retracted = signal.state == score_pb2.Signal.STATE_RETRACTED
    return (
        span(signal.interval),
        signal.series,
        signal.rule,
        number(signal.value),
        number(signal.centre),
        f"{number(signal.lower)} to {number(signal.upper)}",
        number(signal.arl0),
        f"retracted: {signal.reason}" if retracted else ("worse" if signal.adverse else "better"),
    )
