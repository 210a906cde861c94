"""`andon chart`: a control chart in the terminal, as SVG or as a Vega-Lite spec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from andon.scoring.v1 import scoring_pb2

from andon_client.commands.filters import Json, Since, Until, interval_of
from andon_client.figure import Trace, figure
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, notes, number, run, screen, span, spoken


def chart(
    context: typer.Context,
    series: Annotated[str, typer.Argument(help="Key of the series, as `andon scores` shows it.")],
    since: Since = None,
    until: Until = None,
    svg: Annotated[Path | None, typer.Option(help="Write the chart as SVG.")] = None,
    vega: Annotated[Path | None, typer.Option(help="Write the Vega-Lite spec.")] = None,
    as_json: Json = False,
) -> None:
    """Draw the control chart of a series."""
    options: Context = context.obj

    async def work(suite: Suite) -> scoring_pb2.GetControlChartResponse:
        request = scoring_pb2.GetControlChartRequest(
            series=series, interval=interval_of(since, until), language=options.locale
        )
        return await suite.scoring.GetControlChart(request)

    found = run(options, work)
    if svg is not None:
        # Loaded only where it draws: no other command should wait for it.
        import vl_convert

        svg.write_text(vl_convert.vegalite_to_svg(found.vega_lite), encoding="utf-8")
        notes.print(f"wrote {svg}", markup=False)
    if vega is not None:
        vega.write_text(found.vega_lite, encoding="utf-8")
        notes.print(f"wrote {vega}", markup=False)
    if as_json:
        emit_json(found)
    elif svg is None and vega is None:
        _draw(found, options)


def _draw(found: scoring_pb2.GetControlChartResponse, context: Context) -> None:
    points = list(found.points)
    if not points:
        screen.print("no complete window with enough data yet")
        return
    title = f"{spoken(found.series.title, context.locale)} ({found.series.unit or 'share'})  {found.series.key}"
    screen.print(_figure(title, points, screen.width), highlight=False, markup=False)
    if found.HasField("baseline"):
        base = found.baseline
        screen.print(
            f"{base.chart} chart, rules {', '.join(found.rules)}; phase I: {base.window_count} windows from"
            f" {span(base.interval)}, centre {number(base.centre)}, sigma {number(base.sigma)};"
            f" promised ARL {number(found.arl0)} windows; {len(found.signals)} signals",
            markup=False,
        )
    else:
        screen.print("phase I is not complete yet: no limits")


def _figure(title: str, points: Sequence[scoring_pb2.ChartPoint], width: int) -> str:
    """Values, centre and limits, and a cross where a rule fired."""
    limits = [
        Trace(name, "·", [(at, getattr(point, name)) for at, point in enumerate(points) if point.HasField(name)])
        for name in ("lower", "centre", "upper")
    ]
    values = Trace("value", "braille", [(at, point.statistic) for at, point in enumerate(points)])
    fired = [(at, point.statistic) for at, point in enumerate(points) if point.rules]
    dates = [span(point.interval) for point in points]
    return figure(title, [values, *limits, Trace("signal", "✖", fired, joined=False)], dates, width)
