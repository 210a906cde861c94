"""Columns of text become columns of events, as a mapping says, and what cannot be read stays visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from andon_records.mapping.document import INSTANCE, LIFECYCLE, PLACE, ROW, AttributeType, Column, CsvMapping
from andon_records.mapping.numbers import integers, numbers
from andon_records.mapping.time_formats import ISO
from andon_records.mapping.times import EARLIEST_US, LATEST_US, UTC_MICROSECONDS, read_times
from andon_records.mapping.value_texts import texts_of

Rows = NDArray[np.int64]

TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")
# An attribute's name has at most 64 characters.
_UNPARSED, _NAME_MAX = "unparsed.", 64


@dataclass(frozen=True)
class Unparsed:
    """Values of one attribute or field that are no value of its type: how many, and the first."""

    count: int
    row: int
    text: str
    type: AttributeType


@dataclass(frozen=True)
class TimeDoubts:
    """Times that can be read in two ways, and were read in one.

    folded: local times that come twice, the first of both taken. swappable: dates whose day and month could be
    swapped; telling: dates where they could not, so that the format is the right one.
    """

    folded: int = 0
    swappable: int = 0
    telling: int = 0

    def __add__(self, other: TimeDoubts) -> TimeDoubts:
        return TimeDoubts(self.folded + other.folded, self.swappable + other.swappable, self.telling + other.telling)


NO_DOUBTS = TimeDoubts()


@dataclass(frozen=True)
class Applied:
    """`events` in the column layout of the contract; `rows`: the record that each was made of.

    unparsed: values kept as text, by attribute or field.
    """

    events: pa.RecordBatch
    rows: Rows
    unparsed: Mapping[str, Unparsed]
    doubts: TimeDoubts


@dataclass
class _Columns:
    """The columns of one kind of event, as they are made."""

    mapping: CsvMapping
    rows: Rows
    made: dict[str, pa.Array] = field(default_factory=dict)
    unparsed: dict[str, Unparsed] = field(default_factory=dict)
    doubts: TimeDoubts = NO_DOUBTS

    def put(self, place: str, name: str, text: pa.Array, kind: AttributeType) -> None:
        """The typed column, and beside it what could not be read as its type."""
        typed = self._typed(text, kind)
        lost = pc.and_(pc.is_valid(text), pc.is_null(typed))
        self.made[place] = typed
        count = pc.sum(lost).as_py()
        if not count:
            return
        first = pc.index(lost, True).as_py()
        self.unparsed[name] = Unparsed(count, int(self.rows[first]), text[first].as_py(), kind)
        shown = unparsed_field(name)
        texts = pc.if_else(lost, text, None)
        self.made[shown] = pc.coalesce(self.made[shown], texts) if shown in self.made else texts

    def _typed(self, text: pa.Array, kind: AttributeType) -> pa.Array:
        if kind == "text":
            return text
        if kind == "time":
            read = read_times(text, self.mapping.time_formats, self.mapping.time_zone)
            self.doubts += TimeDoubts(
                *(int(np.count_nonzero(mask)) for mask in (read.folded, read.swappable, read.telling))
            )
            return read.times
        coded = pc.dictionary_encode(text)
        match kind:
            case "number":
                parsed = numbers(coded.dictionary, self.mapping.decimal)
            case "integer":
                parsed = integers(coded.dictionary, self.mapping.decimal)
            case "flag":
                parsed = flags(coded.dictionary)
        return pc.take(parsed, coded.indices)


def unparsed_field(name: str) -> str:
    """Where the texts are that cannot be read as the type of an attribute or a field.

    >>> unparsed_field("cost")
    'attributes.unparsed.cost'
    """
    return "attributes." + f"{_UNPARSED}{name}"[:_NAME_MAX]


def apply_mapping(mapping: CsvMapping, table: pa.RecordBatch, rows: Rows | None = None) -> Applied:
    """One event per row of `table` (all columns text); two, its start and its completion, where `start_time` is mapped.

    rows: the number of each record in the file; absent: from 1.
    A value that cannot be read as its type is left out of its place and kept as text under `unparsed.<name>`,
    so that nothing is lost and everyone can see it. Cost: O(rows x columns), vectorised.
    """
    rows = np.arange(1, table.num_rows + 1) if rows is None else rows
    columns = _common(mapping, table, rows)
    if mapping.start_time is None:
        instants = _typed(mapping, mapping.time, table, "time")
        if instants is not None:
            columns.made["time"] = instants
        else:
            columns.put("time", "time", text_of(mapping.time, table, mapping.unknown, rows), "time")
        return Applied(pa.RecordBatch.from_pydict(columns.made), rows, columns.unparsed, columns.doubts)
    return _pairs(mapping, table, rows, columns)


def _common(mapping: CsvMapping, table: pa.RecordBatch, rows: Rows) -> _Columns:
    """Everything but the time."""

    def text(column: Column) -> pa.Array:
        return text_of(column, table, mapping.unknown, rows)

    columns = _Columns(mapping, rows)
    columns.made["source"] = _stated(mapping.source, mapping.source_of, table, mapping, rows)
    for name, column in (("id", mapping.id), ("case_id", mapping.case_id), ("activity", mapping.activity)):
        columns.made[name] = text(column)
    for name in ("resource", "supersedes", "retracts"):
        if (column := getattr(mapping, name)) is not None:
            columns.made[name] = text(column)
    columns.made["object_kind"] = _stated(mapping.object_kind, mapping.object_kind_of, table, mapping, rows)
    if mapping.lifecycle is not None:
        columns.made[f"attributes.{LIFECYCLE}"] = pc.utf8_lower(text(mapping.lifecycle))
    for attribute in mapping.attributes:
        typed = _typed(mapping, attribute.column, table, attribute.type)
        if typed is not None:
            columns.made[f"attributes.{attribute.name}"] = typed
            continue
        columns.put(f"attributes.{attribute.name}", attribute.name, text(attribute.column), attribute.type)
    return columns


def _typed(mapping: CsvMapping, column: Column, table: pa.RecordBatch, kind: AttributeType) -> pa.Array | None:
    """A column that has the type already and is taken as it is; None: its values are read as texts."""
    name = column.template[1:-1]
    if column.template != f"{{{name}}}" or name not in table.schema.names or column.replace or mapping.unknown:
        return None
    values = table[name]
    match kind:
        case "number" if pa.types.is_float64(values.type):
            return values if pc.all(pc.is_finite(values), min_count=0).as_py() else None
        case "integer" if pa.types.is_int64(values.type):
            return values
        case "flag" if pa.types.is_boolean(values.type):
            return values
        case "time" if pa.types.is_timestamp(values.type) and values.type.tz is not None:
            # As a text it is ISO, with its zone: only where the mapping reads those.
            return _instants(values) if any(one.written == ISO for one in mapping.time_formats) else None
        case _:
            return None


def _instants(values: pa.Array) -> pa.Array | None:
    """In UTC; None: one lies in a year that no text has."""
    exact = values.cast(pa.timestamp("us", values.type.tz), safe=False).cast(UTC_MICROSECONDS)
    span = pc.min_max(exact.view(pa.int64()))
    early, late = span["min"].as_py(), span["max"].as_py()
    return exact if early is None or (early >= EARLIEST_US and late < LATEST_US) else None


def _stated(default: str, column: Column | None, table: pa.RecordBatch, mapping: CsvMapping, rows: Rows) -> pa.Array:
    """What the column says, and the default where it is empty or there is none."""
    if column is None:
        return _constant(default, table.num_rows)
    return pc.fill_null(text_of(column, table, mapping.unknown, rows), default)


def _pairs(mapping: CsvMapping, table: pa.RecordBatch, rows: Rows, common: _Columns) -> Applied:
    """Start and completion of each row, one after the other; a row that has only one of them is one event."""
    assert mapping.start_time is not None
    ids = common.made["id"]
    common.made[f"attributes.{INSTANCE}"] = ids
    unparsed, doubts, halves, given = dict(common.unparsed), common.doubts, [], []
    for transition, column in (("start", mapping.start_time), ("complete", mapping.time)):
        name = "start_time" if transition == "start" else "time"
        text = text_of(column, table, mapping.unknown, rows)
        half = _Columns(mapping, rows, dict(common.made))
        half.put("time", name, text, "time")
        half.made[f"attributes.{LIFECYCLE}"] = _constant(transition, table.num_rows)
        if transition == "start":
            # What a row corrects was two events as well.
            for name in ("id", "supersedes", "retracts"):
                if name in common.made:
                    named = common.made[name]
                    half.made[name] = pc.binary_join_element_wise("start:", named, "", null_handling="emit_null")
        unparsed.update(half.unparsed)
        doubts += half.doubts
        halves.append(half.made)
        given.append(np.asarray(pc.is_valid(text)))
    starts, completions = given
    # What has neither is refused as what it is: without a time.
    present = np.stack([starts, completions | ~starts], axis=1)
    order = np.flatnonzero(present.ravel())
    take = pa.array((order % 2) * table.num_rows + order // 2)
    names = list(dict.fromkeys([*halves[0], *halves[1]]))
    made = {name: pc.take(_stacked([half.get(name) for half in halves], table.num_rows), take) for name in names}
    return Applied(pa.RecordBatch.from_pydict(made), rows[order // 2], unparsed, doubts)


def _stacked(parts: Sequence[pa.Array | None], rows: int) -> pa.Array:
    kind = next(part.type for part in parts if part is not None)
    value_type = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.concat_arrays([pa.nulls(rows, value_type) if part is None else part.cast(value_type) for part in parts])


def _constant(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([text]))


def text_of(column: Column, table: pa.RecordBatch, unknown: Sequence[str], rows: Rows) -> pa.Array:
    """The filled-in template; null where a column it names is empty or unknown."""
    if not column.columns:
        return pa.repeat(pa.scalar(column.template), len(rows))
    parts: list[Any] = []
    for literal, name in _pieces(column.template):
        if literal:
            parts.append(literal)
        if name == ROW and name not in table.schema.names:
            parts.append(pc.cast(pa.array(rows), pa.utf8()))
        elif name:
            parts.append(_known(table[name], column.replace, unknown))
    if len(parts) == 1 and not isinstance(parts[0], str):
        return parts[0]
    return pc.binary_join_element_wise(*parts, "", null_handling="emit_null")


def absent_parts(column: Column, table: pa.RecordBatch, place: int, unknown: Sequence[str]) -> list[tuple[str, str]]:
    """The columns that leave a template absent in the row at `place`, each with the text that it holds there."""
    cells = table.slice(place, 1)
    return [
        (name, texts_of(cells[name])[0].as_py() or "")
        for name in column.columns
        if name in table.schema.names and not _known(cells[name], column.replace, unknown)[0].is_valid
    ]


def omitted_rows(rules: Mapping[str, Sequence[str]], table: pa.RecordBatch, rows: Rows) -> NDArray[np.bool_]:
    """Which rows are no events, as `omit_rows` says."""
    omitted = np.zeros(len(rows), np.bool_)
    for name, values in rules.items():
        cells = table[name] if name in table.schema.names else pc.cast(pa.array(rows), pa.utf8())
        coded = pc.dictionary_encode(texts_of(cells).fill_null(""))
        named = pc.is_in(pc.utf8_trim_whitespace(coded.dictionary), pa.array(values, pa.utf8()))
        omitted |= np.asarray(pc.take(named, coded.indices))
    return omitted


def _pieces(template: str) -> list[tuple[str, str]]:
    ends = [(match.start(), match.end(), match.group(1)) for match in PLACE.finditer(template)]
    starts = [0, *(end for _, end, _ in ends)]
    pieces = [(template[start:begin], name) for start, (begin, _, name) in zip(starts, ends, strict=False)]
    return [*pieces, (template[starts[-1] :], "")]


def _known(values: pa.Array, replace: Mapping[str, str], unknown: Sequence[str]) -> pa.Array:
    """Trimmed, replaced and with unknowns as null: decided once per distinct value where a decision costs much."""
    texts = texts_of(values)
    if not replace:
        trimmed = pc.utf8_trim_whitespace(texts)
        return pc.if_else(pc.is_in(trimmed, pa.array(["", *unknown], pa.utf8())), None, trimmed)
    coded = pc.dictionary_encode(texts)
    distinct = pc.utf8_trim_whitespace(coded.dictionary)
    distinct = pa.array([replace.get(value, value) for value in distinct.to_pylist()], pa.utf8())
    absent = pc.is_in(distinct, pa.array(["", *unknown], pa.utf8()))
    return pc.take(pc.if_else(absent, None, distinct), coded.indices)


def flags(texts: pa.Array) -> pa.Array:
    """true, t, yes, y, 1 and false, f, no, n, 0 in any case; null where a text is none of them."""
    lower = pc.utf8_lower(texts)
    falsehood = pc.if_else(pc.is_in(lower, pa.array(FALSE)), False, None)
    return pc.if_else(pc.is_in(lower, pa.array(TRUE)), True, falsehood)
