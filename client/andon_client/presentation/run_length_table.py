"""Run lengths of a chart as a table."""

from __future__ import annotations

from andon.scoring.v1 import run_length_pb2 as pb

from andon_client.presentation.formats import number, optional
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import Table, table_columns, table_row


def run_length_table(found: pb.GetRunLengthResponse, locale: str) -> Table:
    rows = [
        table_row(
            number(one.shift),
            number(one.arl),
            number(optional(one, "delay")),
            " / ".join(f"{points:,}" for points in one.quantiles) or "-",
            number(optional(one, "sd")),
        )
        for one in found.rows
    ]
    shares = " / ".join(f"{100 * one:g} %" for one in found.quantiles)
    title = say("run_lengths", locale, limit=number(found.limit), shares=shares)
    return Table(
        title, table_columns(locale, ">shift_sigma", ">points_to_alarm", ">delay_quiet", ">alarmed_by", ">sd"), rows
    )
