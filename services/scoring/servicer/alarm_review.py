"""AlarmReviewService: verdicts on signals, precision by rule, and requested against realised false alarms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from andon.scoring.v1 import alarm_review_pb2 as pb
from andon.scoring.v1 import alarm_review_pb2_grpc, score_pb2

from services.runtime.errors import NotFound, invalid
from services.runtime.identity import current_caller
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.requests import idempotency_key
from services.scoring.scores.alarm_precision import Precision, judged_signals, precision_of, precisions, realised
from services.scoring.scores.charts.chart_plan import ChartPlan, asked_arl, plan_of
from services.scoring.scores.charts.phase_one import sides_of
from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.backtests import LATEST
from services.scoring.store.verdicts import MonitorCounts, VerdictPlace
from services.scoring.system.model import IndicatorSystem, Window
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.wire.confidence import confidence_of
from services.scoring.wire.scores import bounds, filter_of, series_message, text, unpack_signal, window_id

COMMENT_MAX = 1_000
VERDICTS_PAGE, VERDICTS_PAGE_MAX = 100, 1_000
MONITORS_PAGE, MONITORS_PAGE_MAX = 100, 500
SIGNALS_MAX = 20_000
SIGNALS_AT_ONCE = 2_000


class AlarmReviewServicer(alarm_review_pb2_grpc.AlarmReviewServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

    async def JudgeSignal(self, request: pb.JudgeSignalRequest, context: Any) -> pb.JudgeSignalResponse:
        key = idempotency_key(request)
        if not request.verdict:
            raise invalid("verdict", "is required", "FIELD_REQUIRED")
        if len(request.comment) > COMMENT_MAX:
            raise invalid("comment", f"has more than {COMMENT_MAX:,} characters")
        async with self.requests.store.editing(self.requests.tenant) as editor:
            first = await editor.first_answer(key)
            if first is not None:
                return pb.JudgeSignalResponse.FromString(first)
            found = await editor.verdicts.signal(request.signal)
            if found is None:
                raise NotFound("NOT_FOUND", "there is no such signal")
            signal, reviewer = unpack_signal(found), current_caller().subject
            made = pb.SignalVerdict(
                signal=signal.name,
                series=signal.series,
                rule=signal.rule,
                interval=signal.interval,
                verdict=request.verdict,
                comment=request.comment,
                reviewer=reviewer,
            )
            made.verdict_time.FromDatetime(datetime.now(UTC))
            answer = pb.JudgeSignalResponse(verdict=made)
            if not request.validate_only:
                start_us = window_id(signal.interval).start_us
                await editor.verdicts.store(
                    signal.name, reviewer, request.verdict, signal.series, start_us, made.SerializeToString()
                )
                await editor.store_answer(key, "JudgeSignal", answer.SerializeToString())
        return answer

    async def ListVerdicts(self, request: pb.ListVerdictsRequest, context: Any) -> pb.ListVerdictsResponse:
        size = page_size(request.page_size, VERDICTS_PAGE, VERDICTS_PAGE_MAX)
        time, signal, reviewer = place_of(request, LATEST.isoformat(), "", "")
        before = VerdictPlace(datetime.fromisoformat(time), signal, reviewer)
        rows = await self.requests.store.list_verdicts(self.requests.tenant, request.signal, before, size + 1)
        last = rows[size - 1][0] if len(rows) > size else None
        return pb.ListVerdictsResponse(
            verdicts=[pb.SignalVerdict.FromString(body) for _, body in rows[:size]],
            next_page_token=page_token(request, last.time.isoformat(), last.signal, last.reviewer) if last else "",
        )

    async def GetAlarmPrecision(
        self, request: pb.GetAlarmPrecisionRequest, context: Any
    ) -> pb.GetAlarmPrecisionResponse:
        tenant, confidence = self.requests.tenant, confidence_of(request.confidence)
        signals: list[score_pb2.Signal] = []
        after, wanted = "", filter_of(request.filter)
        while True:
            rows = await self.requests.store.list_signals(
                tenant, wanted, bounds(request.interval), False, after, SIGNALS_AT_ONCE
            )
            signals += await asyncio.to_thread(lambda: [unpack_signal(row) for row in rows])  # noqa: B023
            if len(signals) > SIGNALS_MAX:
                raise invalid("interval", f"holds more than {SIGNALS_MAX:,} signals: narrow it")
            if len(rows) < SIGNALS_AT_ONCE:
                break
            after = signals[-1].name
        verdicts = await self.requests.store.verdicts_of(tenant, [one.name for one in signals])
        return await asyncio.to_thread(_precision, signals, verdicts, confidence)

    async def ListMonitorReviews(
        self, request: pb.ListMonitorReviewsRequest, context: Any
    ) -> pb.ListMonitorReviewsResponse:
        size = page_size(request.page_size, MONITORS_PAGE, MONITORS_PAGE_MAX)
        tenant, confidence = self.requests.tenant, confidence_of(request.confidence)
        (after,) = place_of(request, "")
        store = self.requests.store
        keys = await store.list_series(tenant, filter_of(request.filter), after, size + 1)
        systems = await self.requests.systems_of(tenant, keys[:size])
        charted = await asyncio.to_thread(_charted, keys[:size], systems)
        series = [key for key, _, _ in charted]
        sizes = [plan.baseline_windows for _, _, plan in charted]
        counts = await store.monitor_counts(tenant, series, sizes, bounds(request.interval))
        return pb.ListMonitorReviewsResponse(
            monitors=await asyncio.to_thread(_monitors, charted, counts, confidence),
            next_page_token=page_token(request, keys[size - 1]) if len(keys) > size else "",
        )


def precision_message(one: Precision) -> pb.AlarmPrecision:
    return pb.AlarmPrecision(
        name=one.name,
        signal_count=one.signals,
        true_count=one.true,
        false_count=one.false,
        disputed_count=one.disputed,
        precision=one.value,
        lower=one.interval[0] if one.interval else None,
        upper=one.interval[1] if one.interval else None,
    )


def _precision(
    signals: Sequence[score_pb2.Signal], verdicts: Sequence[tuple[str, int]], confidence: float
) -> pb.GetAlarmPrecisionResponse:
    named = ((one.name, one.rule, one.series.partition("@")[0]) for one in signals)
    judged = judged_signals(named, verdicts)
    return pb.GetAlarmPrecisionResponse(
        total=precision_message(precision_of("", judged, confidence)),
        rules=map(precision_message, precisions(judged, lambda one: one.rule, confidence)),
        indicators=map(precision_message, precisions(judged, lambda one: one.indicator, confidence)),
        confidence=confidence,
    )


def _charted(
    keys: Sequence[SeriesKey], systems: Mapping[SeriesKey, IndicatorSystem]
) -> list[tuple[SeriesKey, IndicatorSystem, ChartPlan]]:
    found = []
    for key in keys:
        name, system = series_name(key), systems.get(key)
        indicator = system.spec.indicator_by_name.get(name.indicator) if system else None
        if system is not None and indicator is not None and name.window is not Window.ALL:
            plan = plan_of(system.spec, indicator)
            if plan is not None:
                found.append((key, system, plan))
    return found


def _monitors(
    charted: Sequence[tuple[SeriesKey, IndicatorSystem, ChartPlan]], counts: Sequence[MonitorCounts], confidence: float
) -> list[pb.MonitorReview]:
    made = []
    for (key, system, plan), count in zip(charted, counts, strict=True):
        requested = asked_arl(plan, sides_of(plan, plan.target or 0.0, 1.0))
        found = realised(count.windows, requested, count.alarms, count.true_alarms, confidence)
        made.append(
            pb.MonitorReview(
                series=series_message(key, system),
                window_count=count.windows,
                requested_arl0=requested,
                expected_false_alarms=found.expected,
                alarm_count=count.alarms,
                true_alarm_count=count.true_alarms,
                false_alarm_count=count.false_alarms,
                unexplained_count=found.unexplained,
                unexplained_lower=found.lower,
                unexplained_upper=found.upper,
                state=pb.MonitorReview.State.ValueType(found.state.value),
                explanation=text(found.explanation),
            )
        )
    return made
