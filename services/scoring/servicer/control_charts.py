"""GetControlChart."""

from __future__ import annotations

import asyncio
from typing import Any

from andon.scoring.v1 import scoring_pb2

from services.runtime.errors import NotFound
from services.scoring.scores.charts.chart import Drawn, advance
from services.scoring.scores.charts.chart_plan import ChartPlan, asked_arl, plan_of
from services.scoring.scores.charts.chart_state import START
from services.scoring.scores.charts.derivation import derivation_of
from services.scoring.scores.charts.phase_one import sides_of
from services.scoring.scores.charts.phase_one_status import phase_one_status
from services.scoring.scores.charts.vega import Language, control_chart
from services.scoring.servicer.request_context import RequestContext
from services.scoring.system.model import Aggregate, Indicator, IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name
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
        scores = await self.requests.store.scores_of_series(tenant, key)
        signals = await self.requests.store.signals_of_series(tenant, key)
        passed_us = (await self.requests.silent_series(tenant, system)).passed_us
        # Thousands of windows to read, to draw and to write: nothing for a loop.
        return await asyncio.to_thread(_response, request, system, scores, signals, passed_us)


def _response(
    request: scoring_pb2.GetControlChartRequest,
    system: IndicatorSystem,
    rows: list[bytes],
    signal_rows: list[bytes],
    passed_us: int,
) -> scoring_pb2.GetControlChartResponse:
    """rows, signal_rows: scores and active signals of the series as messages, in order of time.

    passed_us: windows that end here are complete, empty ones too.
    """
    key = SeriesKey(request.series)
    indicator, plan = _charted(system, key)
    scores = [score_of(unpack_score(row)) for row in rows]
    # Phase I lies where it lies, so all windows are drawn and those asked for are shown.
    state, whole = advance(START, scores, plan, series_name(key).window, passed_us)
    status = phase_one_status(state, scores, plan)
    start_us, end_us = bounds(request.interval)
    inside = tuple(point for point in whole.points if start_us <= point.window.start_us < end_us)
    drawn = Drawn(whole.baseline, inside)
    if drawn.baseline is not None:
        arl0 = drawn.baseline.calibration.expected_arl0
    else:
        # Before phase I is complete its centre is unknown: it counts as on target.
        arl0 = asked_arl(plan, sides_of(plan, plan.target or 0.0, 1.0))
    shown = {point.window for point in drawn.points}
    signals = [unpack_signal(row) for row in signal_rows]
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
