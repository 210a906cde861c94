"""Sensors, and readings that were refused, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from andon.ingest.v1 import sensor_pb2 as pb

from andon_client.presentation.formats import localised, number, optional, refusal_name, when
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import Table, table_columns, table_row


def sensor_sources_table(sources: Sequence[pb.SensorSource], locale: str) -> Table:
    rows = [
        table_row(
            one.name,
            localised(one.title, locale) or "-",
            f"{one.period.seconds:,} s",
            str(len(one.quantities)),
            one.source,
            when(one.create_time) if one.HasField("create_time") else "-",
        )
        for one in sources
    ]
    names = ("=name", "title", "period", ">quantity_count", "=source", "created")
    return Table(say("sensor_sources", locale), table_columns(locale, *names), rows)


def quantities_table(one: pb.SensorSource, locale: str) -> Table:
    rows = [
        table_row(
            quantity.name,
            localised(quantity.title, locale) or "-",
            quantity.unit or "-",
            number(quantity.resolution),
            number(optional(quantity, "low")),
            number(optional(quantity, "high")),
            number(optional(quantity, "limit")),
            number(quantity.rate_hz) if quantity.rate_hz else "-",
        )
        for quantity in one.quantities
    ]
    names = ("=quantity", "title", "unit", ">resolution", ">low", ">high", ">limit", ">rate_hz")
    return Table(say("quantities", locale), table_columns(locale, *names), rows)


def refused_table(refused: Sequence[pb.RefusedReadings], locale: str) -> Table:
    rows = [
        table_row(
            one.field,
            refusal_name(one.reason),
            f"{one.count:,}",
            ", ".join(str(index) for index in one.indexes[:10]) or "-",
        )
        for one in refused
    ]
    return Table(say("refused_readings", locale), table_columns(locale, "field", "refusal", ">count", "rows"), rows)
