"""Simulated queues as tables."""

from __future__ import annotations

from andon.scoring.v1 import simulation_pb2

from andon_client.presentation.formats import localised, number
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import Table, table_columns, table_row


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
