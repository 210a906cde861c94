"""Whether phase I of a chart is frozen, or what it waits for, in words."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from services.scoring.scores.charts.chart_plan import ChartPlan
from services.scoring.scores.charts.chart_state import Collecting, ControlChartState, Unusable, Watching
from services.scoring.scores.charts.points import has_enough
from services.scoring.scores.results import PhaseOneState, PhaseOneStatus, Score
from services.scoring.system.case_model import Text


def phase_one_status(state: ControlChartState, scores: Collection[Score], plan: ChartPlan) -> PhaseOneStatus:
    """Of the chart of a series in its present state. scores: at least those that are not complete."""
    match state.phase:
        case Watching(baseline=baseline):
            count = baseline.window_count
            said = Text(f"phase I of {count} windows is frozen", f"基线期已冻结，共 {count} 个窗口")
            return PhaseOneStatus(PhaseOneState.FROZEN, count, 0, said)
        case Unusable(why, count):
            return PhaseOneStatus(why, count, 0, _unusable(why, count))
        case Collecting(points) if plan.baseline_start_us is None and plan.baseline_end_us is None:
            return _missing(len(points), state.phase.thin_count, scores, plan)
        case Collecting(points):
            return PhaseOneStatus(PhaseOneState.INTERVAL_OPEN, len(points), 0, _open_interval(len(points), plan))
        case _:
            assert_never(state.phase)


def _missing(count: int, few: int, scores: Collection[Score], plan: ChartPlan) -> PhaseOneStatus:
    missing = plan.baseline_windows - count
    provisional = sum(has_enough(score) and not score.complete for score in scores)
    more = f"; {few} more {'has' if few == 1 else 'have'} too few cases"
    thin = Text(more, f"；另有 {few} 个窗口案例过少") if few else Text()
    of = f"{count} of {plan.baseline_windows} windows"
    if provisional >= missing:
        state = PhaseOneState.WINDOWS_PROVISIONAL
        said = Text(
            f"phase I is not complete: {of}; the last one waits for a later event, which shows that it is over",
            f"基线期尚未完成：{count}/{plan.baseline_windows} 个窗口；最后一个窗口须待更晚的事件到达才算结束",
        )
    else:
        state = PhaseOneState.WINDOWS_MISSING
        said = Text(
            f"phase I is not complete: {of}, {missing} {'is' if missing == 1 else 'are'} missing",
            f"基线期尚未完成：{count}/{plan.baseline_windows} 个窗口，还缺 {missing} 个",
        )
    return PhaseOneStatus(state, count, missing, Text(said.en + thin.en, said.zh + thin.zh))


def _open_interval(count: int, plan: ChartPlan) -> Text:
    if plan.baseline_end_us is None:
        return Text(
            "phase I is an interval without an end, so it is never complete", "基线期的区间没有终点，永远不会完成"
        )
    local = datetime.fromtimestamp(plan.baseline_end_us / 1e6, ZoneInfo(plan.zone.name))
    end = f"{local:%Y-%m-%d %H:%M} ({plan.zone.name})"
    return Text(
        f"phase I is not complete: its interval ends at {end}, and no window after that is complete yet "
        f"({count} windows so far)",
        f"基线期尚未完成：其区间止于 {end}，此后尚无完整窗口（目前 {count} 个窗口）",
    )


def _unusable(why: PhaseOneState, count: int) -> Text:
    if why is PhaseOneState.NO_SPREAD:
        return Text(
            f"not judged: phase I has no spread, all its {count} windows are alike",
            f"不作判断：基线期没有波动，{count} 个窗口的数值全部相同",
        )
    return Text(
        f"not judged: the interval of phase I is over; {count} of its windows hold enough data, at least 2 are needed",
        f"不作判断：基线期区间已结束，其中只有 {count} 个窗口数据充足，至少需要 2 个",
    )
