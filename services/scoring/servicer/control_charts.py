"""GetControlChart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from andon.scoring.v1 import scoring_pb2

from services.runtime.errors import NotFound
from services.scoring.scores.charts.chart import advance
from services.scoring.scores.charts.chart_plan import ChartPlan, asked_arl, plan_of
from services.scoring.scores.charts.derivation import derivation_of
from services.scoring.scores.charts.part import ChartPart, part_of
from services.scoring.scores.charts.phase_one import sides_of
from services.scoring.scores.charts.phase_one_status import phase_one_status
from services.scoring.scores.charts.vega import Language, control_chart
from services.scoring.servicer.request_context import RequestContext
from services.scoring.system.model import Aggregate, Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.system.windows import LATEST_US
from services.scoring.wire.scores import (
    baseline_message,
    bounds,
    chart_point_message,
    phase_one_message,
    score_of,
    series_message,
    signal_of,
    text,
    unpack_score,
    unpack_signal,
    window_id,
)


class ControlChartRpcs:
    requests: RequestContext

    async def GetControlChart(
        self, request: scoring_pb2.GetControlChartRequest, context: Any
    ) -> scoring_pb2.GetControlChartResponse:
        tenant, key = self.requests.tenant, SeriesKey(request.series)
        system = await self.requests.system_of_series(tenant, key)
        passed_us = (await self.requests.silent_series(tenant, system)).passed_us
        span = bounds(request.interval)
        async with self.requests.store.chart((tenant, system.name, system.version), key) as reader:
            stored = await reader.states(*span)
            part = part_of(stored.present, stored.start, stored.end_us)
            scores = await reader.scores(part.base.end.through_us, part.end_us)
            # What phase I waits for is seen in the last windows alone.
            waits = not part.present.is_judged and not part.is_last
            latest = await reader.scores(part.present.end.through_us, LATEST_US) if waits else []
            signals = await reader.signals(*span)
        # There may be thousands of windows to draw and to write: nothing for a loop.
        return await asyncio.to_thread(_response, request, system, part, ChartRows(scores, latest, signals), passed_us)


@dataclass(frozen=True)
class ChartRows:
    """Messages in order of time: scores of the part of a chart, its latest scores, and its active signals."""

    scores: Sequence[bytes]
    latest: Sequence[bytes]
    signals: Sequence[bytes]


def _response(
    request: scoring_pb2.GetControlChartRequest,
    system: IndicatorSystem,
    part: ChartPart,
    rows: ChartRows,
    passed_us: int,
) -> scoring_pb2.GetControlChartResponse:
    """passed_us: windows that end here are complete, empty ones too."""
    key = SeriesKey(request.series)
    indicator, plan = _charted(system, key)
    window = series_name(key).window
    scores, latest = ([score_of(unpack_score(row)) for row in some] for some in (rows.scores, rows.latest))
    state, drawn = part.drawn(scores, plan, window, bounds(request.interval), passed_us)
    if part.present.is_judged or part.is_last:
        status = phase_one_status(state, scores, plan)
    else:
        status = phase_one_status(advance(part.present, latest, plan, window, passed_us)[0], latest, plan)
    if drawn.baseline is not None:
        arl0 = drawn.baseline.calibration.expected_arl0
    else:
        # Before phase I is complete its centre is unknown: it counts as on target.
        arl0 = asked_arl(plan, sides_of(plan, plan.target or 0.0, 1.0))
    shown = {point.window for point in drawn.points}
    signals = [unpack_signal(row) for row in rows.signals]
    messages = [one for one in signals if window_id(one.interval) in shown]
    language: Language = "zh" if request.language.startswith("zh") else "en"
    title = _title(indicator, key, language)
    return scoring_pb2.GetControlChartResponse(
        series=series_message(key, system),
        baseline=baseline_message(drawn.baseline) if drawn.baseline else None,
        points=[chart_point_message(point) for point in drawn.points],
        rules=plan.rules,
        arl0=arl0,
        signals=messages,
        vega_lite=control_chart(
            title,
            indicator.unit,
            indicator.aggregate is Aggregate.SHARE,
            drawn,
            [signal_of(one) for one in messages],
            arl0,
            language,
            status.explanation,
            plan.zone,
        ),
        derivation=text(derivation_of(drawn.baseline)) if drawn.baseline else None,
        phase_one=phase_one_message(status),
    )


def _charted(system: IndicatorSystem, series: SeriesKey) -> tuple[Indicator, ChartPlan]:
    name = series_name(series)
    for indicator in system.spec.indicators:
        plan = plan_of(system.spec, indicator) if indicator.name == name.indicator else None
        if plan is not None and name.window is not Window.ALL:
            return indicator, plan
    raise NotFound("NOT_FOUND", "this series is not charted")


def _title(indicator: Indicator, series: SeriesKey, language: Language) -> str:
    title = indicator.title
    chosen = (title.zh or title.en) if language == "zh" else (title.en or title.zh)
    _, brace, rest = series.partition("{")
    return f"{chosen or indicator.name} ({rest.removesuffix('}')})" if brace else chosen or indicator.name
