"""What results look like: drawn with matplotlib, which is an extra (`pip install "andon-quality[plot]"`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray
from andon_quality.errors import Inconsistent, MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VALUE, CENTRE, LIMIT, ALARM, BAND = "#1f4e79", "#5b8c5a", "#8a8a8a", "#c0392b", "#c9d6e3"


def axes_of(axes: Axes | None) -> Axes:
    """The axes given, or those of a new figure. Raises MissingExtra without matplotlib."""
    if axes is not None:
        return axes
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingExtra('plots need matplotlib: pip install "andon-quality[plot]"') from error
    return pyplot.subplots()[1]


@checked
def panels(count: int) -> Sequence[Axes]:
    """So many axes of a new figure, one above the other, with the points in common. Raises MissingExtra."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingExtra('plots need matplotlib: pip install "andon-quality[plot]"') from error
    _, found = pyplot.subplots(count, 1, sharex=True)
    return list(np.atleast_1d(found))


def control_chart(
    axes: Axes | None, statistic: FloatArray, centre: FloatArray, limits: Sequence[FloatArray], alarms: BoolArray
) -> Axes:
    """Points in time, their centre, their limits as steps, and the points that alarm in red; each of shape (time,).

    Raises Inconsistent for many series, MissingExtra.
    """
    one_series(statistic)
    drawn, at = axes_of(axes), np.arange(statistic.size)
    drawn.plot(at, statistic, color=VALUE, marker="o", markersize=3, linewidth=1)
    drawn.step(at, np.broadcast_to(centre, statistic.shape), where="mid", color=CENTRE, linewidth=1)
    for limit in limits:
        shown = np.where(np.isfinite(limit), limit, np.nan)
        drawn.step(at, np.broadcast_to(shown, statistic.shape), where="mid", color=LIMIT, linestyle="--", linewidth=1)
    drawn.plot(at[alarms], statistic[alarms], color=ALARM, marker="o", linestyle="none")
    drawn.set_xlabel("point")
    return drawn


@checked
def band(axes: Axes | None, middle: FloatArray, lower: FloatArray, upper: FloatArray, first: int = 0) -> Axes:
    """A course with its interval, each of shape (periods,), from the period `first` on. Raises as `control_chart`."""
    one_series(middle)
    drawn, at = axes_of(axes), first + np.arange(middle.size)
    drawn.fill_between(at, lower, upper, color=BAND)
    drawn.plot(at, middle, color=VALUE, linewidth=1)
    drawn.set_xlabel("period")
    return drawn


def bars(axes: Axes | None, names: Sequence[str], amounts: FloatArray, cumulative: FloatArray) -> Axes:
    """Amounts as bars and, on a second scale, their cumulative share. Raises MissingExtra."""
    drawn, at = axes_of(axes), np.arange(len(names))
    drawn.bar(at, amounts, color=VALUE)
    drawn.set_xticks(at, list(names), rotation=45, ha="right")
    second = drawn.twinx()
    second.plot(at, cumulative, color=ALARM, marker="o", linewidth=1)
    second.set_ylim(0.0, 1.05)
    return drawn


def grouped_bars(axes: Axes | None, names: Sequence[str], heights: Mapping[str, FloatArray]) -> Axes:
    """Bars of several figures for each name, in groups; heights: shape (names,) for each. Raises MissingExtra."""
    drawn, at, width = axes_of(axes), np.arange(len(names)), 0.8 / len(heights)
    for place, (label, height) in enumerate(heights.items()):
        drawn.bar(
            at + (place - (len(heights) - 1) / 2) * width, height, width, label=label, color=(VALUE, BAND)[place % 2]
        )
    drawn.set_xticks(at, list(names))
    drawn.legend()
    return drawn


def curve(axes: Axes | None, x: FloatArray, y: FloatArray, x_label: str, y_label: str) -> Axes:
    """A function of one quantity; x, y: shape (n,). Raises MissingExtra."""
    drawn = axes_of(axes)
    drawn.plot(x, y)
    drawn.set_xlabel(x_label)
    drawn.set_ylabel(y_label)
    return drawn


def scatter(axes: Axes | None, x: FloatArray, y: FloatArray, line_x: FloatArray, line_y: FloatArray) -> Axes:
    """Points and the line that was fitted to them; x, y: shape (n,). Raises MissingExtra."""
    drawn = axes_of(axes)
    drawn.plot(x, y, color=VALUE, marker="o", markersize=3, linestyle="none")
    drawn.plot(line_x, line_y, color=CENTRE, linewidth=1)
    return drawn


def interval(axes: Axes | None, estimate: float, lower: float, upper: float, title: str) -> Axes:
    """An estimate with its interval against zero. Raises MissingExtra, Inconsistent for many series."""
    one_series(np.atleast_1d(estimate), at_most=1)
    drawn = axes_of(axes)
    drawn.plot([lower, upper], [0.0, 0.0], color=VALUE, linewidth=2)
    drawn.plot([estimate], [0.0], color=VALUE, marker="o", linestyle="none")
    drawn.axvline(0.0, color=LIMIT, linestyle="--", linewidth=1)
    drawn.set_yticks([])
    drawn.set_title(title)
    return drawn


def funnel(axes: Axes | None, size: FloatArray, estimates: FloatArray, limits: FloatArray, target: float) -> Axes:
    """Units by size with their target and limits; size and estimates: (units,); limits: (any, units)."""
    one_series(estimates)
    drawn, order = axes_of(axes), np.argsort(size, kind="stable")
    drawn.plot(size, estimates, color=VALUE, marker="o", markersize=3, linestyle="none")
    drawn.axhline(target, color=CENTRE, linewidth=1)
    for limit in limits:
        drawn.plot(size[order], limit[order], color=LIMIT, linestyle="--", linewidth=1)
    drawn.set_xlabel("size")
    return drawn


@checked
def one_series(values: FloatArray, at_most: int | None = None) -> None:
    """Raises Inconsistent unless `values` are of one series: a figure shows one.

    >>> one_series(np.zeros(3))
    """
    if values.ndim != 1 or (at_most is not None and values.size > at_most):
        raise Inconsistent(f"a figure shows one series, got shape {values.shape}: take one of them")
