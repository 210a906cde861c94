"""Funnels, error budgets and simulated queues as tables."""

from __future__ import annotations

from datetime import tzinfo

from andon.scoring.v1 import benchmark_pb2, simulation_pb2

from andon_client.presentation.formats import localised, number, stretch
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import Table, TableCell, table_columns, table_row


def funnel_table(found: benchmark_pb2.GetFunnelResponse, locale: str, notation: Notation) -> Table:
    """The inner limits are shown; what lies beyond the outer ones is marked."""
    rows, outer = [], max(found.levels, default=0.0)
    for one in found.units:
        limits = one.limits[0] if one.limits else None
        between = (
            f"{notation.value(found.series.key, limits.lower, locale)} – "
            f"{notation.value(found.series.key, limits.upper, locale)}"
            if limits
            else "-"
        )
        is_out = one.beyond_level > 0
        beyond = f"{100 * one.beyond_level:.4g} %" if is_out else "-"
        rows.append(
            [
                TableCell(", ".join(one.slice[name] for name in sorted(one.slice))),
                TableCell(f"{one.count:,}"),
                TableCell(notation.value(found.series.key, one.value, locale)),
                TableCell(between),
                TableCell(number(one.z)),
                TableCell(
                    beyond,
                    "quiet"
                    if not is_out
                    else "good"
                    if not one.is_worse
                    else "bad"
                    if one.beyond_level == outer
                    else "fair",
                ),
                TableCell(str(one.rank)),
                TableCell(f"{one.rank_lower} – {one.rank_upper}"),
            ]
        )
    names = ("unit", ">cases", ">value", "limits", ">z", "beyond", ">rank", "rank_interval")
    return Table(say("funnel", locale), table_columns(locale, *names), rows)


def burn_table(found: benchmark_pb2.GetErrorBudgetResponse, locale: str, zone: tzinfo) -> Table:
    rows = [
        [
            TableCell(stretch([one.interval], zone)),
            TableCell(f"{one.failure_count:,} / {one.count:,}"),
            TableCell(number(one.rate)),
            TableCell(number(one.lower)),
            TableCell(number(one.threshold)),
            TableCell(f"{one.p_value:.2g}"),
            TableCell(say("burning" if one.is_burning else "not_burning", locale), "bad" if one.is_burning else "good"),
        ]
        for one in found.burn_rates
    ]
    names = ("window", ">failed", ">burn_rate", ">at_least", ">threshold", ">p_value", "result")
    title = say("burn_rates", locale, series=found.series.key)
    return Table(title, table_columns(locale, *names), rows)


def queue_table(found: simulation_pb2.GetQueueSimulationResponse, locale: str) -> Table:
    outcomes = [found.now, *found.what_ifs]
    shares = [one.share for one in next((each.quantiles for each in outcomes if each.quantiles), [])]
    columns = table_columns(locale, "scenario", ">staff", ">utilisation", ">waits", ">mean_wait")
    quantiles = table_columns(locale, *[">quantile"] * len(shares))
    named = [
        type(column)(f"{column.title} {100 * share:g} %", column.numeric)
        for column, share in zip(quantiles, shares, strict=True)
    ]
    rows = [
        table_row(
            one.title or say("as_it_is", locale),
            str(one.staff),
            f"{100 * one.utilisation:.1f} %",
            f"{100 * one.waiting_share:.1f} %" if one.is_stable else localised(one.summary, locale),
            minutes(one.mean_wait_hours) if one.is_stable else "-",
            *(minutes(each.hours) for each in one.quantiles),
            *(["-"] * (len(shares) - len(one.quantiles))),
        )
        for one in outcomes
    ]
    return Table(say("queue", locale), [*columns, *named], rows)


def minutes(hours: float) -> str:
    return number(60 * hours)
