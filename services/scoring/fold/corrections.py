"""What corrections leave of a case's events.

An event that another one names in `retracts` or `supersedes` (same source, same case) is gone, whatever happens to the
one that names it; an event that retracts is no occurrence itself. So a chain of corrections leaves its last link, and a
target that is not known (yet) changes nothing. An event that supersedes itself supersedes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

SEPARATOR = "\x1f"
NAMING = ("supersedes", "retracts")


def _text(table: pa.Table, column: str) -> pa.ChunkedArray:
    """The column as plain text; empty texts are null."""
    if column not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), pa.utf8())])
    texts = table.column(column).cast(pa.utf8())
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.utf8()), texts)


def corrects(table: pa.Table) -> bool:
    """Whether any of these events may correct another one; costs no more than the counts of nulls."""
    return any(name in table.column_names and table.column(name).null_count < len(table) for name in NAMING)


def corrected_cases(tables: Sequence[pa.Table]) -> set[str]:
    """The cases of events that supersede or retract others."""
    cases: set[str] = set()
    for table in tables:
        if corrects(table):
            naming = pc.or_(*(_text(table, name).is_valid() for name in NAMING))
            cases.update(table.column("case_id").filter(naming).unique().to_pylist())
    return cases


def without_cases(tables: Sequence[pa.Table], cases: set[str]) -> list[pa.Table]:
    names = pa.array(sorted(cases), type=pa.utf8())
    return [table.filter(pc.invert(pc.is_in(table.column("case_id").cast(pa.utf8()), names))) for table in tables]


def only_cases(tables: Sequence[pa.Table], cases: set[str]) -> list[pa.Table]:
    names = pa.array(sorted(cases), type=pa.utf8())
    return [table.filter(pc.is_in(table.column("case_id").cast(pa.utf8()), names)) for table in tables]


def live_events(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """The events that are left after all corrections among them."""
    if not any(corrects(table) for table in tables):
        return list(tables)
    named = pa.concat_arrays([targets for table in tables for targets in _targets(table)])
    live = []
    for table in tables:
        gone = pc.or_(pc.is_in(_keys(table, "id"), named), _text(table, "retracts").is_valid())
        live.append(table.filter(pc.invert(gone)))
    return live


def _keys(table: pa.Table, column: str) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(_text(table, "source"), _text(table, column), SEPARATOR)


def _targets(table: pa.Table) -> list[pa.Array]:
    own = _keys(table, "id")
    return [
        targets.filter(pc.not_equal(targets, own).fill_null(False)).combine_chunks()
        for targets in (_keys(table, name) for name in NAMING)
    ]
