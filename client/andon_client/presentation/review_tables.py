"""Differences of versions, back-tests and what they found, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from andon.scoring.v1 import system_review_pb2 as pb

from andon_client.presentation.formats import localised, number, optional, span, when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, TableCell, table_columns, table_row

ALARMS_SHOWN = 10
DAY_S = 86_400
HOUR_S = 3_600


def changes_table(changes: Sequence[pb.SystemChange], locale: str) -> Table:
    rows = [
        table_row(
            named(pb.SystemChange.Kind, one.kind, locale),
            named(pb.ChangeEffect, one.effect, locale),
            localised(one.text, locale),
        )
        for one in changes
    ]
    return Table(say("differences", locale), table_columns(locale, "difference", "effect", "message"), rows)


def backtests_table(found: Sequence[pb.Backtest], locale: str) -> Table:
    rows = [
        table_row(
            one.name,
            one.indicator_system,
            str(one.version or "-"),
            named(pb.Backtest.State, one.state, locale),
            f"{100 * one.progress:.0f} %",
            when(one.create_time),
            localised(one.error, locale) or "-",
        )
        for one in found
    ]
    names = ("=name", "system", ">version", "state", ">progress", "created", "message")
    return Table(say("backtests", locale), table_columns(locale, *names), rows)


def alarms_table(series: Sequence[pb.SeriesBacktest], locale: str, zone: tzinfo) -> Table:
    """One row per series, with the dates of its alarms."""
    rows = []
    for one in series:
        dates = [span(alarm.interval, locale, zone) for alarm in one.alarms[:ALARMS_SHOWN]]
        more = one.alarm_count - len(dates)
        rest = [say("more", locale, count=more)] if more > 0 else []
        arl0 = optional(one, "arl0")
        rows.append(
            [
                TableCell(one.series),
                TableCell(str(one.alarm_count), "bad" if one.alarm_count else "quiet"),
                TableCell(f"{one.window_count:,}"),
                TableCell(number(arl0) if arl0 is not None else say("no_limits_short", locale)),
                TableCell(number(one.expected_false_alarms_per_month)),
                TableCell(", ".join([*dates, *rest]) or "-"),
            ]
        )
    names = ("series", ">alarms", ">judged", ">arl0", ">false_alarms", "dates")
    return Table(say("backtest_alarms", locale), table_columns(locale, *names), rows)


def incidents_table(found: Sequence[pb.IncidentOutcome], locale: str, zone: tzinfo) -> Table:
    rows = [
        [
            TableCell(one.title),
            TableCell(when(one.interval.start, zone)),
            TableCell(say("caught" if one.is_caught else "missed", locale), "good" if one.is_caught else "bad"),
            TableCell(lasting(one.delay.seconds, locale) if one.HasField("delay") else "-"),
            TableCell(one.series or "-"),
        ]
        for one in found
    ]
    names = ("incident", "begin", "result", ">caught_after", "series")
    return Table(say("incidents", locale), table_columns(locale, *names), rows)


def lasting(seconds: int, locale: str) -> str:
    """In days where it is more than two, else in hours."""
    if abs(seconds) >= 2 * DAY_S:
        return say("days_long", locale, days=seconds / DAY_S)
    return say("hours_long", locale, hours=seconds / HOUR_S)
