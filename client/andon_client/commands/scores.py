"""`andon scores`: current scores of the indicators."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from andon.scoring.v1 import score_pb2

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
from andon_client.listing import newest_scores
from andon_client.presentation.notation import Notation
from andon_client.presentation.tables import scores_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, run


def scores(
    context: typer.Context,
    indicator: Indicator = None,
    window: Width = "",
    series: Annotated[str, typer.Option("--series", "-s", help="Only the series with this key.")] = "",
    overall: Overall = False,
    process: Process = "",
    system: System = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """List current scores, newest window first, then in the order of the indicator hierarchy."""
    options: Context = context.obj
    wanted = series_filter(options.locale, indicator, window, series, overall, process, system)

    async def work(suite: Suite) -> tuple[list[score_pb2.Score], Notation]:
        interval = await list_interval(suite, wanted, since, until)
        return await newest_scores(suite, wanted, interval, limit)

    found, notation = run(options, work)
    emit(found, as_json, partial(scores_table, notation=notation), options.locale)
