"""`andon capability` and `andon loss`: what a process delivers of what is asked for, and what its deviations cost."""

from __future__ import annotations

from datetime import tzinfo
from functools import partial
from typing import Annotated

import typer
from andon.scoring.v1 import capability_pb2 as pb

from andon_client.commands.filters import Confidence, Json, Limit, Series, Since, Until, chosen, interval_of
from andon_client.listing import list_losses, read_notation, take
from andon_client.presentation.capability_tables import assumptions_table, indices_table, losses_table
from andon_client.presentation.formats import localised, number, span
from andon_client.presentation.phrases import say
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, run, screen, show_table


def capability(
    context: typer.Context,
    series: Series,
    lower: Annotated[float | None, typer.Option("--lower", help="Lower limit, in the unit of the series.")] = None,
    upper: Annotated[float | None, typer.Option("--upper", help="Upper limit, in the unit of the series.")] = None,
    target: Annotated[float | None, typer.Option("--target", help="The best value. Default: the middle.")] = None,
    of: Annotated[str, typer.Option("--of", help="Capability of cases or of windows.")] = "",
    distribution: Annotated[
        str, typer.Option("--distribution", help="normal, fitted or percentiles. Default: normal unless it is refused.")
    ] = "",
    spread: Annotated[
        str, typer.Option("--spread", help="Spread within windows: mean-range, mean-sd, pooled or moving-range.")
    ] = "",
    opportunities: Annotated[
        float, typer.Option("--opportunities", min=0, help="Values are counted defects, of so many possible in a case.")
    ] = 0.0,
    shift: Annotated[
        float, typer.Option("--shift", min=0, help="Shift that is added to the sigma level; 0: none.")
    ] = 1.5,
    confidence: Confidence = 0.95,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Show how capable a process is: Cp to Cpm, Pp, Ppk, DPMO and sigma level, and whether their assumptions hold."""
    options: Context = context.obj
    kind = pb.GetCapabilityRequest
    request = kind(
        series=series,
        limits=pb.SpecificationLimits(lower=lower, upper=upper, target=target),
        values_of=chosen(pb.ValuesOf, of, "--of"),
        distribution=chosen(kind.Distribution, distribution, "--distribution"),
        spread=chosen(kind.Spread, spread, "--spread"),
        opportunities=opportunities,
        shift=shift,
        confidence=confidence,
    )

    async def work(suite: Suite) -> tuple[pb.GetCapabilityResponse, tzinfo]:
        zone = (await read_notation(suite, [series])).zone(series)
        request.interval.CopyFrom(interval_of(since, until, zone))
        return await suite.capability.GetCapability(request), zone

    found, zone = run(options, work)
    if as_json:
        emit_json(found)
        return
    locale = options.locale
    for line in _head(found, locale, zone):
        screen.print(line, markup=False, highlight=False)
    show_table(indices_table(found, locale), locale)
    show_table(assumptions_table(found, locale), locale)


def _head(found: pb.GetCapabilityResponse, locale: str, zone: tzinfo) -> list[str]:
    title = localised(found.series.title, locale) or found.series.indicator
    lines = [f"{title}  {found.series.key}  {span(found.interval, locale, zone)} ({zone})"]
    if found.HasField("limits"):
        limits = found.limits
        sides = [
            say(f"limit_{name}", locale, value=number(getattr(limits, name)), unit=found.series.unit).rstrip()
            for name in ("lower", "upper", "target")
            if limits.HasField(name)
        ]
        is_own = limits.origin == pb.SpecificationLimits.ORIGIN_INDICATOR_TARGET
        lines.append(say("limits_of_target" if is_own else "limits_of_request", locale, limits=", ".join(sides)))
    figures = {"count": found.count, "subgroups": found.subgroup_count, "mean": number(found.mean)}
    if found.sigma_overall:
        spread = {"within": number(found.sigma_within), "overall": number(found.sigma_overall), "method": found.spread}
        lines.append(say("capability_measured", locale, **figures, **spread, distribution=found.distribution))
    else:
        lines.append(say("capability_counted", locale, **figures, distribution=found.distribution))
    if found.is_extrapolated:
        lines.append(say("capability_extrapolated", locale))
    return [*lines, localised(found.summary, locale)]


def loss(
    context: typer.Context,
    series: Series,
    cost: Annotated[float, typer.Option("--cost", help="What one case costs that lies at the tolerance.")],
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0, help="The deviation, or value, that costs so much. Default: the target."),
    ] = 0.0,
    target: Annotated[float | None, typer.Option("--target", help="The best value. Default: the indicator's.")] = None,
    form: Annotated[
        str, typer.Option("--form", help="nominal, smaller or larger. Default: by the direction of the indicator.")
    ] = "",
    currency: Annotated[str, typer.Option("--currency", help="For people, such as EUR.")] = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """Show the quality loss of a series in money, window by window: off target, spread and in all (Taguchi)."""
    options: Context = context.obj
    request = pb.GetLossRequest(
        series=series,
        cost=cost,
        tolerance=tolerance,
        target=target,
        form=chosen(pb.GetLossRequest.Form, form, "--form"),
        currency=currency,
    )

    async def work(suite: Suite) -> tuple[list[pb.WindowLoss], tzinfo]:
        zone = (await read_notation(suite, [series])).zone(series)
        request.interval.CopyFrom(interval_of(since, until, zone))
        return await take(list_losses(suite, request), limit), zone

    found, zone = run(options, work)
    emit(found, as_json, partial(losses_table, currency=currency, zone=zone), options.locale)
