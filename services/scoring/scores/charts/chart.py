"""A series' complete windows become a control chart: calibrated control limits, and where its rules fire.

A chart only goes on: `advance` takes the windows behind those that it knows and gives their points, and the state that
the next windows need. Phase I is collected, frozen once and never read again; from then on a state holds a few numbers,
however long the series is. To draw a chart is to advance from nothing. Any split into calls gives the same bits: what a
point shows depends on its own window, the frozen baseline and the memory of the rules alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np
from andon_quality import rules
from andon_quality.calibration import (
    BaselineProfile,
    LimitWidth,
    PhaseOne,
    Sides,
    WindowScheme,
    calibrate_windows,
    detection,
)
from andon_quality.control import chart as control
from andon_quality.control import ewma, proportion, rate, xbar_s, xmr
from andon_quality.errors import NoSpread, TooFew
from numpy.typing import NDArray

from services.scoring.scores.charts.chart_plan import ChartPlan, asked_arl
from services.scoring.scores.charts.chart_state import (
    START,
    AverageMemory,
    Collecting,
    ControlChartState,
    RuleMemory,
    Unusable,
    Watching,
)
from services.scoring.scores.charts.phase_one import Chosen, chosen, frozen, sides_of
from services.scoring.scores.charts.points import SeriesEnd, WindowPoint, has_enough, points_after
from services.scoring.scores.results import (
    Baseline,
    CentreBound,
    ChartPoint,
    LimitCalibration,
    PhaseOneState,
    Score,
)
from services.scoring.system.chart_scheme import LIMIT, RULES, SHIFT, WITHIN, scheme_of
from services.scoring.system.model import ChartKind, Window
from services.scoring.system.windows import EARLIEST_US

LABELS = {
    ChartKind.XMR: "XmR",
    ChartKind.EWMA: "EWMA",
    ChartKind.XBAR_S: "Xbar-S",
    ChartKind.P: "p",
    ChartKind.U: "u",
    ChartKind.C: "c",
}
Hits = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class Drawn:
    """`baseline` None: phase I is not complete, or nothing can be judged by it. points: of the windows taken in."""

    baseline: Baseline | None
    points: tuple[ChartPoint, ...]


def prepare() -> None:
    """Loads what the first limits need, at a process's start: it takes half a second that no event should wait for."""
    calibrate_windows(WindowScheme(Sides.UPPER, (RULES["WE1"],)), BaselineProfile(2), 2.0)


def draw(scores: Collection[Score], plan: ChartPlan, window: Window, passed_us: int = EARLIEST_US) -> Drawn:
    """The chart of a series from all its windows; a pure function of them, so replaying draws it again."""
    return advance(START, scores, plan, window, passed_us)[1]


def advance(
    state: ControlChartState,
    scores: Collection[Score],
    plan: ChartPlan,
    window: Window,
    passed_us: int = EARLIEST_US,
) -> tuple[ControlChartState, Drawn]:
    """The next windows of a series, in any order, and the state after them; equal in any split, O(1) a window.

    passed_us: windows that end here are complete, those without cases too, which are no scores.

    `draw` over all windows gives the same baseline, and these points as its last. Windows of phase I never fire, so
    what these points raise is all that is new. Raises ValueError where `state.continues(scores)` is false.
    """
    phase = state.phase
    points, end = points_after(state.end, scores, plan, window, isinstance(phase, Watching), passed_us)
    match phase:
        case Unusable():
            return replace(state, end=end), Drawn(None, tuple(_bare(point) for point in points))
        case Watching():
            watching, drawn = _judged(phase, points, Chosen(slice(0, 0), 0, True), replace(plan, kind=phase.kind))
            return ControlChartState(end, watching), Drawn(phase.baseline, drawn)
        case Collecting(collected, thin_count):
            choice = chosen(len(collected), points, plan)
            together = (*collected, *points[choice.inside])
            if not choice.complete:
                thin_count += sum(one.complete and one.count > 0 and not has_enough(one) for one in scores)
                return ControlChartState(end, Collecting(together, thin_count)), Drawn(
                    None, tuple(_bare(point) for point in points)
                )
            begun = _begun(together, plan)
            if isinstance(begun, Unusable):
                return ControlChartState(end, begun), Drawn(None, tuple(_bare(point) for point in points))
            if plan.is_sum:
                # From the point on that completes phase I, silence is judged as it comes.
                known = points[: choice.complete_after]
                behind = _end_of(state.end, known)
                later = [score for score in scores if score.window.start_us >= behind.through_us]
                ahead, end = points_after(behind, later, plan, window, True, passed_us)
                points = [*known, *ahead]
            watching, drawn = _judged(begun, points, choice, replace(plan, kind=begun.kind))
            return ControlChartState(end, watching), Drawn(begun.baseline, drawn)
        case _:
            assert_never(phase)


def _end_of(end: SeriesEnd, points: Sequence[WindowPoint]) -> SeriesEnd:
    """After these points of phase I, the last of which is no window with too few cases."""
    if not points:
        return end
    observed = [point.window.end_us for point in points if point.count]
    return SeriesEnd(points[-1].window.end_us, observed[-1] if observed else end.point_end_us)


def _begun(phase_one_points: Sequence[WindowPoint], plan: ChartPlan) -> Watching | Unusable:
    if plan.kind is ChartKind.XBAR_S and not any(point.deviation > 0.0 for point in phase_one_points):
        # The cases of each window are one or alike: only the windows show how much their means vary.
        plan = replace(plan, kind=ChartKind.XMR)
    try:
        phase_one = frozen(phase_one_points, plan)
        baseline = _baseline(phase_one_points, phase_one, plan)
    except NoSpread:
        return Unusable(PhaseOneState.NO_SPREAD, len(phase_one_points))
    except TooFew:
        return Unusable(PhaseOneState.INTERVAL_EMPTY, len(phase_one_points))
    start = rules.start(_zoned(plan))
    memory = AverageMemory(phase_one.centre, 0.0) if plan.is_average else _remembered(start)
    floor, ceiling = _range(phase_one_points, plan)
    return Watching(plan.kind, baseline, phase_one.sigma, _finite(floor), _finite(ceiling), memory)


def _range(phase_one_points: Sequence[WindowPoint], plan: ChartPlan) -> tuple[float, float]:
    """What a window's value can be: as planned, unless phase I shows that it can be otherwise."""
    values = [point.value for point in phase_one_points]
    return (
        plan.floor if min(values) >= plan.floor else -math.inf,
        plan.ceiling if max(values) <= plan.ceiling else math.inf,
    )


def _baseline(points: Sequence[WindowPoint], phase_one: PhaseOne, plan: ChartPlan) -> Baseline:
    sizes = [point.exposure if plan.kind is ChartKind.U else point.count for point in points]
    mean_size = math.fsum(sizes) / len(points)
    sigma = _plotted_sigma(phase_one.sigma, mean_size, plan)
    # Of a window, where the statistic is an average over several of them.
    spread = phase_one.sigma if plan.is_average else sigma
    ends = ((end - phase_one.centre) / spread for end in _range(points, plan))
    width, calibration = _calibration(phase_one, sigma, plan, *ends)
    return Baseline(
        start_us=points[0].window.start_us,
        end_us=points[-1].window.end_us,
        window_count=len(points),
        centre=phase_one.centre,
        sigma=sigma,
        overdispersion=phase_one.overdispersion,
        # A prime, as Laney's charts have it, where windows vary more than their cases explain.
        chart=LABELS[plan.kind] + ("'" if phase_one.overdispersion > 1.0 else ""),
        limit_width=width.width,
        calibration=calibration,
        centre_bound=_bound(phase_one, plan),
    )


def _bound(phase_one: PhaseOne, plan: ChartPlan) -> CentreBound:
    if not phase_one.is_bound:
        return CentreBound.ESTIMATE
    return CentreBound.AT_LEAST if plan.kind is ChartKind.P and phase_one.centre > 0.5 else CentreBound.AT_MOST


def _calibration(
    phase_one: PhaseOne, sigma: float, plan: ChartPlan, lowest: float, highest: float
) -> tuple[LimitWidth, LimitCalibration]:
    """lowest, highest: how far from the centre a window can lie, in its own sigma."""
    sides = sides_of(plan, phase_one.centre, sigma)
    scheme = scheme_of(plan.rules, plan.smoothing if plan.is_average else None, sides)
    requested = asked_arl(plan, sides)
    width, profile = calibrate_windows(scheme, phase_one.profile, requested), phase_one.profile.rounded()
    return width, LimitCalibration(
        requested_arl0=requested,
        expected_arl0=width.expected_arl,
        sides=sides.value,
        lag1_autocorrelation=profile.lag1_autocorrelation,
        skewness=profile.skewness,
        method="normal" if profile.is_plain else "fitted",
        is_capped=width.is_capped,
        detection=detection(scheme, profile, width.width, SHIFT, WITHIN, lowest, highest),
    )


def _judged(
    watching: Watching, points: Sequence[WindowPoint], choice: Chosen, plan: ChartPlan
) -> tuple[Watching, tuple[ChartPoint, ...]]:
    """The points with their limits, those from `choice.first` on judged, and what the rules remember after them."""
    memory, chart = _chart(watching, points, choice.first, plan)
    floor, ceiling = watching.floor, watching.ceiling
    chart = control.bounded(chart, -math.inf if floor is None else floor, math.inf if ceiling is None else ceiling)
    fired: Hits
    if isinstance(memory, RuleMemory):
        memory, fired = _fired(memory, chart, points, choice.first, plan)
    else:
        fired = {LIMIT: chart.beyond}
    inside = range(choice.inside.start, choice.inside.stop)
    drawn = tuple(_point(point, chart, at, at in inside, fired) for at, point in enumerate(points))
    return replace(watching, memory=memory), drawn


def _chart(
    watching: Watching, points: Sequence[WindowPoint], first: int, plan: ChartPlan
) -> tuple[RuleMemory | AverageMemory, control.Chart]:
    """The control limits of each window: the centre and sigma of phase I, as wide as they were calibrated."""
    values = np.array([point.value for point in points])
    counts = np.array([point.count for point in points], dtype=np.float64)
    baseline, memory = watching.baseline, watching.memory
    centre, sigma, size = np.array(baseline.centre), np.array(watching.sigma), np.array(baseline.window_count)
    width = baseline.limit_width
    match plan.kind:
        case ChartKind.XMR:
            single = xmr.XmrBaseline(control.StatisticKind.INDIVIDUALS, centre, sigma, size, "standard_deviation")
            return memory, xmr.chart(single, values, width)
        case ChartKind.XBAR_S:
            means = xbar_s.XbarSBaseline(control.StatisticKind.MEAN, centre, sigma, size, "pooled")
            return memory, xbar_s.chart(means, values, counts, width)
        case ChartKind.P:
            factor = np.array(baseline.overdispersion)
            shares = proportion.ProportionBaseline(
                control.StatisticKind.PROPORTION, centre, sigma, size, "binomial", factor
            )
            return memory, proportion.chart(shares, np.array([float(point.total) for point in points]), counts, width)
        case ChartKind.U | ChartKind.C:
            events = np.array([float(point.total) for point in points])
            units = [point.exposure if plan.kind is ChartKind.U else 1.0 for point in points]
            factor = np.array(baseline.overdispersion)
            rates = rate.RateBaseline(control.StatisticKind.RATE, centre, sigma, size, "poisson", factor)
            # Of one unit in each window, the c chart is the u chart.
            return memory, rate.chart(rates, events, np.array(units), width)
        case ChartKind.EWMA:
            assert isinstance(memory, AverageMemory)
            single = xmr.XmrBaseline(control.StatisticKind.INDIVIDUALS, centre, sigma, size, "standard_deviation")
            # The average starts at the centre with the first point that is judged; phase I has no statistic of its own.
            watched = np.where(np.arange(len(values)) < first, np.nan, values)
            before = ewma.EwmaState(np.array(memory.average), np.array(memory.variance))
            after, chart = ewma.advance(single, before, watched, smoothing=plan.smoothing, width=width)
            return AverageMemory(float(after.average), float(after.variance)), chart
        case ChartKind.UNSPECIFIED:
            raise ValueError("a chart's kind is resolved before it is drawn")
        case _:
            assert_never(plan.kind)


def _fired(
    memory: RuleMemory, chart: control.Chart, points: Sequence[WindowPoint], first: int, plan: ChartPlan
) -> tuple[RuleMemory, Hits]:
    """Where each rule fires, by index; the rules begin to remember with the first point after phase I.

    A gap is a point without a value to the rules, which ends every run.
    """
    gaps = [place for place, point in enumerate(points[first:]) if point.after_gap]
    statistic, centre, sigma = (
        np.insert(series[first:], gaps, np.nan) for series in (chart.statistic, chart.centre, chart.sigma)
    )
    # Where the points are once a place was inserted before each that follows a gap.
    places = np.delete(np.arange(len(statistic)), np.array(gaps, dtype=np.int64) + np.arange(len(gaps)))
    before = rules.RulesState(_with_nan(memory.statistic), _with_nan(memory.z))
    zoned = _zoned(plan)
    after, hits = rules.advance(zoned, before, statistic, centre, sigma, chart.width, chart.kind)
    fired = {name: hits[RULES[name].name][places] if RULES[name] in zoned else None for name in plan.rules}
    ahead = np.zeros(first, dtype=bool)
    return _remembered(after), {
        name: np.concatenate([ahead, chart.beyond[first:] if hit is None else hit]) for name, hit in fired.items()
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _zoned(plan: ChartPlan) -> list[rules.Rule]:
    """The rules that remember; the one about a single point asks the limits of the chart."""
    return [] if plan.is_average else [RULES[name] for name in plan.rules if not RULES[name].is_limit]


def _remembered(state: rules.RulesState) -> RuleMemory:
    columns = (state.statistic.tolist(), state.z.tolist())
    statistic, z = (tuple(None if math.isnan(number) else number for number in column) for column in columns)
    return RuleMemory(statistic, z)


def _with_nan(numbers: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if number is None else number for number in numbers], dtype=np.float64)


def _plotted_sigma(sigma: float, mean_size: float, plan: ChartPlan) -> float:
    match plan.kind:
        case ChartKind.XMR | ChartKind.C:
            return sigma
        case ChartKind.XBAR_S | ChartKind.P | ChartKind.U:
            return sigma / math.sqrt(mean_size)
        case ChartKind.EWMA:
            return sigma * math.sqrt(plan.smoothing / (2.0 - plan.smoothing))
        case ChartKind.UNSPECIFIED:
            raise ValueError("a chart's kind is resolved before it is drawn")
        case _:
            assert_never(plan.kind)


def _bare(point: WindowPoint) -> ChartPoint:
    return ChartPoint(point.window, point.value, point.value, point.count, None, None, None, False, ())


def _point(point: WindowPoint, chart: control.Chart, at: int, in_baseline: bool, fired: Hits) -> ChartPoint:
    statistic = float(chart.statistic[at])
    return ChartPoint(
        window=point.window,
        value=point.value,
        statistic=point.value if math.isnan(statistic) else statistic,
        count=point.count,
        centre=_number(chart.centre[at]),
        lower=_number(chart.lower[at]),
        upper=_number(chart.upper[at]),
        in_baseline=in_baseline,
        rules=tuple(name for name, hits in fired.items() if hits[at]),
    )


def _number(value: np.float64) -> float | None:
    return None if math.isnan(value) else float(value)
