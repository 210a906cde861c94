"""`andon budget`: how much of what may fail has failed."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated

import typer
from andon.scoring.v1 import error_budget_pb2 as pb

from andon_client.commands.filters import Json, Series
from andon_client.listing import read_notation
from andon_client.presentation.budget_tables import burn_table
from andon_client.presentation.formats import localised, number
from andon_client.presentation.phrases import say
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, run, screen, show_table


def budget(
    context: typer.Context,
    series: Series,
    allowed: Annotated[
        float, typer.Option("--allowed", min=0, max=1, help="The share that may fail. Default: the indicator's target.")
    ] = 0.0,
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="Length of the period.")] = 30,
    false_alarms: Annotated[
        float, typer.Option("--false-alarms", min=0.001, max=100, help="False alarms that are wanted in a month.")
    ] = 0.5,
    as_json: Json = False,
) -> None:
    """Show the error budget of a share, and whether the latest windows burn it faster than allowed."""
    options: Context = context.obj
    request = pb.GetErrorBudgetRequest(
        series=series, allowed_share=allowed, period_days=days, false_alarms_per_month=false_alarms
    )

    async def work(suite: Suite) -> tuple[pb.GetErrorBudgetResponse, tzinfo]:
        zone = (await read_notation(suite, [series])).zone(series)
        return await suite.error_budgets.GetErrorBudget(request), zone

    found, zone = run(options, work)
    if as_json:
        emit_json(found)
        return
    locale = options.locale
    used = say(
        "budget_used",
        locale,
        title=localised(found.series.title, locale) or found.series.indicator,
        failures=found.failure_count,
        count=found.count,
        allowed=number(found.allowed_count),
        share=number(100 * found.allowed_share),
    )
    screen.print(used, markup=False, highlight=False)
    screen.print(localised(found.summary, locale), markup=False, highlight=False)
    show_table(burn_table(found, locale, zone), locale)
