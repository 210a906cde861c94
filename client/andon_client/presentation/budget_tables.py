"""Error budgets as tables."""

from __future__ import annotations

from datetime import tzinfo

from andon.scoring.v1 import error_budget_pb2 as pb

from andon_client.presentation.formats import number, stretch
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import Table, TableCell, table_columns


def burn_table(found: pb.GetErrorBudgetResponse, locale: str, zone: tzinfo) -> Table:
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
