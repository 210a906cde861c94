"""Stages: one chart whose limits change at known points, each with its cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from andon_quality.control.chart import Chart
from andon_quality.errors import Inconsistent, OutOfRange


@dataclass(frozen=True)
class Stage:
    """A part of a series with its own limits: the index of its first point and why the limits changed there."""

    first: int
    cause: str


def staged(stages: Sequence[Stage], length: int, draw: Callable[[slice], Chart]) -> Chart:
    """One chart of `length` points, drawn stage by stage and joined along time.

    draw: gets the slice of a stage and charts it, with a baseline of its own or one frozen before. The first stage
    starts at 0. Rules should be run per stage as well (`split`), for a run does not cross a change of process.
    Raises OutOfRange unless the stages start at 0 and rise below `length`, Inconsistent without a cause.

    >>> from andon_quality.control import xmr
    >>> x = np.array([1.0, 2.0, 1.0, 2.0, 8.0, 9.0, 8.0, 9.0])
    >>> whole = staged([Stage(0, "as found"), Stage(4, "second desk opened")], 8,
    ...     lambda part: xmr.chart(xmr.baseline(x[part]), x[part]))
    >>> whole.centre
    array([1.5, 1.5, 1.5, 1.5, 8.5, 8.5, 8.5, 8.5])
    """
    charts = [draw(part) for part in split(stages, length)]
    if len({(chart.kind, chart.width) for chart in charts}) > 1:
        raise Inconsistent("all stages of a chart need one kind and one width")
    arrays = [field.name for field in fields(Chart) if field.name not in ("kind", "width")]
    joined = {name: np.concatenate([getattr(chart, name) for chart in charts], axis=-1) for name in arrays}
    return Chart(kind=charts[0].kind, width=charts[0].width, **joined)


def split(stages: Sequence[Stage], length: int) -> list[slice]:
    """The slices of the stages; raises OutOfRange unless they start at 0 and rise below `length`.

    >>> split([Stage(0, "as found"), Stage(3, "new form")], 5)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    edges = [stage.first for stage in stages] + [length]
    if edges[0] != 0 or any(after <= before for before, after in pairwise(edges)):
        raise OutOfRange(f"stages must start at 0 and rise below {length}, got {edges[:-1]}")
    if any(not stage.cause.strip() for stage in stages):
        raise Inconsistent("a stage needs the cause of its new limits")
    return [slice(before, after) for before, after in pairwise(edges)]
