"""`andon arl`: how long a chart runs before it alarms, and the limit that makes it run as long as one wants."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer
from andon.scoring.v1 import run_length_pb2 as pb

from andon_client.commands.filters import Json
from andon_client.figure import Trace, figure
from andon_client.presentation.formats import localised, number
from andon_client.presentation.phrases import say
from andon_client.presentation.run_length_table import run_length_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, run, screen, show_table

CHARTS = tuple(one.name.replace("_", "-") for one in pb.GetRunLengthRequest.DESCRIPTOR.oneofs_by_name["chart"].fields)
CURVE = tuple(0.25 * step for step in range(1, 17))


def arl(
    context: typer.Context,
    chart: Annotated[
        str,
        typer.Argument(
            help="shewhart, cusum, ewma, individuals-range, poisson-cusum, binomial-cusum, mewma, variance-cusum,"
            " variance-ewma, autocorrelated or shiryaev-roberts."
        ),
    ],
    wanted: Annotated[
        float, typer.Option("--arl", min=0, help="Points between false alarms that are wanted; finds the limit.")
    ] = 0.0,
    limit: Annotated[float, typer.Option("--limit", min=0, help="The limit, if it is known.")] = 0.0,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="WE1 to WE4, N1 to N8; may be repeated.")] = None,
    reference: Annotated[float, typer.Option("--reference", help="Of a CUSUM: k.")] = 0.0,
    head_start: Annotated[
        float, typer.Option("--head-start", min=0, max=0.5, help="Of a CUSUM, as a share of its limit.")
    ] = 0.0,
    smoothing: Annotated[float, typer.Option("--smoothing", help="Of an EWMA. Default: 0.2.")] = 0.0,
    varying: Annotated[bool, typer.Option("--varying", help="Limits of an EWMA that widen from the start.")] = False,
    upper: Annotated[bool, typer.Option("--upper", help="Alarms on the upper side only, of a CUSUM or EWMA.")] = False,
    mean: Annotated[float, typer.Option("--mean", help="Count per point in control, of a Poisson CUSUM.")] = 0.0,
    size: Annotated[int, typer.Option("--size", help="Items per point, of a binomial CUSUM.")] = 0,
    share: Annotated[float, typer.Option("--share", help="Share in control, of a binomial CUSUM.")] = 0.0,
    dimensions: Annotated[int, typer.Option("--dimensions", help="Measures at once, of an MEWMA.")] = 0,
    degrees: Annotated[int, typer.Option("--degrees", help="Size of a subgroup less 1, of charts of variances.")] = 0,
    correlation: Annotated[float, typer.Option("--correlation", help="Of neighbours, where points depend.")] = 0.0,
    phase1: Annotated[int, typer.Option("--phase1", min=0, help="Points that centre and sigma come from.")] = 0,
    shift: Annotated[
        list[float] | None, typer.Option("--shift", help="In sigma; may be repeated. Default: 0.25 to 4, as a curve.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how long a chart runs before it alarms: falsely, and after shifts. Reads no data."""
    options: Context = context.obj
    if chart not in CHARTS:
        raise typer.BadParameter(f"{chart} is not one of {', '.join(CHARTS)}", param_hint="CHART")
    if not (wanted or limit):
        raise typer.BadParameter("is needed, or --limit", param_hint="--arl")
    request = pb.GetRunLengthRequest(
        limit=limit, requested_arl0=wanted, phase1_size=phase1, shifts=shift or CURVE if chart != "mewma" else shift
    )
    given: dict[str, Any] = {
        "rules": rule or [],
        "reference": reference,
        "head_start_share": head_start,
        "smoothing": smoothing,
        "varying_limits": varying,
        "sides": pb.SIDES_UPPER if upper else pb.SIDES_UNSPECIFIED,
        "mean": mean,
        "size": size,
        "share": share,
        "dimensions": dimensions,
        "degrees": degrees,
        "correlation": correlation,
    }
    scheme = getattr(request, chart.replace("-", "_"))
    fields = {field.name for field in scheme.DESCRIPTOR.fields}
    for name, value in given.items():
        if name not in fields and value:
            raise typer.BadParameter(f"{chart} has no {name.replace('_', ' ')}")
    scheme.MergeFrom(type(scheme)(**{name: value for name, value in given.items() if name in fields}))
    scheme.SetInParent()

    async def work(suite: Suite) -> pb.GetRunLengthResponse:
        return await suite.run_lengths.GetRunLength(request)

    found = run(options, work)
    if as_json:
        emit_json(found)
        return
    screen.print(localised(found.summary, options.locale), markup=False, highlight=False)
    show_table(run_length_table(found, options.locale), options.locale)
    curve = [(place, math.log10(one.arl)) for place, one in enumerate(found.rows) if 1 <= one.arl < math.inf]
    if len(curve) > 2:
        trace = Trace(say("arl_curve", options.locale), "braille", curve)
        shifts = [number(one.shift) for one in found.rows]
        screen.print(
            figure(say("arl_figure", options.locale), [trace], shifts, screen.width), markup=False, highlight=False
        )
