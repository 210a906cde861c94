"""Clauses, what watches them, and what no clause names, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Literal

from andon.scoring.v1 import clause_pb2 as pb

from andon_client.presentation.formats import localised, moment
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, TableCell, table_columns, table_row

_STYLES: Mapping[int, Literal["good", "bad", "quiet"]] = {
    pb.CLAUSE_COVERAGE_COVERED: "good",
    pb.CLAUSE_COVERAGE_UNCOVERED: "bad",
    pb.CLAUSE_COVERAGE_NOT_IN_FORCE: "quiet",
}


def clauses_table(clauses: Sequence[pb.Clause], locale: str, title: str = "clauses") -> Table:
    rows = [
        [
            TableCell(one.name),
            TableCell(one.document),
            TableCell(one.number),
            TableCell(localised(one.text, locale)),
            TableCell(_effective(one.effective)),
            TableCell(one.superseded_by or "-"),
            TableCell(f"{sum(link.live for link in one.links)} / {len(one.links)}"),
            TableCell(named(pb.ClauseCoverage, one.coverage, locale).replace("_", " "), _STYLES.get(one.coverage, "")),
        ]
        for one in clauses
    ]
    names = (
        *("=name", "clause_document", "clause_number", "clause_text", "in_force", "superseded_by"),
        *(">live_links", "clause_coverage"),
    )
    return Table(say(title, locale), table_columns(locale, *names), rows)


def clause_links_table(one: pb.Clause, locale: str) -> Table:
    rows = [
        table_row(link.indicator_system, link.indicator, say("yes" if link.live else "no", locale))
        for link in one.links
    ]
    return Table(say("clause_links", locale), table_columns(locale, "=system", "indicator", "live"), rows)


def unclaimed_table(indicators: Sequence[pb.UnclaimedIndicator], locale: str) -> Table:
    rows = [table_row(one.indicator_system, one.indicator, localised(one.title, locale) or "-") for one in indicators]
    return Table(say("unclaimed_indicators", locale), table_columns(locale, "=system", "indicator", "title"), rows)


def _effective(interval: Any) -> str:
    """From when until before when; an open side is "…"."""
    sides = [moment(getattr(interval, name), UTC) if interval.HasField(name) else "…" for name in ("start", "end")]
    return " – ".join(sides)
