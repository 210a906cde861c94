"""`andon weights` and `andon ranking`: weights proposed, changed and logged; changes and ranks of composites."""

from __future__ import annotations

from datetime import date, tzinfo
from pathlib import Path
from typing import Annotated

import typer
from andon.scoring.v1 import weight_pb2 as pb

from andon_client.commands.backtest import SystemName, system_name
from andon_client.commands.filters import Json, Limit, Series, Since, Until, chosen, interval_of, time_option, window_of
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.listing import list_weight_changes, read_notation, take
from andon_client.moments import timestamp
from andon_client.presentation.formats import localised, number
from andon_client.presentation.phrases import say
from andon_client.presentation.weight_tables import (
    change_table,
    consistency_table,
    proposal_table,
    ranking_table,
    steps_table,
    weight_log_table,
)
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, loaded, run, screen, show_table

Composite = Annotated[str, typer.Option("--composite", "-c", help="Name of the composite. Default: the root.")]
Cap = Annotated[float, typer.Option("--cap", min=0.000001, max=1, help="The most that a weight may move in one step.")]


def propose(
    context: typer.Context,
    system: SystemName,
    composite: Composite = "",
    compare: Annotated[
        list[str] | None,
        typer.Option("--compare", help="MEMBER/OTHER=RATIO: so many times as important, 1/9 to 9; once for each pair."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, help="YAML with `experts`: the judgements of several."),
    ] = None,
    data: Annotated[
        str,
        typer.Option("--data", help="What history says: entropy, critic or merec. Default: critic without experts."),
    ] = "",
    share: Annotated[
        float, typer.Option("--expert-share", min=0, max=1, help="Share of the experts where history counts as well.")
    ] = 0.5,
    mix: Annotated[str, typer.Option("--mix", help="How they are combined: linear or geometric.")] = "",
    cap: Cap = 0.1,
    window: Annotated[str, typer.Option("--window", "-w", help="Width of the windows of history.")] = "",
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Propose weights for the members of a composite: from comparisons, from history, or from both. Changes nothing."""
    options: Context = context.obj
    request = pb.ProposeWeightsRequest()
    if file is not None:
        path = file
        request.CopyFrom(loaded(options, lambda: load_document(path, pb.ProposeWeightsRequest)))
    request.name, request.composite, request.cap, request.expert_share = system_name(system), composite, cap, share
    if compare:
        request.experts.add(comparisons=pb.Comparisons(pairs=map(_comparison, compare)))
    request.data_method = chosen(pb.ProposeWeightsRequest.DataMethod, data, "--data") or request.data_method
    request.mix = chosen(pb.ProposeWeightsRequest.Mix, mix, "--mix") or request.mix
    if window:
        request.window = window_of(window, options.locale)

    async def work(suite: Suite) -> pb.ProposeWeightsResponse:
        zone = (await read_notation(suite, [system])).only_zone
        request.interval.CopyFrom(interval_of(since, until, zone))
        return await suite.weights.ProposeWeights(request)

    found = run(options, work)
    if as_json:
        emit_json(found)
        return
    locale = options.locale
    screen.print(localised(found.summary, locale), markup=False, highlight=False)
    if found.window_count:
        used = say("weight_history", locale, count=found.window_count, left_out=found.left_out_count)
        screen.print(used, markup=False, highlight=False)
    show_table(proposal_table(found, locale), locale)
    if found.consistencies:
        show_table(consistency_table(found.consistencies, locale), locale)


def adjust(
    context: typer.Context,
    system: SystemName,
    weight: Annotated[list[str], typer.Option("--weight", help="MEMBER=WEIGHT, once for each member.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; for the log.")],
    composite: Composite = "",
    cap: Cap = 0.1,
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Create a draft version with other weights, none further than the cap, and log the change."""
    options: Context = context.obj
    request = pb.AdjustWeightsRequest(
        name=system_name(system),
        composite=composite,
        weights=map(_weight, weight),
        cap=cap,
        reason=reason,
        request_id=request_key(request_id, validate_only),
        validate_only=validate_only,
    )

    async def work(suite: Suite) -> pb.WeightChange:
        return (await suite.weights.AdjustWeights(request)).change

    change = run(options, work)
    if as_json:
        emit_json(change)
        return
    locale = options.locale
    show_table(steps_table(change, locale), locale)
    if change.version:
        done = say("weights_adjusted", locale, system=system, version=change.version)
        screen.print(done, markup=False, highlight=False)


def log(context: typer.Context, system: SystemName, limit: Limit = 100, as_json: Json = False) -> None:
    """List what `andon weights adjust` changed, newest first."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[pb.WeightChange]:
        return await take(list_weight_changes(suite, pb.ListWeightChangesRequest(name=system_name(system))), limit)

    emit(run(options, work), as_json, weight_log_table, options.locale)


def change(
    context: typer.Context,
    series: Series,
    before: Annotated[date, time_option("--before", help="A time within the window before.")],
    after: Annotated[date, time_option("--after", help="A time within the window after.")],
    version: Annotated[
        int, typer.Option("--version-before", min=0, help="Weights of this version counted before.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Split the change of a composite between two windows into indicators, weights, structure and missing data."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[pb.ExplainChangeResponse, tzinfo]:
        zone = (await read_notation(suite, [series])).zone(series)
        request = pb.ExplainChangeRequest(
            series=series,
            time_before=timestamp(before, zone),
            time_after=timestamp(after, zone),
            version_before=version,
        )
        return await suite.weights.ExplainChange(request), zone

    found, zone = run(options, work)
    if as_json:
        emit_json(found)
        return
    screen.print(localised(found.summary, options.locale), markup=False, highlight=False)
    show_table(change_table(found, options.locale, zone), options.locale)


def ranking(
    context: typer.Context,
    series: Series,
    dimension: Annotated[
        list[str], typer.Option("--dimension", "-d", help="The slice whose values are ranked; may be repeated.")
    ],
    at: Annotated[date | None, time_option("--at", help="A time within the window. Default: the latest.")] = None,
    radius: Annotated[
        float, typer.Option("--radius", min=0.01, max=0.99, help="How far each weight is varied: 0.2 is 20 %.")
    ] = 0.2,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal answers.")] = 0,
    as_json: Json = False,
) -> None:
    """Rank the values of a dimension by a composite, and say how far the ranks depend on the weights."""
    options: Context = context.obj
    request = pb.GetRankingRequest(series=series, dimensions=dimension, radius=radius, seed=seed)

    async def work(suite: Suite) -> tuple[pb.GetRankingResponse, tzinfo]:
        zone = (await read_notation(suite, [series])).zone(series)
        if at is not None:
            request.time.CopyFrom(timestamp(at, zone))
        return await suite.weights.GetRanking(request), zone

    found, zone = run(options, work)
    if as_json:
        emit_json(found)
        return
    locale = options.locale
    screen.print(localised(found.summary, locale), markup=False, highlight=False)
    show_table(ranking_table(found, locale, zone), locale)
    if found.unranked_count:
        screen.print(say("unranked", locale, count=found.unranked_count), markup=False, highlight=False)
    if found.left_out:
        screen.print(say("left_out", locale, names=", ".join(found.left_out)), markup=False, highlight=False)


def _comparison(given: str) -> pb.Comparison:
    """ "speed/care=3", "speed/care=1/3"."""
    members, equals, ratio = given.rpartition("=")
    member, slash, other = members.partition("/")
    if not (equals and slash and member and other):
        raise typer.BadParameter(f"{given} is not of the form member/other=ratio", param_hint="--compare")
    over, _, under = ratio.partition("/")
    return pb.Comparison(member=member, other=other, ratio=_number(over, given) / _number(under or "1", given))


def _weight(given: str) -> pb.MemberWeight:
    member, equals, weight = given.partition("=")
    if not equals or not member:
        raise typer.BadParameter(f"{given} is not of the form member=weight", param_hint="--weight")
    return pb.MemberWeight(member=member, weight=_number(weight, given, zero=True))


def _number(text: str, given: str, zero: bool = False) -> float:
    try:
        found = float(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} in {given} is not a number") from error
    if found < 0 or (found == 0 and not zero):
        raise typer.BadParameter(f"{number(found)} in {given} is not above 0")
    return found
