"""Stages: one chart whose limits change at known points, each with its cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray
from andon_quality.control.chart import Chart
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.rules import Rule, judge

_ARRAYS = ("statistic", "centre", "lower", "upper", "sigma")


@dataclass(frozen=True)
class Stage:
    """A part of a series with its own limits: the index of its first point and why the limits changed there."""

    first: int
    cause: str


@checked
def staged(stages: Sequence[Stage], length: int, draw: Callable[[slice], Chart]) -> Chart:
    """One chart of `length` points, drawn stage by stage and joined along time.

    draw: gets the slice of a stage and charts it, with a baseline of its own or one frozen before. The first stage
    starts at 0. Rules are run per stage as well: `judged`.
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
    joined = {name: np.concatenate([getattr(chart, name) for chart in charts], axis=-1) for name in _ARRAYS}
    return Chart(kind=charts[0].kind, width=charts[0].width, **joined)


def judged(rules: Sequence[Rule], stages: Sequence[Stage], chart: Chart) -> dict[str, BoolArray]:
    """Where the rules that apply fire on a staged chart, run per stage, so that no run crosses a change of process.

    >>> from andon_quality.control.chart import StatisticKind, limits
    >>> from andon_quality.rules import WESTERN_ELECTRIC
    >>> chart = limits(StatisticKind.INDIVIDUALS, np.full(10, 0.5), 0.0, 1.0, 3.0)
    >>> bool(judged(WESTERN_ELECTRIC, [Stage(0, "as found"), Stage(5, "new form")], chart)["8_on_one_side"].any())
    False
    """
    arrays = {name: getattr(chart, name) for name in _ARRAYS}
    parts = [
        judge(rules, replace(chart, **{name: array[..., part] for name, array in arrays.items()}))
        for part in split(stages, chart.statistic.shape[-1])
    ]
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}


@checked
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
