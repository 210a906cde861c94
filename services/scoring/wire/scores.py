"""Scores, signals and charts as protobuf, both ways."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from andon.common.v1 import interval_pb2, text_pb2
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import score_pb2, scoring_pb2
from andon_quality.calibration import ShiftDetection
from google.protobuf.timestamp_pb2 import Timestamp

from services.runtime.errors import invalid
from services.scoring.scores.results import (
    Baseline,
    CentreBound,
    ChartPoint,
    LimitCalibration,
    PhaseOneStatus,
    Score,
    ScoreState,
    Signal,
    SignalState,
)
from services.scoring.system.case_model import Text
from services.scoring.system.hierarchy import OVERALL, tree_of
from services.scoring.system.lint_findings import Finding, Severity
from services.scoring.system.model import Aggregate, Direction, IndicatorSystem, Window
from services.scoring.system.series import SeriesFilter, SeriesKey, series_name, slice_of
from services.scoring.system.windows import ALL_TIME, EARLIEST_US, LATEST_US, WindowId

WINDOWS: Mapping[Window, int] = {
    Window.HOUR: system_pb.WINDOW_HOUR,
    Window.DAY: system_pb.WINDOW_DAY,
    Window.WEEK: system_pb.WINDOW_WEEK,
    Window.MONTH: system_pb.WINDOW_MONTH,
    Window.ALL: system_pb.WINDOW_ALL,
    Window.QUARTER: system_pb.WINDOW_QUARTER,
    Window.YEAR: system_pb.WINDOW_YEAR,
}
WINDOW_KINDS: Mapping[int, Window] = {number: window for window, number in WINDOWS.items()}
DIRECTIONS: Mapping[Direction, int] = {
    Direction.UNSPECIFIED: system_pb.DIRECTION_UNSPECIFIED,
    Direction.LOWER_IS_BETTER: system_pb.DIRECTION_LOWER_IS_BETTER,
    Direction.HIGHER_IS_BETTER: system_pb.DIRECTION_HIGHER_IS_BETTER,
    Direction.TARGET_IS_BETTER: system_pb.DIRECTION_TARGET_IS_BETTER,
}


def timestamp(us: int) -> Timestamp:
    return Timestamp(seconds=us // 1_000_000, nanos=us % 1_000_000 * 1000)


def microseconds(stamp: Timestamp) -> int:
    return int(stamp.seconds) * 1_000_000 + stamp.nanos // 1000


def instant(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


def interval(window: WindowId) -> interval_pb2.Interval:
    """All of time has neither start nor end."""
    if window == ALL_TIME:
        return interval_pb2.Interval()
    return interval_pb2.Interval(start=timestamp(window.start_us), end=timestamp(window.end_us))


def window_id(span: interval_pb2.Interval) -> WindowId:
    if not span.HasField("start"):
        return ALL_TIME
    return WindowId(microseconds(span.start), microseconds(span.end))


def bounds(span: interval_pb2.Interval) -> tuple[int, int]:
    """Start and end in microseconds; an absent side is open. INVALID_ARGUMENT where it ends before its start."""
    start_us = microseconds(span.start) if span.HasField("start") else EARLIEST_US
    end_us = microseconds(span.end) if span.HasField("end") else LATEST_US
    if end_us < start_us:
        raise invalid("interval", "must not end before its start")
    return start_us, end_us


def text(given: Text) -> text_pb2.Text:
    return text_pb2.Text(en=given.en, zh=given.zh)


def score_message(score: Score, now_us: int | None) -> score_pb2.Score:
    """now_us: when it is published; None: it is not."""
    message = score_pb2.Score(
        series=score.series,
        interval=interval(score.window),
        value=score.value,
        count=score.count,
        unobserved_count=score.unobserved,
        state=score_pb2.ScoreState.ValueType(int(score.state)),
        points=score.points,
        points_low=score.points_low,
        points_high=score.points_high,
        revision=score.revision,
        reason=score.reason,
        complete=score.complete,
        system_version=score.version,
        score_time=None if now_us is None else timestamp(now_us),
    )
    if score.total is not None:
        message.moments.CopyFrom(
            score_pb2.Moments(total=str(score.total), squares=str(score.squares), resolution=score.resolution)
        )
    return message


def score_of(message: score_pb2.Score) -> Score:
    exact = message.HasField("moments")
    return Score(
        series=SeriesKey(message.series),
        window=window_id(message.interval),
        value=message.value if message.HasField("value") else None,
        count=message.count,
        unobserved=message.unobserved_count,
        state=ScoreState(message.state),
        points=message.points if message.HasField("points") else None,
        points_low=message.points_low if message.HasField("points_low") else None,
        points_high=message.points_high if message.HasField("points_high") else None,
        complete=message.complete,
        version=message.system_version,
        total=int(message.moments.total) if exact else None,
        squares=int(message.moments.squares) if exact else None,
        resolution=message.moments.resolution if exact else 1.0,
        revision=message.revision,
        reason=message.reason,
    )


def baseline_message(baseline: Baseline) -> score_pb2.Baseline:
    return score_pb2.Baseline(
        interval=interval_pb2.Interval(start=timestamp(baseline.start_us), end=timestamp(baseline.end_us)),
        window_count=baseline.window_count,
        centre=baseline.centre,
        sigma=baseline.sigma,
        overdispersion=baseline.overdispersion,
        chart=baseline.chart,
        limit_width=baseline.limit_width,
        calibration=_calibration_message(baseline.calibration),
        centre_bound=score_pb2.Baseline.CentreBound.ValueType(int(baseline.centre_bound)),
    )


def _calibration_message(calibration: LimitCalibration) -> score_pb2.LimitCalibration:
    seen = calibration.detection
    return score_pb2.LimitCalibration(
        requested_arl0=calibration.requested_arl0,
        expected_arl0=calibration.expected_arl0,
        sides=calibration.sides,
        lag1_autocorrelation=calibration.lag1_autocorrelation,
        skewness=calibration.skewness,
        method=calibration.method,
        is_capped=calibration.is_capped,
        detection=None
        if seen is None
        else score_pb2.ShiftDetection(
            shift_sigma=seen.shift,
            within_windows=seen.within,
            probability=seen.chance,
            detects=seen.detects,
            median_delay_windows=None if math.isinf(seen.delay) else round(seen.delay),
        ),
    )


def _calibration_of(message: score_pb2.LimitCalibration) -> LimitCalibration:
    seen = message.detection
    delay = seen.median_delay_windows if seen.HasField("median_delay_windows") else math.inf
    return LimitCalibration(
        requested_arl0=message.requested_arl0,
        expected_arl0=message.expected_arl0,
        sides=message.sides,
        lag1_autocorrelation=message.lag1_autocorrelation,
        skewness=message.skewness,
        method=message.method,
        is_capped=message.is_capped,
        detection=ShiftDetection(seen.shift_sigma, seen.within_windows, seen.probability, delay)
        if message.HasField("detection")
        else None,
    )


def _baseline_of(message: score_pb2.Baseline) -> Baseline:
    return Baseline(
        start_us=microseconds(message.interval.start),
        end_us=microseconds(message.interval.end),
        window_count=message.window_count,
        centre=message.centre,
        sigma=message.sigma,
        overdispersion=message.overdispersion,
        chart=message.chart,
        limit_width=message.limit_width,
        calibration=_calibration_of(message.calibration),
        centre_bound=CentreBound(message.centre_bound),
    )


def signal_message(signal: Signal, now_us: int, traceparent: str) -> score_pb2.Signal:
    return score_pb2.Signal(
        name=signal.name,
        series=signal.series,
        interval=interval(signal.window),
        rule=signal.rule,
        statistic=signal.statistic,
        value=signal.value,
        centre=signal.centre,
        lower=signal.lower,
        upper=signal.upper,
        baseline=baseline_message(signal.baseline),
        arl0=signal.arl0,
        adverse=signal.adverse,
        state=score_pb2.Signal.State.ValueType(int(signal.state)),
        reason=signal.reason,
        revision=signal.revision,
        signal_time=timestamp(now_us),
        traceparent=traceparent,
        symptom_of=signal.symptom_of,
    )


def signal_of(message: score_pb2.Signal) -> Signal:
    return Signal(
        name=message.name,
        series=SeriesKey(message.series),
        window=window_id(message.interval),
        rule=message.rule,
        statistic=message.statistic,
        value=message.value,
        centre=message.centre,
        lower=message.lower,
        upper=message.upper,
        baseline=_baseline_of(message.baseline),
        arl0=message.arl0,
        adverse=message.adverse,
        symptom_of=tuple(message.symptom_of),
        state=SignalState(message.state),
        reason=message.reason,
        revision=message.revision,
    )


def phase_one_message(status: PhaseOneStatus) -> scoring_pb2.PhaseOneStatus:
    return scoring_pb2.PhaseOneStatus(
        state=scoring_pb2.PhaseOneStatus.State.ValueType(int(status.state)),
        window_count=status.window_count,
        windows_missing=status.windows_missing,
        explanation=text(status.explanation),
    )


def chart_point_message(point: ChartPoint) -> scoring_pb2.ChartPoint:
    return scoring_pb2.ChartPoint(
        interval=interval(point.window),
        value=point.value,
        statistic=point.statistic,
        count=point.count,
        centre=point.centre,
        lower=point.lower,
        upper=point.upper,
        in_baseline=point.in_baseline,
        rules=point.rules,
    )


def series_message(series: SeriesKey, system: IndicatorSystem | None) -> score_pb2.Series:
    name = series_name(series)
    title, unit, direction, is_share = _about(name.indicator, name.window, system)
    return score_pb2.Series(
        key=series,
        process=name.process,
        system=name.system,
        indicator=name.indicator,
        window=system_pb.Window.ValueType(WINDOWS[name.window]),
        slice=slice_of(series),
        title=text(title),
        unit=unit,
        direction=system_pb.Direction.ValueType(DIRECTIONS[direction]),
        is_share=is_share,
    )


def _about(indicator: str, window: Window, system: IndicatorSystem | None) -> tuple[Text, str, Direction, bool]:
    for one in system.spec.indicators if system else ():
        if one.name == indicator:
            return one.title, one.unit, one.direction, one.aggregate is Aggregate.SHARE
    tree = tree_of(system, window) if system else None
    for node in tree.nodes if tree else ():
        if node.name == indicator:
            return node.title, "points", Direction.HIGHER_IS_BETTER, False
    return Text(OVERALL if indicator == OVERALL else indicator), "", Direction.UNSPECIFIED, False


def finding_message(finding: Finding) -> scoring_pb2.LintFinding:
    severity = (
        scoring_pb2.LintFinding.SEVERITY_ERROR
        if finding.severity is Severity.ERROR
        else scoring_pb2.LintFinding.SEVERITY_WARNING
    )
    return scoring_pb2.LintFinding(
        severity=severity, field=finding.field, check=finding.check, message=text(finding.message)
    )


def filter_of(message: scoring_pb2.SeriesFilter) -> SeriesFilter:
    return SeriesFilter(
        message.process,
        message.system,
        frozenset(message.indicators),
        frozenset(WINDOW_KINDS.get(number) for number in message.windows),
        frozenset(message.series),
        message.unsliced_only,
    )


def unpack_score(raw: bytes) -> score_pb2.Score:
    return score_pb2.Score.FromString(raw)


def unpack_signal(raw: bytes) -> score_pb2.Signal:
    return score_pb2.Signal.FromString(raw)


def pack_scores(scores: Iterable[score_pb2.Score]) -> bytes:
    return scoring_pb2.WatchScoresResponse(scores=scores).SerializeToString()


def unpack_scores(raw: bytes) -> list[score_pb2.Score]:
    return list(scoring_pb2.WatchScoresResponse.FromString(raw).scores)


def pack_signals(signals: Iterable[score_pb2.Signal]) -> bytes:
    return scoring_pb2.WatchSignalsResponse(signals=signals).SerializeToString()


def unpack_signals(raw: bytes) -> list[score_pb2.Signal]:
    return list(scoring_pb2.WatchSignalsResponse.FromString(raw).signals)
