"""How the series of one indicator are charted, as its document asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from andon_quality import arl, rules
from andon_quality.calibration import Sides, ValueKind

from services.scoring.system.calendar import Zone
from services.scoring.system.case_model import Count, Elapsed, Handover, MeasureKind, Rework
from services.scoring.system.model import Aggregate, ChartKind, ChartRule, Direction, Indicator, SystemSpec

RULES = {f"WE{number}": rule for number, rule in enumerate(rules.WESTERN_ELECTRIC, start=1)}
LIMIT = "LIMIT"
DEFAULT_RULES = ("WE1", "WE2")
SIGMAS = 3.0


@dataclass(frozen=True)
class ChartPlan:
    """`requested_arl0` 0: what 3-sigma limits give where nothing has to be estimated, see `asked_arl`."""

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

    @property
    def is_average(self) -> bool:
        return self.kind is ChartKind.EWMA


def plan_of(spec: SystemSpec, indicator: Indicator) -> ChartPlan | None:
    """None: the indicator is not charted."""
    rule = indicator.chart
    if rule is None:
        return None
    kind = kind_of(rule, indicator.aggregate)
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
        value_kind=_value_kind(spec.measure_by_name[indicator.measure].kind),
    )


def kind_of(rule: ChartRule, aggregate: Aggregate) -> ChartKind:
    """The chart that suits the aggregate, unless the rule names one."""
    if rule.kind is not ChartKind.UNSPECIFIED:
        return rule.kind
    return {Aggregate.SHARE: ChartKind.P, Aggregate.MEAN: ChartKind.XBAR_S}.get(aggregate, ChartKind.XMR)


def _value_kind(kind: MeasureKind | None) -> ValueKind:
    if isinstance(kind, Elapsed):
        return ValueKind.DURATIONS
    return ValueKind.COUNTS if isinstance(kind, (Count, Rework, Handover)) else ValueKind.VALUES


def asked_arl(plan: ChartPlan, sides: Sides) -> float:
    """The run length that the limits have to keep for the signals that are raised: those of `sides`."""
    return plan.requested_arl0 or _textbook_arl(plan.rules, plan.smoothing if plan.is_average else None, sides)


@lru_cache(maxsize=256)
def _textbook_arl(names: tuple[str, ...], smoothing: float | None, sides: Sides) -> float:
    """Exactly, for independent normal windows whose centre and spread are known."""
    if smoothing is not None:
        if sides is Sides.BOTH:
            return arl.ewma(smoothing, SIGMAS, limits="varying")
        return arl.ewma_one_sided(smoothing, SIGMAS)
    return arl.shewhart(names) if sides is Sides.BOTH else arl.shewhart_one_sided(names)
