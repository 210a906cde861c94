"""Figures made of text: values over windows, as wide as the screen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 24
DATES_MAX = 6
SAMPLES = {"braille": "⠤"}
INDENT = "     "


@dataclass(frozen=True)
class Trace:
    """Values at places of the axis, joined to a line, or separate."""

    label: str
    marker: str
    points: Sequence[tuple[int, float]]
    joined: bool = True


def figure(title: str, traces: Sequence[Trace], dates: Sequence[str], width: int) -> str:
    """`dates`: one for each place of the axis, of which a few are written below it."""
    import plotext

    made = plotext.figure
    made.clear()
    made.plot_size(width, HEIGHT)
    for trace in traces:
        if trace.points:
            signal = made.signal(*zip(*trace.points, strict=True), marker=trace.marker)
            made.draw(signal.lines() if trace.joined else signal)
    places = list(range(len(dates))[:: max(1, len(dates) // DATES_MAX)])
    made.ruler("x").ticks(places, [dates[place] for place in places])
    made.title(title)
    return f"{plotext.uncolorize(made.build().string()).rstrip()}\n{_legend(traces, width)}"


def _legend(traces: Sequence[Trace], width: int) -> str:
    """Below the figure, where it hides nothing."""
    labels: dict[str, list[str]] = {}
    for trace in traces:
        if trace.points:
            labels.setdefault(SAMPLES.get(trace.marker, trace.marker), []).append(trace.label)
    legend = "   ".join(f"{sample} {', '.join(names)}" for sample, names in labels.items())
    return textwrap.fill(legend, width, initial_indent=INDENT, subsequent_indent=INDENT)
