"""Capability and loss as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from andon.scoring.v1 import capability_pb2 as pb

from andon_client.presentation.formats import localised, number, span
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import Table, TableCell, table_columns, table_row

INDICES = ("cp", "cpl", "cpu", "cpk", "cpm", "pp", "ppl", "ppu", "ppk")


def indices_table(found: pb.GetCapabilityResponse, locale: str) -> Table:
    present = {field.name for field, _ in found.ListFields()}
    rows = [
        table_row(name[0].upper() + name[1:], *_figures(getattr(found, name))) for name in INDICES if name in present
    ]
    rows.append(table_row("DPMO", *_figures(found.dpmo)))
    if found.HasField("sigma_level"):
        level = say("sigma_level_shifted" if found.shift else "sigma_level", locale, shift=found.shift)
        rows.append(table_row(level, *_figures(found.sigma_level)))
    title = say("capability_indices", locale, confidence=100 * found.confidence)
    return Table(title, table_columns(locale, "=index", ">value", "interval"), rows)


def _figures(index: pb.CapabilityIndex) -> tuple[str, str]:
    interval = f"{number(index.lower)} – {number(index.upper)}" if index.lower != index.upper else "-"
    return number(index.value), interval


def assumptions_table(found: pb.GetCapabilityResponse, locale: str) -> Table:
    rows = [
        [
            TableCell(one.name),
            TableCell(say("passed" if one.is_met else "failed", locale), "good" if one.is_met else "bad"),
            TableCell(localised(one.explanation, locale)),
        ]
        for one in found.assumptions
    ]
    return Table(say("assumptions", locale), table_columns(locale, "=check", "result", "message"), rows)


def losses_table(windows: Sequence[pb.WindowLoss], locale: str, currency: str, zone: tzinfo) -> Table:
    rows = [
        table_row(
            span(one.interval, locale, zone),
            f"{one.count:,}",
            number(one.mean),
            number(one.sd),
            number(one.per_case),
            number(one.off_target),
            number(one.spread),
            number(one.total),
        )
        for one in windows
    ]
    title = say("losses", locale, currency=currency) if currency else say("losses_plain", locale)
    names = ("=window", ">cases", ">mean", ">sd", ">loss_per_case", ">off_target", ">spread", ">loss_total")
    return Table(title, table_columns(locale, *names), rows)
