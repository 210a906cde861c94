"""The signals of a chart, and what became of those that it had before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from services.scoring.scores.charts.chart import Drawn
from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.results import Baseline, ChartPoint, Signal, SignalState, signal_name
from services.scoring.system.model import ChartKind, Direction
from services.scoring.system.series import SeriesKey

STATISTICS = {
    ChartKind.XMR: "individual",
    ChartKind.XBAR_S: "mean",
    ChartKind.P: "proportion",
    ChartKind.EWMA: "ewma",
    ChartKind.U: "rate",
    ChartKind.C: "count",
}


def signals_of(process: str, series: SeriesKey, drawn: Drawn, plan: ChartPlan) -> dict[str, Signal]:
    """The active signals of this chart, by name."""
    if drawn.baseline is None:
        return {}
    found = (
        _signal(process, series, point, rule, drawn.baseline, plan)
        for point in drawn.points
        for rule in point.rules
        if plan.both_sides or _is_adverse(point, plan)
    )
    return {signal.name: signal for signal in found}


def signal_changes(known: Mapping[str, Signal], raised: Mapping[str, Signal], reason: str) -> list[Signal]:
    """New and changed signals, and retractions of those that the chart no longer has, by name."""
    changes: list[Signal] = []
    for name, signal in raised.items():
        before = known.get(name)
        if before is None:
            changes.append(signal)
        elif not before.says_the_same(signal):
            changes.append(replace(signal, revision=before.revision + 1, reason=reason))
    for name, before in known.items():
        if name not in raised and before.active:
            changes.append(replace(before, state=SignalState.RETRACTED, reason=reason, revision=before.revision + 1))
    return sorted(changes, key=lambda signal: (signal.window, signal.name))


def _signal(
    process: str, series: SeriesKey, point: ChartPoint, rule: str, baseline: Baseline, plan: ChartPlan
) -> Signal:
    assert point.centre is not None
    assert point.lower is not None
    assert point.upper is not None
    return Signal(
        name=signal_name(process, series, point.window, rule),
        series=series,
        window=point.window,
        rule=rule,
        statistic=STATISTICS[plan.kind],
        value=point.statistic,
        centre=point.centre,
        lower=point.lower,
        upper=point.upper,
        baseline=baseline,
        arl0=baseline.calibration.expected_arl0,
        adverse=_is_adverse(point, plan),
        symptom_of=plan.symptom_of,
    )


def _is_adverse(point: ChartPoint, plan: ChartPlan) -> bool:
    assert point.centre is not None
    match plan.direction:
        case Direction.LOWER_IS_BETTER:
            return point.statistic > point.centre
        case Direction.HIGHER_IS_BETTER:
            return point.statistic < point.centre
        case Direction.TARGET_IS_BETTER | Direction.UNSPECIFIED:
            return plan.target is None or abs(point.statistic - plan.target) > abs(point.centre - plan.target)
        case _:
            assert_never(plan.direction)
