"""Overviews and annotations as protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from andon.scoring.v1 import indicator_system_pb2, overview_pb2, score_pb2

from services.scoring.scores.overview import Assurance, Variation, summary_of
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.wire.scores import (
    microseconds,
    score_of,
    series_message,
    signal_of,
    text,
    unpack_score,
    unpack_signal,
    window_id,
)

NOTES_MAX = 20
_Overview = overview_pb2.SeriesOverview
VARIATIONS: Mapping[Variation, overview_pb2.SeriesOverview.Variation.ValueType] = {
    Variation.UNKNOWN: _Overview.VARIATION_UNSPECIFIED,
    Variation.COMMON_CAUSE: _Overview.VARIATION_COMMON_CAUSE,
    Variation.IMPROVING: _Overview.VARIATION_IMPROVING,
    Variation.WORSENING: _Overview.VARIATION_WORSENING,
    Variation.SHIFTED: _Overview.VARIATION_SHIFTED,
}
ASSURANCES: Mapping[Assurance, overview_pb2.SeriesOverview.Assurance.ValueType] = {
    Assurance.UNKNOWN: _Overview.ASSURANCE_UNSPECIFIED,
    Assurance.MET: _Overview.ASSURANCE_CONSISTENTLY_MET,
    Assurance.MISSED: _Overview.ASSURANCE_CONSISTENTLY_MISSED,
    Assurance.HIT_OR_MISS: _Overview.ASSURANCE_HIT_OR_MISS,
}


def overview_message(
    key: SeriesKey,
    scores: Sequence[bytes],
    active_signals: Sequence[bytes],
    annotations: Sequence[bytes],
    system: IndicatorSystem | None,
) -> overview_pb2.SeriesOverview:
    """Messages of one series, in no order; signals of these windows. system None: its system is gone."""
    messages = sorted(map(unpack_score, scores), key=lambda one: window_id(one.interval).start_us)
    since_us = window_id(messages[0].interval).start_us if messages else 0
    signals = sorted(map(unpack_signal, active_signals), key=lambda one: (window_id(one.interval).start_us, one.name))
    notes = [overview_pb2.Annotation.FromString(raw) for raw in annotations]
    shown = sorted(
        (one for one in notes if _end_us(one) >= since_us), key=lambda one: (microseconds(one.interval.start), one.name)
    )
    indicator = system.spec.indicator_by_name.get(series_name(key).indicator) if system else None
    found = summary_of([score_of(one) for one in messages], [signal_of(one) for one in signals], indicator)
    by_start = {window_id(one.interval).start_us: one for one in messages}
    response = overview_pb2.SeriesOverview(
        series=series_message(key, system),
        latest=by_start[found.latest.window.start_us] if found.latest else None,
        previous=by_start[found.previous.window.start_us] if found.previous else None,
        provisional=messages[-1] if messages and not messages[-1].complete else None,
        target=None
        if indicator is None or (goal := indicator.target) is None
        else indicator_system_pb2.Target(value=goal.value, worst=goal.worst, lower=goal.lower, upper=goal.upper),
        variation=VARIATIONS[found.variation],
        assurance=ASSURANCES[found.assurance],
        signal=signals[-1] if signals else None,
        signal_count=len(signals),
        points=_points(messages, signals),
        annotations=shown[-NOTES_MAX:],
        explanation=text(found.explanation),
    )
    if found.limits is not None:
        limits = response.process_limits
        limits.centre, limits.lower, limits.upper = found.limits.centre, found.limits.lower, found.limits.upper
    return response


def _end_us(note: overview_pb2.Annotation) -> int:
    return microseconds(note.interval.end if note.interval.HasField("end") else note.interval.start)


def _points(scores: Sequence[score_pb2.Score], signals: Sequence[score_pb2.Signal]) -> list[overview_pb2.OverviewPoint]:
    rules: dict[int, list[str]] = {}
    for signal in signals:
        rules.setdefault(window_id(signal.interval).start_us, []).append(signal.rule)
    return [
        overview_pb2.OverviewPoint(
            interval=one.interval,
            value=one.value if one.HasField("value") else None,
            count=one.count,
            complete=one.complete,
            rules=rules.get(window_id(one.interval).start_us, ()),
            state=one.state,
        )
        for one in scores
    ]
