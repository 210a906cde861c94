"""The events of a partition by case and time, with values as texts of known types, as logs by case need them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from andon_records.mapping.document import AttributeType
from andon_records.mapping.value_texts import attribute_type, texts_of
from andon_records.writers.event_spool import EventSpool

CASE = "case:"


@dataclass(frozen=True)
class Value:
    name: str
    type: AttributeType
    text: str


@dataclass(frozen=True)
class CaseEvents:
    """A case in the order of its events. shared: values of columns under `case:` that all its events have alike."""

    case_id: str
    shared: Sequence[Value]
    events: Sequence[Mapping[str, Value]]


def cases_of(spool: EventSpool, partition: int, columns: Mapping[str, str]) -> Iterator[CaseEvents]:
    """columns: those to give, by their name in the spool, with the name that they get."""
    rows: list[dict[str, Value]] = []
    keys: list[pa.Table] = []
    for piece in spool.pieces(partition):
        made: list[dict[str, Value]] = [{} for _ in range(piece.num_rows)]
        for name, shown in columns.items():
            if name in piece.schema.names:
                _put(made, shown, piece.column(name))
        rows += made
        keys.append(pa.table({name: _plain(piece.column(name)) for name in ("case_id", "time", "id")}))
    if not rows:
        return
    table = pa.concat_tables(keys)
    order = pc.sort_indices(table, [(name, "ascending") for name in ("case_id", "time", "id")])
    case_ids = table["case_id"].take(order).to_pylist()
    places = order.to_pylist()
    start = 0
    for end in range(1, len(places) + 1):
        if end == len(places) or case_ids[end] != case_ids[start]:
            yield _case(case_ids[start], [rows[place] for place in places[start:end]])
            start = end


def _put(rows: list[dict[str, Value]], name: str, column: pa.Array) -> None:
    """Into each row the value that it has; equal values of a column are one object."""
    coded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    kind = attribute_type(coded.dictionary.type)
    texts = texts_of(coded.dictionary)
    if kind == "time":
        texts = pc.replace_substring(texts, " ", "T")
    values = [Value(name, kind, text) for text in texts.to_pylist()]
    indices = np.asarray(coded.indices.fill_null(-1))
    for place in np.flatnonzero(indices >= 0).tolist():
        rows[place][name] = values[indices[place]]


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _case(case_id: str, rows: Sequence[dict[str, Value]]) -> CaseEvents:
    first = rows[0]
    shared = [
        value for name, value in first.items() if name.startswith(CASE) and all(row.get(name) == value for row in rows)
    ]
    alike = {value.name for value in shared}
    events = [{name: value for name, value in row.items() if name not in alike} for row in rows] if alike else rows
    return CaseEvents(case_id, shared, events)
