"""A series' complete windows become a control chart: calibrated limits, and where its rules fire."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from andon_quality import rules
from andon_quality.calibration import BaselineProfile, LimitWidth, PhaseOne, Sides, WindowScheme, calibrate_windows
from andon_quality.control import chart as control
from andon_quality.control import ewma, proportion, xbar_s, xmr
from andon_quality.errors import QualityError
from numpy.typing import NDArray

from services.scoring.scores.charts.chart_plan import LIMIT, RULES, ChartPlan, asked_arl
from services.scoring.scores.charts.phase_one import frozen, phase_one_of, sides_of
from services.scoring.scores.charts.points import WindowPoint
from services.scoring.scores.results import Baseline, ChartPoint, LimitCalibration
from services.scoring.system.model import ChartKind

LABELS = {ChartKind.XMR: "XmR", ChartKind.EWMA: "EWMA", ChartKind.XBAR_S: "Xbar-S", ChartKind.P: "p"}
Hits = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class Drawn:
    """`baseline` None: phase I is not complete, or has no spread."""

    baseline: Baseline | None
    points: tuple[ChartPoint, ...]


def prepare() -> None:
    """Loads what the first limits need, at a process's start: it takes half a second that no event should wait for."""
    calibrate_windows(WindowScheme(Sides.UPPER, (RULES["WE1"],)), BaselineProfile(2), 2.0)


def draw(points: Sequence[WindowPoint], plan: ChartPlan) -> Drawn:
    """The chart of a series from its windows in time order; a pure function of them, so replaying draws it again."""
    inside, first = phase_one_of(points, plan)
    if inside is None:
        return Drawn(None, tuple(_bare(point) for point in points))
    try:
        phase_one = frozen(points[inside], plan)
        baseline = _baseline(points[inside], phase_one, plan)
        chart = _chart(points, phase_one, baseline.limit_width, first, plan)
    except QualityError:
        return Drawn(None, tuple(_bare(point) for point in points))
    fired = _fired(chart, points, first, plan)
    drawn = (_point(point, chart, at, inside.start <= at < inside.stop, fired) for at, point in enumerate(points))
    return Drawn(baseline, tuple(drawn))


def _baseline(chosen: Sequence[WindowPoint], phase_one: PhaseOne, plan: ChartPlan) -> Baseline:
    mean_size = math.fsum(point.count for point in chosen) / len(chosen)
    sigma = _plotted_sigma(phase_one.sigma, mean_size, plan)
    width, calibration = _calibration(phase_one, sigma, plan)
    return Baseline(
        start_us=chosen[0].window.start_us,
        end_us=chosen[-1].window.end_us,
        window_count=len(chosen),
        centre=phase_one.centre,
        sigma=sigma,
        overdispersion=phase_one.overdispersion,
        chart=_label(phase_one, plan),
        limit_width=width.width,
        calibration=calibration,
    )


def _label(phase_one: PhaseOne, plan: ChartPlan) -> str:
    """A prime, as Laney's charts have it, where windows vary more than their cases explain."""
    label = LABELS[plan.kind]
    return f"{label}'" if phase_one.overdispersion > 1.0 else label


def _calibration(phase_one: PhaseOne, sigma: float, plan: ChartPlan) -> tuple[LimitWidth, LimitCalibration]:
    sides = sides_of(plan, phase_one.centre, sigma)
    if plan.is_average:
        scheme = WindowScheme(sides, smoothing=plan.smoothing)
    else:
        scheme = WindowScheme(sides, tuple(RULES[name] for name in plan.rules))
    requested = asked_arl(plan, sides)
    width, profile = calibrate_windows(scheme, phase_one.profile, requested), phase_one.profile.rounded()
    method = "normal" if profile.is_plain else "fitted"
    return width, LimitCalibration(
        requested, width.expected_arl, sides.value, profile.lag1_autocorrelation, profile.skewness, method
    )


def _chart(
    points: Sequence[WindowPoint], phase_one: PhaseOne, width: float, first: int, plan: ChartPlan
) -> control.Chart:
    values = np.array([point.value for point in points])
    counts = np.array([point.count for point in points], dtype=np.float64)
    centre, sigma, size = np.array(phase_one.centre), np.array(phase_one.sigma), np.array(len(points))
    match plan.kind:
        case ChartKind.XMR:
            single = xmr.XmrBaseline(control.StatisticKind.INDIVIDUALS, centre, sigma, size, "standard_deviation")
            return xmr.chart(single, values, width)
        case ChartKind.XBAR_S:
            means = xbar_s.XbarSBaseline(control.StatisticKind.MEAN, centre, sigma, size, "pooled")
            return xbar_s.chart(means, values, counts, width)
        case ChartKind.P:
            factor = np.array(phase_one.overdispersion)
            shares = proportion.ProportionBaseline(
                control.StatisticKind.PROPORTION, centre, sigma, size, "binomial", factor
            )
            return proportion.chart(shares, np.array([float(point.total) for point in points]), counts, width)
        case ChartKind.EWMA:
            single = xmr.XmrBaseline(control.StatisticKind.INDIVIDUALS, centre, sigma, size, "standard_deviation")
            # The average starts at the centre with the first point that is judged; phase I has no statistic of its own.
            watched = np.where(np.arange(len(values)) < first, np.nan, values)
            return ewma.chart(single, watched, smoothing=plan.smoothing, width=width, limits="varying")
        case ChartKind.UNSPECIFIED:
            raise ValueError("a chart's kind is resolved before it is drawn")
        case _:
            assert_never(plan.kind)


def _fired(chart: control.Chart, points: Sequence[WindowPoint], first: int, plan: ChartPlan) -> Hits:
    """Where each rule fires, by index; the rules begin to remember with the first point after phase I.

    A gap is a point without a value to the rules, which ends every run.
    """
    if first >= len(points):
        return {}
    gaps = [place for place, point in enumerate(points[first:]) if point.after_gap]
    statistic, centre, lower, upper, sigma = (
        np.insert(series[first:], gaps, np.nan)
        for series in (chart.statistic, chart.centre, chart.lower, chart.upper, chart.sigma)
    )
    judged = control.Chart(chart.kind, statistic, centre, lower, upper, sigma, chart.width)
    # Where the points are once a place was inserted before each that follows a gap.
    places = np.delete(np.arange(len(statistic)), np.array(gaps, dtype=np.int64) + np.arange(len(gaps)))
    ahead = np.zeros(first, dtype=bool)
    if plan.is_average:
        return {LIMIT: np.concatenate([ahead, judged.beyond[places]])}
    hits = rules.judge([RULES[name] for name in plan.rules], judged)
    return {name: np.concatenate([ahead, hits[RULES[name].name][places]]) for name in plan.rules}


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
