"""GetControlChart."""

from __future__ import annotations

from typing import Any

from andon.scoring.v1 import scoring_pb2

from services.runtime.errors import NotFound
from services.scoring.book import chart_points, series_name
from services.scoring.charts import Drawn, draw, kind_of, plan_of
from services.scoring.model import Indicator, IndicatorSystem, SeriesKey, Window
from services.scoring.servicer.desk import Desk
from services.scoring.vega import Language, control_chart
from services.scoring.wire import (
    baseline_message,
    bounds,
    chart_point_message,
    score_of,
    series_message,
    signal_of,
    window_id,
)


class ControlCharts:
    desk: Desk

    async def GetControlChart(
        self, request: scoring_pb2.GetControlChartRequest, context: Any
    ) -> scoring_pb2.GetControlChartResponse:
        tenant, key = self.desk.tenant, SeriesKey(request.series)
        system = await self.desk.system_of_series(tenant, key)
        indicator = _charted(system, key)
        assert indicator.chart is not None
        kind = kind_of(indicator.chart, indicator.aggregate)
        plan = plan_of(indicator.chart, kind, indicator.direction, indicator.target, indicator.symptom_of)
        scores = [score_of(one) for one in await self.desk.store.scores_of_series(tenant, key)]
        # Phase I lies where it lies, so all windows are drawn and those asked for are shown.
        drawn = _within(draw(chart_points(scores), plan), bounds(request.interval))
        shown = {point.window for point in drawn.points}
        messages = [
            one for one in await self.desk.store.signals_of_series(tenant, key) if window_id(one.interval) in shown
        ]
        language: Language = "zh" if request.language.startswith("zh") else "en"
        title = _title(indicator, key, language)
        return scoring_pb2.GetControlChartResponse(
            series=series_message(key, system),
            baseline=baseline_message(drawn.baseline) if drawn.baseline else None,
            points=[chart_point_message(point) for point in drawn.points],
            rules=plan.rules,
            promised_arl=plan.promised_arl,
            signals=messages,
            vega_lite=control_chart(
                title, indicator.unit, drawn, [signal_of(one) for one in messages], plan.promised_arl, language
            ),
        )


def _charted(system: IndicatorSystem, series: SeriesKey) -> Indicator:
    name = series_name(series)
    for indicator in system.spec.indicators:
        if indicator.name == name.indicator and indicator.chart is not None and name.window is not Window.ALL:
            return indicator
    raise NotFound("NOT_FOUND", "this series is not charted")


def _within(drawn: Drawn, span: tuple[int, int]) -> Drawn:
    start_us, end_us = span
    return Drawn(drawn.baseline, tuple(point for point in drawn.points if start_us <= point.window.start_us < end_us))


def _title(indicator: Indicator, series: SeriesKey, language: Language) -> str:
    title = indicator.title
    chosen = (title.zh or title.en) if language == "zh" else (title.en or title.zh)
    _, brace, rest = series.partition("{")
    return f"{chosen or indicator.name} ({rest.removesuffix('}')})" if brace else chosen or indicator.name
