"""A series' complete windows become a control chart with a frozen baseline, and the points at which its rules fire."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import assert_never

import numpy as np
from andon_quality import arl, rules
from andon_quality.control import chart as control
from andon_quality.control import ewma, proportion, xbar_s, xmr
from andon_quality.control.laney import dispersion, sigma_z
from andon_quality.errors import OutOfRange, QualityError
from numpy.typing import NDArray

from services.scoring.model import Aggregate, ChartKind, ChartRule, Direction, SeriesKey, Target, WindowId
from services.scoring.results import Baseline, ChartPoint, Signal, signal_name

RULES = {f"WE{number}": rule for number, rule in enumerate(rules.WESTERN_ELECTRIC, start=1)}
LIMIT = "LIMIT"
DEFAULT_RULES = ("WE1", "WE2")
SIGMAS = 3.0
OVERDISPERSED_P = 0.05
STATISTICS = {
    ChartKind.XMR: "individual",
    ChartKind.XBAR_S: "mean",
    ChartKind.P: "proportion",
    ChartKind.EWMA: "ewma",
}


@dataclass(frozen=True)
class ChartPlan:
    """How the series of one indicator are charted. `width`: limits are this many sigma from the centre."""

    kind: ChartKind
    rules: tuple[str, ...]
    width: float
    promised_arl: float
    baseline_windows: int
    baseline_start_us: int | None
    baseline_end_us: int | None
    both_sides: bool
    smoothing: float
    direction: Direction
    target: float | None
    symptom_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WindowPoint:
    """One complete window with enough data; `total` and `squares` in quanta of the measure."""

    window: WindowId
    value: float
    count: int
    total: int
    squares: int
    quantum: float


@dataclass(frozen=True)
class Drawn:
    """`baseline` None: phase I is not complete, or has no spread."""

    baseline: Baseline | None
    points: tuple[ChartPoint, ...]


def prepare() -> None:
    """Loads what the first limits need, at a process's start: it takes half a second that no event should wait for."""
    _limits(ChartKind.P, DEFAULT_RULES, 0.0, 0.2)
    dispersion(np.array([1.0, -1.0]))


def plan_of(
    rule: ChartRule, kind: ChartKind, direction: Direction, target: Target | None, symptom_of: tuple[str, ...]
) -> ChartPlan:
    """`kind` as resolved by `kind_of`."""
    names = (LIMIT,) if kind is ChartKind.EWMA else tuple(rule.rules or DEFAULT_RULES)
    width, promised = _limits(kind, names, rule.requested_arl, rule.smoothing)
    return ChartPlan(
        kind=kind,
        rules=names,
        width=width,
        promised_arl=promised,
        baseline_windows=rule.baseline_windows,
        baseline_start_us=rule.baseline_start_us,
        baseline_end_us=rule.baseline_end_us,
        both_sides=rule.both_sides,
        smoothing=rule.smoothing,
        direction=direction,
        target=target.value if target else None,
        symptom_of=symptom_of,
    )


def kind_of(rule: ChartRule, aggregate: Aggregate) -> ChartKind:
    """The chart that suits the aggregate, unless the rule names one."""
    if rule.kind is not ChartKind.UNSPECIFIED:
        return rule.kind
    return {Aggregate.SHARE: ChartKind.P, Aggregate.MEAN: ChartKind.XBAR_S}.get(aggregate, ChartKind.XMR)


@lru_cache(maxsize=256)
def _limits(kind: ChartKind, names: tuple[str, ...], requested_arl: float, smoothing: float) -> tuple[float, float]:
    """(sigma multiple, promised run length); where no limits reach the request, 3 sigma and what it does promise."""
    if kind is ChartKind.EWMA:
        wanted = _designed_ewma(smoothing, requested_arl)
        return wanted, arl.ewma(smoothing, wanted, limits="varying")
    scale = 1.0
    if requested_arl > 0:
        try:
            scale = arl.design_shewhart(names, requested_arl)
        except OutOfRange:
            scale = 1.0
    return SIGMAS * scale, arl.shewhart(names, 0.0, scale)


def _designed_ewma(smoothing: float, requested_arl: float) -> float:
    if requested_arl <= 0:
        return SIGMAS
    try:
        return arl.design(lambda limit: arl.ewma(smoothing, limit, limits="varying"), requested_arl)
    except OutOfRange:
        return SIGMAS


def draw(points: Sequence[WindowPoint], plan: ChartPlan) -> Drawn:
    """The chart of a series from its windows in time order; a pure function of them, so replaying draws it again."""
    phase_one, first = _phase_one(points, plan)
    if phase_one is None:
        return Drawn(None, tuple(_bare(point) for point in points))
    try:
        frozen, chart, overdispersion, label = _chart(points, phase_one, first, plan)
    except QualityError:
        return Drawn(None, tuple(_bare(point) for point in points))
    fired = _fired(chart, first, plan)
    inside = set(range(phase_one.start, phase_one.stop))
    drawn = tuple(_point(points, chart, at, at in inside, fired) for at in range(len(points)))
    chosen = points[phase_one]
    mean_size = math.fsum(point.count for point in chosen) / len(chosen)
    baseline = Baseline(
        start_us=chosen[0].window.start_us,
        end_us=chosen[-1].window.end_us,
        window_count=len(chosen),
        centre=float(frozen.centre),
        sigma=_plotted_sigma(float(frozen.sigma), mean_size, plan),
        overdispersion=overdispersion,
        chart=label,
        limit_scale=plan.width,
    )
    return Drawn(baseline, drawn)


def signals_of(process: str, series: SeriesKey, drawn: Drawn, plan: ChartPlan) -> dict[str, Signal]:
    """The signals that stand on this chart, by name."""
    if drawn.baseline is None:
        return {}
    found = (
        _signal(process, series, point, rule, drawn.baseline, plan)
        for point in drawn.points
        for rule in point.rules
        if plan.both_sides or _is_adverse(point, plan)
    )
    return {signal.name: signal for signal in found}


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
        promised_arl=plan.promised_arl,
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


def _phase_one(points: Sequence[WindowPoint], plan: ChartPlan) -> tuple[slice | None, int]:
    """The windows of phase I, and the index of the first point that is judged."""
    if plan.baseline_start_us is None and plan.baseline_end_us is None:
        enough = len(points) >= plan.baseline_windows
        return (slice(0, plan.baseline_windows) if enough else None), plan.baseline_windows
    start_us = plan.baseline_start_us if plan.baseline_start_us is not None else -(2**62)
    end_us = plan.baseline_end_us if plan.baseline_end_us is not None else 2**62
    first = sum(point.window.start_us < start_us for point in points)
    last = sum(point.window.end_us <= end_us for point in points)
    # Until a later window is complete, windows of the interval may still be to come.
    return (slice(first, last) if first < last < len(points) else None), last


Floats = NDArray[np.float64]


def _chart(
    points: Sequence[WindowPoint], phase_one: slice, first: int, plan: ChartPlan
) -> tuple[control.Baseline, control.Chart, float, str]:
    values = np.array([point.value for point in points])
    counts = np.array([point.count for point in points], dtype=np.float64)
    match plan.kind:
        case ChartKind.XMR:
            single = xmr.baseline(values[phase_one])
            return single, xmr.chart(single, values, plan.width), 1.0, "XmR"
        case ChartKind.XBAR_S:
            sds = np.array([_deviation(point) for point in points])
            within = xbar_s.baseline(values[phase_one], sds[phase_one], counts[phase_one])
            factor = _between_windows(within, values[phase_one], counts[phase_one])
            grouped = replace(within, sigma=within.sigma * factor)
            label = "Xbar-S'" if factor > 1 else "Xbar-S"
            return grouped, xbar_s.chart(grouped, values, counts, plan.width), factor, label
        case ChartKind.P:
            hits = np.array([point.total for point in points], dtype=np.float64)
            spread = bool(proportion.is_overdispersed(hits[phase_one], counts[phase_one]))
            shares = proportion.baseline(hits[phase_one], counts[phase_one], laney=spread)
            drawn = proportion.chart(shares, hits, counts, plan.width)
            return shares, drawn, float(shares.sigma_z), "p'" if spread else "p"
        case ChartKind.EWMA:
            frozen = ewma.baseline(values[phase_one])
            return frozen, _ewma_chart(frozen, values, first, plan), 1.0, "EWMA"
        case ChartKind.UNSPECIFIED:
            raise ValueError("a chart's kind is resolved before it is drawn")
        case _:
            assert_never(plan.kind)


def _between_windows(within: control.Baseline, means: Floats, counts: Floats) -> float:
    """How much more the means vary than their cases alone would make them: Laney's factor, where it is called for.

    Queues make the cases of a window alike, and with hundreds of cases plain limits would flag every other day.
    """
    z = (means - within.centre) / (within.sigma / np.sqrt(counts))
    if dispersion(z).p_value >= OVERDISPERSED_P:
        return 1.0
    return max(1.0, float(sigma_z(z)))


def _ewma_chart(frozen: control.Baseline, values: Floats, first: int, plan: ChartPlan) -> control.Chart:
    """The average starts at the centre with the first point that is judged; phase I has no statistic of its own."""
    watched = np.where(np.arange(len(values)) < first, np.nan, values)
    return ewma.chart(frozen, watched, smoothing=plan.smoothing, width=plan.width, limits="varying")


def _deviation(point: WindowPoint) -> float:
    """Standard deviation (n - 1) from exact sums; NaN below 2 cases."""
    if point.count < 2:
        return math.nan
    scatter = point.count * point.squares - point.total * point.total
    return math.sqrt(scatter / (point.count * (point.count - 1))) * point.quantum


def _fired(chart: control.Chart, first: int, plan: ChartPlan) -> dict[str, Floats]:
    """Where each rule fires, by index; the rules begin to remember with the first point after phase I."""
    judged = control.Chart(
        chart.kind,
        chart.statistic[first:],
        chart.centre[first:],
        chart.lower[first:],
        chart.upper[first:],
        chart.sigma[first:],
        chart.width,
    )
    if not judged.statistic.size:
        return {}
    ahead = np.zeros(first, dtype=bool)
    if plan.kind is ChartKind.EWMA:
        return {LIMIT: np.concatenate([ahead, judged.beyond])}
    hits = rules.judge([RULES[name] for name in plan.rules], judged)
    return {name: np.concatenate([ahead, hits[RULES[name].name]]) for name in plan.rules}


def _plotted_sigma(sigma: float, mean_size: float, plan: ChartPlan) -> float:
    match plan.kind:
        case ChartKind.XMR:
            return sigma
        case ChartKind.XBAR_S | ChartKind.P:
            return sigma / math.sqrt(mean_size)
        case ChartKind.EWMA:
            return sigma * math.sqrt(plan.smoothing / (2.0 - plan.smoothing))
        case ChartKind.UNSPECIFIED:
            raise ValueError("a chart's kind is resolved before it is drawn")
        case _:
            assert_never(plan.kind)


def _bare(point: WindowPoint) -> ChartPoint:
    return ChartPoint(point.window, point.value, point.value, point.count, None, None, None, False, ())


def _point(
    points: Sequence[WindowPoint], chart: control.Chart, at: int, in_baseline: bool, fired: dict[str, Floats]
) -> ChartPoint:
    point = points[at]
    statistic = float(chart.statistic[at])
    lower, upper = _number(chart.lower[at]), _number(chart.upper[at])
    return ChartPoint(
        window=point.window,
        value=point.value,
        statistic=point.value if math.isnan(statistic) else statistic,
        count=point.count,
        centre=_number(chart.centre[at]),
        lower=lower,
        upper=upper,
        in_baseline=in_baseline,
        rules=tuple(name for name, hits in fired.items() if hits[at]),
    )


def _number(value: np.float64) -> float | None:
    return None if math.isnan(value) else float(value)
