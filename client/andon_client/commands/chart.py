"""`andon chart`: a control chart in the terminal, as SVG or as a Vega-Lite spec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import plotext
import typer
import vl_convert
from andon.scoring.v1 import scoring_pb2

from andon_client.commands.read import Since, Until, interval_of
from andon_client.suite import Suite
from andon_client.terminal import Context, Json, emit_json, notes, number, run, screen, span, spoken


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
        svg.write_text(vl_convert.vegalite_to_svg(found.vega_lite), encoding="utf-8")
        notes.print(f"wrote {svg}")
    if vega is not None:
        vega.write_text(found.vega_lite, encoding="utf-8")
        notes.print(f"wrote {vega}")
    if as_json:
        emit_json(found)
    elif svg is None and vega is None:
        _draw(found, options)


def _draw(found: scoring_pb2.GetControlChartResponse, context: Context) -> None:
    points = list(found.points)
    if not points:
        screen.print("no complete window with enough data yet")
        return
    at = list(range(len(points)))
    figure = plotext
    figure.clear_figure()
    figure.theme("clear")
    figure.plot_size(None, 24)
    figure.plot(at, [point.statistic for point in points], marker="braille")
    for name in ("lower", "centre", "upper"):
        limits = [
            (index, getattr(point, name)) for index, point in zip(at, points, strict=True) if point.HasField(name)
        ]
        if limits:
            figure.plot([index for index, _ in limits], [value for _, value in limits], label=name, color="gray")
    fired = [(index, point.statistic) for index, point in zip(at, points, strict=True) if point.rules]
    if fired:
        figure.scatter([index for index, _ in fired], [value for _, value in fired], marker="✖", color="red")
    ticks = at[:: max(1, len(at) // 6)]
    figure.xticks(ticks, [span(points[index].interval) for index in ticks])
    figure.title(f"{spoken(found.series.title, context.locale)} ({found.series.unit or 'share'})  {found.series.key}")
    screen.print(figure.build(), highlight=False, markup=False)
    if found.HasField("baseline"):
        base = found.baseline
        screen.print(
            f"{base.chart} chart, rules {', '.join(found.rules)}; phase I: {base.window_count} windows from"
            f" {span(base.interval)}, centre {number(base.centre)}, sigma {number(base.sigma)};"
            f" promised ARL {number(found.promised_arl)} windows; {len(found.signals)} signals"
        )
    else:
        screen.print("phase I is not complete yet: no limits")
