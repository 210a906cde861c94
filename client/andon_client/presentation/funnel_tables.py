"""Funnels as tables."""

from __future__ import annotations

from andon.scoring.v1 import funnel_pb2 as pb

from andon_client.presentation.formats import number
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import Table, TableCell, table_columns


def funnel_table(found: pb.GetFunnelResponse, locale: str, notation: Notation) -> Table:
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
