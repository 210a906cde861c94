"""What a version would have alarmed on, from exact statistics of all windows: alarms, incidents, false alarms.

Each charted series has one false alarm in `arl0` windows in the long run, so what is expected in a month follows from
how many windows a month has. An incident is caught by the first alarm, known at the end of its window, that the
incident overlaps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.scoring.scores.backtest_report import (
    BacktestAlarm,
    BacktestPlan,
    BacktestReport,
    Incident,
    IncidentOutcome,
    SeriesBacktest,
)
from services.scoring.scores.charts.chart import draw
from services.scoring.scores.charts.chart_plan import ChartPlan, plan_of
from services.scoring.scores.charts.signals import signals_of
from services.scoring.scores.evaluation import Observed, evaluate
from services.scoring.scores.results import Score, Signal
from services.scoring.scores.statistics import PartStats, Place
from services.scoring.system.case_model import Text
from services.scoring.system.model import DAY_US, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.windows import WindowId


def reported(
    system: IndicatorSystem, sums: Mapping[Place, PartStats], passed_us: int, plan: BacktestPlan
) -> BacktestReport:
    """sums: of every window of every series. passed_us: windows that end here are complete."""
    found: list[SeriesBacktest] = []
    by_indicator: dict[str, dict[SeriesKey, list[Observed]]] = defaultdict(lambda: defaultdict(list))
    for (series, window), stats in sums.items():
        name = series_name(series)
        if name.window is not Window.ALL and stats.case_count > 0:
            is_complete = window.end_us <= passed_us
            by_indicator[name.indicator][series].append(Observed(series, window, stats, is_complete))
    for indicator in system.spec.indicators:
        chart = plan_of(system.spec, indicator)
        if chart is None:
            continue
        for series, windows in sorted(by_indicator[indicator.name].items()):
            windows.sort(key=lambda one: one.window)
            found.append(backtested(system, series, evaluate(system, indicator, windows), chart, passed_us, plan))
    outcomes = tuple(outcome_of(incident, found, plan.catch_us) for incident in plan.incidents)
    report = BacktestReport(plan.span, tuple(found), outcomes, Text())
    return replace(report, summary=summary_of(report))


def backtested(
    system: IndicatorSystem,
    series: SeriesKey,
    scores: Sequence[Score],
    chart: ChartPlan,
    passed_us: int,
    plan: BacktestPlan,
) -> SeriesBacktest:
    """One series: its chart drawn from nothing, as activation would draw it."""
    drawn = draw(scores, chart, series_name(series).window, passed_us)
    if drawn.baseline is None:
        return SeriesBacktest(series, 0, None, ())
    start_us, end_us = plan.span
    judged = [one for one in drawn.points if not one.in_baseline and start_us < one.window.end_us <= end_us]
    fired: dict[WindowId, list[Signal]] = defaultdict(list)
    for signal in signals_of(system.process, series, drawn, chart).values():
        if start_us < signal.window.end_us <= end_us:
            fired[signal.window].append(signal)
    alarms = tuple(alarm_of(series, fired[window], plan) for window in sorted(fired))
    return SeriesBacktest(series, len(judged), drawn.baseline.calibration.expected_arl0, alarms)


def alarm_of(series: SeriesKey, signals: Sequence[Signal], plan: BacktestPlan) -> BacktestAlarm:
    """signals: of one window."""
    first = min(signals, key=lambda one: one.rule)
    indicator, window = series_name(series).indicator, first.window
    titles = [one.title for one in plan.incidents if overlaps(one, indicator, window, plan.catch_us)]
    return BacktestAlarm(
        series,
        window,
        tuple(sorted(one.rule for one in signals)),
        first.value,
        first.centre,
        first.lower,
        first.upper,
        any(one.adverse for one in signals),
        tuple(titles),
    )


def overlaps(incident: Incident, indicator: str, window: WindowId, catch_us: int) -> bool:
    """Whether an alarm of this window can be about the incident."""
    is_meant = not incident.indicators or indicator in incident.indicators
    return is_meant and window.end_us > incident.start_us and window.start_us <= incident.end_us + catch_us


def outcome_of(incident: Incident, series: Sequence[SeriesBacktest], catch_us: int) -> IncidentOutcome:
    """Caught by the alarm that is known first."""
    alarms = [
        alarm
        for one in series
        for alarm in one.alarms
        if overlaps(incident, series_name(one.series).indicator, alarm.window, catch_us)
    ]
    if not alarms:
        return IncidentOutcome(incident)
    first = min(alarms, key=lambda alarm: (alarm.window.end_us, alarm.series))
    return IncidentOutcome(incident, first.series, first.window.end_us - incident.start_us)


def summary_of(report: BacktestReport) -> Text:
    """ "Would have fired 7 times in the last 90 days, on 3 of 12 series ..."."""
    days = (report.span[1] - report.span[0]) / DAY_US
    loud = sum(bool(one.alarms) for one in report.series)
    blind = sum(one.arl0 is None for one in report.series)
    rate = report.false_alarms_per_month
    en = (
        f"Would have fired {report.alarm_count:,} times in {days:,.0f} days, on {loud:,} of {len(report.series):,}"
        f" charted series; {rate:.3g} false alarms a month are expected in the long run."
    )
    zh = (
        f"在 {days:,.0f} 天内会报警 {report.alarm_count:,} 次，涉及 {len(report.series):,} 个受控序列中的 {loud:,} 个；"
        f"长期预计每月误报 {rate:.3g} 次。"
    )
    if blind:
        en += f" {blind:,} series have no limits yet."
        zh += f"{blind:,} 个序列尚无控制限。"
    if report.outcomes:
        caught = [one for one in report.outcomes if one.series is not None]
        en += f" Of {len(report.outcomes):,} incidents {len(caught):,} were caught."
        zh += f"{len(report.outcomes):,} 起事件中发现 {len(caught):,} 起。"
    return Text(en, zh)
