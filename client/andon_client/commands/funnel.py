"""`andon funnel`: units side by side, with what chance alone makes of their differences."""

from __future__ import annotations

from typing import Annotated

import typer
from andon.scoring.v1 import funnel_pb2 as pb

from andon_client.commands.filters import Json, Series, Since, Until, chosen, interval_of
from andon_client.listing import read_notation
from andon_client.presentation.formats import localised, number
from andon_client.presentation.funnel_tables import funnel_table
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import say
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, run, screen, show_table


def funnel(
    context: typer.Context,
    series: Series,
    dimension: Annotated[
        list[str] | None,
        typer.Option("--dimension", "-d", help="The slice whose values are the units; may be repeated."),
    ] = None,
    target: Annotated[
        float | None, typer.Option("--target", help="What units are compared with. Default: all of them together.")
    ] = None,
    overdispersion: Annotated[
        str, typer.Option("--overdispersion", help="none, multiplicative or additive. Default: additive.")
    ] = "",
    count_min: Annotated[int, typer.Option("--count-min", min=1, help="Units with fewer cases are left out.")] = 5,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Compare units: limits that narrow with their size, and how sure each rank is."""
    options: Context = context.obj
    request = pb.GetFunnelRequest(
        series=series,
        dimensions=dimension or [],
        target=target,
        overdispersion=chosen(pb.GetFunnelRequest.Overdispersion, overdispersion, "--overdispersion"),
        count_min=count_min,
    )

    async def work(suite: Suite) -> tuple[pb.GetFunnelResponse, Notation]:
        notation = await read_notation(suite, [series])
        request.interval.CopyFrom(interval_of(since, until, notation.zone(series)))
        return await suite.funnels.GetFunnel(request), notation

    found, notation = run(options, work)
    if as_json:
        emit_json(found)
        return
    locale = options.locale
    head = say(
        "funnel_head",
        locale,
        title=localised(found.series.title, locale) or found.series.indicator,
        target=notation.value(series, found.target, locale),
        dispersion=number(found.dispersion),
        widened=say("yes" if found.is_widened else "no", locale),
    )
    screen.print(head, markup=False, highlight=False)
    screen.print(localised(found.summary, locale), markup=False, highlight=False)
    show_table(funnel_table(found, locale, notation), locale)
