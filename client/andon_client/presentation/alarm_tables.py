"""Verdicts, the precision of alarms and the review of monitors, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from andon.scoring.v1 import alarm_review_pb2 as pb

from andon_client.presentation.formats import number, optional, span, when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, TableCell, Tone, table_columns, table_row

MONITOR_TONES: Mapping[int, Tone] = {
    pb.MonitorReview.STATE_AS_REQUESTED: "good",
    pb.MonitorReview.STATE_TOO_MANY: "bad",
    pb.MonitorReview.STATE_TOO_FEW: "fair",
    pb.MonitorReview.STATE_UNSPECIFIED: "quiet",
}


def verdicts_table(found: Sequence[pb.SignalVerdict], locale: str, zone: tzinfo) -> Table:
    rows = [
        table_row(
            one.signal,
            one.series,
            span(one.interval, locale, zone),
            one.rule,
            named(pb.AlarmVerdict, one.verdict, locale),
            one.comment or "-",
            one.reviewer,
            when(one.verdict_time, zone),
        )
        for one in found
    ]
    names = ("=name", "series", "window", "rule", "verdict", "text", "author", "judged_at")
    return Table(say("verdicts", locale), table_columns(locale, *names), rows)


def precision_table(found: Sequence[pb.AlarmPrecision], locale: str) -> Table:
    rows = [
        table_row(
            one.name or say("all_alarms", locale),
            f"{one.signal_count:,}",
            f"{one.true_count:,}",
            f"{one.false_count:,}",
            f"{one.disputed_count:,}",
            _percent(optional(one, "precision")),
            f"{_percent(optional(one, 'lower'))} – {_percent(optional(one, 'upper'))}"
            if one.HasField("precision")
            else "-",
        )
        for one in found
    ]
    names = ("name", ">signals", ">true_alarms", ">false", ">disputed", ">precision", "interval")
    return Table(say("alarm_precision", locale), table_columns(locale, *names), rows)


def monitors_table(found: Sequence[pb.MonitorReview], locale: str) -> Table:
    rows = [
        [
            TableCell(one.series.key),
            TableCell(f"{one.window_count:,}"),
            TableCell(number(one.requested_arl0)),
            TableCell(number(one.expected_false_alarms)),
            TableCell(f"{one.unexplained_count:,}"),
            TableCell(f"{number(one.unexplained_lower)} – {number(one.unexplained_upper)}"),
            TableCell(f"{one.true_alarm_count:,}"),
            TableCell(f"{one.false_alarm_count:,}"),
            TableCell(
                named(pb.MonitorReview.State, one.state, locale) if one.state else "-", MONITOR_TONES.get(one.state, "")
            ),
        ]
        for one in found
    ]
    names = (
        "series",
        ">judged",
        ">arl0",
        ">expected",
        ">unexplained",
        "interval",
        ">true_alarms",
        ">false",
        "result",
    )
    return Table(say("monitors", locale), table_columns(locale, *names), rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.3g} %"
