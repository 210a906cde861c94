"""Back-tests as protobuf, both ways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from andon.common.v1 import interval_pb2, text_pb2
from andon.scoring.v1 import system_review_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from services.scoring.scores.backtest_report import (
    BacktestAlarm,
    BacktestPlan,
    BacktestReport,
    Incident,
    IncidentOutcome,
    SeriesBacktest,
)
from services.scoring.system.model import DAY_US, IndicatorSystem
from services.scoring.system.stored_backtest import BacktestRow
from services.scoring.system.version import SystemVersion
from services.scoring.system.windows import LATEST_US
from services.scoring.wire.scores import bounds, interval, microseconds, text, timestamp
from services.scoring.wire.systems import spec_of, stored_system

DAYS = 90
SERIES_MAX, ALARMS_MAX = 2_000, 500


def unpacked_request(
    row: BacktestRow, stored: SystemVersion | None
) -> tuple[IndicatorSystem, Callable[[int], BacktestPlan]]:
    """What is scored, and the plan once it is known until when windows are complete. stored None: a document."""
    request = pb.CreateBacktestRequest.FromString(row.request)
    if stored is not None:
        system = stored_system(stored)
    else:
        system = IndicatorSystem(row.system_name, row.version, spec_of(request.document))
    incidents = tuple(
        Incident(
            one.title,
            microseconds(one.interval.start),
            microseconds(one.interval.end if one.interval.HasField("end") else one.interval.start),
            frozenset(one.indicators),
        )
        for one in request.incidents
    )
    catch_us = round(request.catch_within.ToMicroseconds())
    start_us, end_us = bounds(request.interval)

    def plan_at(passed_us: int) -> BacktestPlan:
        end = min(end_us, passed_us)
        start = start_us if request.interval.HasField("start") else end - DAYS * DAY_US
        return BacktestPlan((start, end), incidents, catch_us)

    return system, plan_at


def packed_report(report: BacktestReport, active_alarm_count: int | None) -> bytes:
    loudest = sorted(report.series, key=lambda one: (-len(one.alarms), one.series))[:SERIES_MAX]
    return pb.BacktestReport(
        summary=text(report.summary),
        interval=_interval(*report.span),
        alarm_count=report.alarm_count,
        active_alarm_count=active_alarm_count,
        expected_false_alarms_per_month=report.false_alarms_per_month,
        series=[series_backtest_message(one) for one in sorted(loudest, key=lambda one: one.series)],
        series_count=len(report.series),
        incidents=[outcome_message(one) for one in report.outcomes],
        unmatched_alarm_count=report.unmatched_count,
    ).SerializeToString()


def backtest_message(row: BacktestRow) -> pb.Backtest:
    request = pb.CreateBacktestRequest.FromString(row.request)
    made = pb.Backtest(
        name=f"backtests/{row.id}",
        indicator_system=row.system_name,
        version=row.version,
        interval=request.interval,
        state=pb.Backtest.State.ValueType(int(row.state)),
        progress=row.progress,
        event_count=row.event_count,
        report=pb.BacktestReport.FromString(row.report) if row.report else None,
    )
    if row.error:
        made.error.CopyFrom(text_pb2.Text(en=row.error))
    made.create_time.FromDatetime(row.create_time)
    if row.end_time is not None:
        made.end_time.FromDatetime(row.end_time)
    return made


def _interval(start_us: int, end_us: int) -> interval_pb2.Interval:
    """Only times that a timestamp can say."""
    made = interval_pb2.Interval()
    if start_us > -LATEST_US // 2**10:
        made.start.CopyFrom(timestamp(start_us))
    if end_us < LATEST_US // 2**10:
        made.end.CopyFrom(timestamp(end_us))
    return made


def series_backtest_message(one: SeriesBacktest) -> pb.SeriesBacktest:
    return pb.SeriesBacktest(
        series=one.series,
        window_count=one.window_count,
        arl0=one.arl0,
        expected_false_alarms_per_month=one.false_alarms_per_month,
        alarm_count=len(one.alarms),
        alarms=map(alarm_message, one.alarms[:ALARMS_MAX]),
    )


def alarm_message(one: BacktestAlarm) -> pb.BacktestAlarm:
    return pb.BacktestAlarm(
        interval=interval(one.window),
        rules=one.rules,
        value=one.value,
        centre=one.centre,
        lower=one.lower,
        upper=one.upper,
        adverse=one.adverse,
        incidents=one.incidents,
    )


def outcome_message(one: IncidentOutcome) -> pb.IncidentOutcome:
    made = pb.IncidentOutcome(
        title=one.incident.title,
        interval=_interval(one.incident.start_us, one.incident.end_us),
        is_caught=one.series is not None,
        series=one.series or "",
    )
    if one.delay_us is not None:
        delay = Duration()
        delay.FromTimedelta(timedelta(microseconds=one.delay_us))
        made.delay.CopyFrom(delay)
    return made
