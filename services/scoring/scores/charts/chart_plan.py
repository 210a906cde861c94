"""How the series of one indicator are charted, as its document asks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from andon_quality.calibration import Sides, ValueKind

from services.scoring.system.calendar import Zone
from services.scoring.system.case_model import (
    Closed,
    Count,
    Elapsed,
    FirstOf,
    Flag,
    Handover,
    Measure,
    MeasureKind,
    Opened,
    Ratio,
    Rework,
    Succession,
    Work,
)
from services.scoring.system.chart_scheme import DEFAULT_RULES, LIMIT, textbook_arl
from services.scoring.system.model import Aggregate, ChartKind, ChartRule, Direction, Indicator, SystemSpec


@dataclass(frozen=True)
class ChartPlan:
    """`requested_arl0` 0: what 3-sigma limits give where nothing has to be estimated, see `asked_arl`.

    floor, ceiling: what a window's value can be at all. resolution: of the sums behind it.
    """

    kind: ChartKind
    rules: tuple[str, ...]
    requested_arl0: float
    baseline_windows: int
    baseline_start_us: int | None
    baseline_end_us: int | None
    both_sides: bool
    smoothing: float
    direction: Direction
    target: float | None
    symptom_of: tuple[str, ...]
    is_sum: bool
    zone: Zone
    value_kind: ValueKind
    floor: float
    ceiling: float
    resolution: float

    @property
    def is_average(self) -> bool:
        return self.kind is ChartKind.EWMA


def plan_of(spec: SystemSpec, indicator: Indicator) -> ChartPlan | None:
    """None: the indicator is not charted."""
    rule = indicator.chart
    if rule is None:
        return None
    measured = spec.measure_by_name[indicator.measure]
    kind = kind_of(rule, indicator.aggregate, measured.kind)
    floor, ceiling = value_range(measured.kind, indicator.aggregate)
    if kind in (ChartKind.U, ChartKind.C):
        floor = 0.0
    return ChartPlan(
        kind=kind,
        rules=(LIMIT,) if kind is ChartKind.EWMA else tuple(rule.rules or DEFAULT_RULES),
        requested_arl0=rule.requested_arl0,
        baseline_windows=rule.baseline_windows,
        baseline_start_us=rule.baseline_start_us,
        baseline_end_us=rule.baseline_end_us,
        both_sides=rule.both_sides,
        smoothing=rule.smoothing,
        direction=indicator.direction,
        target=indicator.target.value if indicator.target else None,
        symptom_of=indicator.symptom_of,
        is_sum=indicator.aggregate is Aggregate.SUM,
        zone=Zone(spec.time_zone),
        value_kind=_value_kind(measured),
        floor=floor,
        ceiling=ceiling,
        resolution=spec.resolution(indicator),
    )


def kind_of(rule: ChartRule, aggregate: Aggregate, measured: MeasureKind | None = None) -> ChartKind:
    """The chart that suits the aggregate, unless the rule names one."""
    if rule.kind is not ChartKind.UNSPECIFIED:
        return rule.kind
    if aggregate is Aggregate.MEAN and isinstance(measured, Ratio) and not measured.squares:
        return ChartKind.XMR
    return {Aggregate.SHARE: ChartKind.P, Aggregate.MEAN: ChartKind.XBAR_S}.get(aggregate, ChartKind.XMR)


def _value_kind(measure: Measure) -> ValueKind:
    if measure.is_duration:
        return ValueKind.DURATIONS
    return (
        ValueKind.COUNTS if isinstance(measure.kind, (Count, Rework, Handover, Succession, Work)) else ValueKind.VALUES
    )


def asked_arl(plan: ChartPlan, sides: Sides) -> float:
    """The run length that the limits have to keep for the signals that are raised: those of `sides`."""
    return plan.requested_arl0 or textbook_arl(plan.rules, plan.smoothing if plan.is_average else None, sides)


def value_range(kind: MeasureKind | None, aggregate: Aggregate) -> tuple[float, float]:
    """What a window's value can be at all. A span whose ends are not those of the case may be negative."""
    match kind:
        case Flag():
            return 0.0, math.inf if aggregate is Aggregate.SUM else 1.0
        case Ratio():
            return (0.0, 1.0) if aggregate is Aggregate.SHARE else (-math.inf, math.inf)
        case Count() | Rework() | Handover() | Succession() | Work():
            return 0.0, math.inf
        case Elapsed(Opened(), _) | Elapsed(FirstOf(after=None, before=None), Closed()):
            return 0.0, math.inf
        case _:
            return -math.inf, math.inf
