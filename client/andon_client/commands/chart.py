"""`andon chart`: a control chart, in the terminal, as SVG or as a Vega-Lite spec."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from andon.scoring.v1 import overview_pb2, score_pb2, scoring_pb2

from andon_client.commands.filters import Json, Since, Until, interval_of
from andon_client.figure import Trace, figure
from andon_client.listing import list_annotations, read_notation, take
from andon_client.presentation.formats import localised, number, span, when
from andon_client.presentation.limits import caveats, centre_text, delay_text
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import named, say
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, notes, run, screen

ANNOTATIONS_MAX = 20
# The spec leaves its size to the page it is on; a file has none.

SVG_SIZE = {"width": 860, "height": 300}


def chart(
    context: typer.Context,
    series: Annotated[str, typer.Argument(help="Key of the series, as listed by `andon scores`.")],
    since: Since = None,
    until: Until = None,
    svg: Annotated[Path | None, typer.Option(help="Write the chart to this SVG file.")] = None,
    vega: Annotated[Path | None, typer.Option(help="Write the Vega-Lite spec to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Draw the control chart of a series, with phase I, control limits and signals."""
    options: Context = context.obj

    notes_shown: list[overview_pb2.Annotation] = []

    async def work(suite: Suite) -> tuple[scoring_pb2.GetControlChartResponse, Notation]:
        notation = await read_notation(suite, [series])
        request = scoring_pb2.GetControlChartRequest(
            series=series, interval=interval_of(since, until, notation.zone(series)), language=options.locale
        )
        if not as_json:
            pinned = overview_pb2.ListAnnotationsRequest(scope=series, interval=request.interval)
            notes_shown.extend(await take(list_annotations(suite, pinned), ANNOTATIONS_MAX))
        return await suite.scoring.GetControlChart(request), notation

    found, notation = run(options, work)
    if svg is not None:
        # Imported here, so that no other command waits for it.
        import vl_convert

        svg.write_text(vl_convert.vegalite_to_svg(json.loads(found.vega_lite) | SVG_SIZE), encoding="utf-8")
        notes.print(say("wrote", options.locale, path=svg), markup=False)
    if vega is not None:
        vega.write_text(found.vega_lite, encoding="utf-8")
        notes.print(say("wrote", options.locale, path=vega), markup=False)
    if as_json:
        emit_json(found)
    elif svg is None and vega is None:
        _draw(found, options, notation)
        for note in notes_shown:
            start = when(note.interval.start, notation.zone(series))
            place = {"time": start, "kind": named(note.Kind, note.kind, options.locale)}
            text = localised(note.text, options.locale)
            screen.print(say("annotation_line", options.locale, text=text, author=note.author, **place), markup=False)


def _draw(found: scoring_pb2.GetControlChartResponse, context: Context, notation: Notation) -> None:
    points, locale = list(found.points), context.locale
    if not points:
        screen.print(say("no_points", locale))
        return
    series = found.series.key
    screen.print(_figure(found.series, points, screen.width, locale, notation), highlight=False, markup=False)
    base = found.baseline
    if not found.HasField("baseline"):
        why = localised(found.phase_one.explanation, locale) or say("no_limits_yet", locale)
        screen.print(say("no_limits", locale, why=why), markup=False)
        return
    figures = say(
        "baseline_figures",
        locale,
        chart=base.chart,
        rules=", ".join(found.rules),
        count=base.window_count,
        start=span(base.interval, locale, notation.zone(series)),
        centre=centre_text(notation.value(series, base.centre, locale), base),
        sigma=notation.value(series, base.sigma, locale),
        arl0=number(found.arl0),
        delay=delay_text(base.calibration),
        signals=len(found.signals),
    )
    for line in (figures, *caveats(base, locale)):
        screen.print(line, markup=False)


def _figure(
    series: score_pb2.Series, points: Sequence[scoring_pb2.ChartPoint], width: int, locale: str, notation: Notation
) -> str:
    """Values, centre line and control limits, and a cross at each signal, in the unit that people read."""
    zone, (factor, unit) = notation.zone(series.key), notation.scale(series.key)
    title = f"{localised(series.title, locale)}{f' ({unit})' if unit else ''}  {series.key}  {zone}"
    limits = [
        Trace(
            say(f"chart_{name}", locale),
            "·",
            [(at, factor * getattr(point, name)) for at, point in enumerate(points) if point.HasField(name)],
        )
        for name in ("lower", "centre", "upper")
    ]
    values = Trace(say("value", locale), "braille", [(at, factor * point.statistic) for at, point in enumerate(points)])
    fired = [(at, factor * point.statistic) for at, point in enumerate(points) if point.rules]
    signals = Trace(say("chart_signal", locale), "✖", fired, joined=False)
    times = [span(point.interval, locale, zone) for point in points]
    return figure(title, [values, *limits, signals], times, width)
