"""Records of a source become a batch of events: its mapping makes them, and what cannot be mapped goes along refused.

Theory of operation. Every row of the batch is either an event that the mapping made or a record of which it could make
none, as it came, under the attribute "record". So both take the one way of admission: they are counted, sealed into
quarantine and answered like any event, in the same commit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from andon_records.mapping.conversion import Applied, apply_mapping, omitted_rows
from andon_records.mapping.document import ITEM, CsvMapping
from andon_records.mapping.objects import NoRecord, Record, RecordRows, parse_record, rows_of
from andon_records.mapping.time_formats import ISO, time_format
from andon_records.messages import Message, message
from numpy.typing import NDArray

from services.ingest.admission.arrow import arrival_of, read_stream
from services.ingest.admission.arrow_schema import check_columns
from services.ingest.admission.concatenation import join, joined
from services.ingest.admission.soundness import is_sound, sound
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    CODED_TEXT,
    Arrival,
    MalformedBatch,
    RecordOrigin,
    SourceId,
)

RECORD_ATTRIBUTE = ATTRIBUTE_PREFIX + "record"


@dataclass(frozen=True)
class MappedRecords:
    """rows: the records as text, less omitted ones. applied: what the mapping made of them."""

    arrival: Arrival
    origin: RecordOrigin
    rows: RecordRows
    applied: Applied


def map_json(mapping: CsvMapping, source: SourceId, raw: Sequence[bytes]) -> MappedRecords:
    """Raises MalformedBatch where they are too many, together too large, or become too many events."""
    if len(raw) > BATCH_EVENTS_MAX:
        raise MalformedBatch("json.records", f"more than {BATCH_EVENTS_MAX} records", "BATCH_TOO_LARGE")
    if sum(map(len, raw)) > BATCH_BYTES_MAX:
        raise MalformedBatch("json.records", f"more than {BATCH_BYTES_MAX} bytes", "BATCH_TOO_LARGE")
    records: list[Record | NoRecord] = []
    for one in raw:
        try:
            records.append(parse_record(one))
        except NoRecord as error:
            records.append(error)
    rows = rows_of(mapping, records)
    malformed = {number for number, record in enumerate(records) if isinstance(record, NoRecord)}
    texts = {number: raw[number].decode("utf-8", "backslashreplace") for number in rows.refused}
    return _mapped(mapping, source, len(raw), rows, malformed, texts)


def map_arrow(mapping: CsvMapping, source: SourceId, stream: bytes) -> MappedRecords:
    """Raises MalformedBatch. Columns of plain values stay columns; nested ones are read as JSON would be."""
    table, broken = read_stream(stream, "records", _table)
    if any(pa.types.is_timestamp(kind) for kind in table.schema.types):
        # As text it is ISO, whatever the mapping says of texts.
        mapping = replace(mapping, time_formats=(*mapping.time_formats, time_format(ISO)))
    nested = any(pa.types.is_nested(kind) for kind in table.schema.types)
    strange = mapping.known_keys and not set(table.schema.names) <= set(mapping.known_keys)
    if not (nested or mapping.unfold or mapping.fields or broken or strange):
        rows = _plain_rows(mapping, table)
        return _mapped(mapping, source, table.num_rows, rows, set(), {})
    columns = {
        name: column.to_pylist() if pa.types.is_nested(column.type) else _as_text(column).to_pylist()
        for name, column in zip(table.schema.names, table.columns, strict=True)
    }
    records: list[Record | NoRecord] = [
        NoRecord(message("record_not_text")) if number in broken else dict(zip(columns, values, strict=True))
        for number, values in enumerate(zip(*columns.values(), strict=True))
    ]
    rows = rows_of(mapping, records)
    texts = {number: _json_of(table, number) for number in rows.refused}
    return _mapped(mapping, source, table.num_rows, rows, broken, texts)


def mapped_again(
    arrival: Arrival, records: Sequence[int], mappings: Mapping[SourceId, CsvMapping]
) -> tuple[Arrival, tuple[int, ...]]:
    """The rows `records`, of which no event could be made, as events by the mapping that their source has now.

    Also of which row each row of the result is: a record becomes one event or more, or stays a record that is refused.
    Raises MalformedBatch where they become too many.
    """
    waiting: dict[SourceId, list[tuple[int, str]]] = {}
    sources = arrival.page.column("source")
    for row in records:
        source, text = sources[row].as_py(), _record_text(arrival.page, row)
        if text is not None and source in mappings:
            waiting.setdefault(SourceId(source), []).append((row, text))
    mapped_rows = {row for rows in waiting.values() for row, _ in rows}
    of_row = [row for row in range(arrival.page.num_rows) if row not in mapped_rows]
    parts = [arrival.take(of_row)]
    for name, rows in waiting.items():
        made = map_json(mappings[name], name, [text.encode("utf-8", "surrogatepass") for _, text in rows])
        parts.append(made.arrival)
        of_row += [rows[place][0] for place in made.origin.of_row.tolist()]
        # What the mapping omits now stays for a person to discard.
        omitted = [rows[place][0] for place in sorted(set(range(len(rows))) - set(made.origin.of_row.tolist()))]
        parts.append(replace(arrival.take(omitted), unmapped={"RECORD_NOT_MAPPABLE": np.ones(len(omitted), np.bool_)}))
        of_row += omitted
    return joined([part for part in parts if part.page.num_rows] or parts[:1]), tuple(of_row)


def _record_text(page: pa.RecordBatch, row: int) -> str | None:
    """None: it is an event by now."""
    if page.column("id")[row].as_py():
        return None
    columns = [page.column(place) for place, name in enumerate(page.schema.names) if name == RECORD_ATTRIBUTE]
    texts = [column[row].as_py() for column in columns]
    return next((text for text in texts if isinstance(text, str)), None)


def _table(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> tuple[pa.RecordBatch, set[int]]:
    """All records, and which of them hold a text that is not Unicode, which is replaced in them.

    Raises MalformedBatch for any other damage: of a column whose bytes cannot be trusted no row can be.
    """
    check_columns(schema)
    found: list[pa.RecordBatch] = []
    broken: set[int] = set()
    for batch in batches:
        begin = sum(one.num_rows for one in found)
        if is_sound(batch):
            found.append(batch)
            continue
        columns = []
        for column in batch.columns:
            healed, bad = sound(column)
            columns.append(healed.cast(column.type))
            if bad is not None:
                broken.update((begin + np.flatnonzero(bad)).tolist())
        found.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    joined = pa.Table.from_batches(found, schema=schema).combine_chunks().to_batches()
    return joined[0] if joined else pa.RecordBatch.from_pylist([], schema=schema), broken


def _json_of(table: pa.RecordBatch, number: int) -> str:
    """A record as JSON, as which it is mapped when it is replayed."""
    return json.dumps(table.slice(number, 1).to_pylist()[0], ensure_ascii=False, default=str)


def _plain_rows(mapping: CsvMapping, table: pa.RecordBatch) -> RecordRows:
    names = mapping.columns()
    present = set(table.schema.names)
    columns = []
    for name in names:
        if name in present:
            column = table.column(name)
            # A column that has its type already need not become text and be read again.
            columns.append(column if _is_typed(column.type) else pc.fill_null(_as_text(column), ""))
        else:
            columns.append(pa.repeat(pa.scalar("1" if name == ITEM else ""), table.num_rows))
    return RecordRows(pa.RecordBatch.from_arrays(columns, names=names), np.arange(table.num_rows), {})


def _is_typed(kind: pa.DataType) -> bool:
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    return zoned or kind in (pa.float64(), pa.int64(), pa.bool_())


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        return pc.cast(column, pa.utf8())
    except pa.ArrowException as error:
        raise MalformedBatch("arrow_ipc", "a column has a type that is no text, number, flag or time") from error


def _mapped(
    mapping: CsvMapping, source: SourceId, count: int, rows: RecordRows, malformed: set[int], texts: Mapping[int, str]
) -> MappedRecords:
    table, owners = rows.table, rows.records
    if mapping.omit_rows:
        chosen = ~omitted_rows(mapping.omit_rows, table, owners)
        table, owners = table.filter(pa.array(chosen)), owners[chosen]
    applied = apply_mapping(replace(mapping, source=source), table, owners)
    if applied.events.num_rows + len(rows.refused) > BATCH_EVENTS_MAX:
        raise MalformedBatch("", f"the records become more than {BATCH_EVENTS_MAX} events", "BATCH_TOO_LARGE")
    arrival = arrival_of(applied.events)
    of_row: NDArray[np.int64] = applied.rows
    if rows.refused:
        arrival = _with_refused(arrival, source, rows.refused, malformed, texts)
        of_row = np.concatenate([of_row, np.array(list(rows.refused), np.int64)])
    refused = {number: why.text() for number, why in rows.refused.items()}
    return MappedRecords(
        arrival, RecordOrigin(count, of_row, refused), RecordRows(table, owners, rows.refused), applied
    )


def _with_refused(
    arrival: Arrival, source: SourceId, refused: Mapping[int, Message], malformed: set[int], texts: Mapping[int, str]
) -> Arrival:
    """The events, and after them a row for each record that became none."""
    required = ("id", "case_id", "activity")
    as_came = pa.RecordBatch.from_pydict(
        {
            "source": pa.array([source] * len(refused), CODED_TEXT),
            **{name: pa.nulls(len(refused), pa.string()) for name in required},
            "time": pa.nulls(len(refused), pa.timestamp("us", "UTC")),
            RECORD_ATTRIBUTE: pa.array([texts[number] for number in refused], pa.string()),
        }
    )
    page = join([arrival.page, arrival_of(as_came).page])
    broken = np.array([number in malformed for number in refused], np.bool_)
    events = np.zeros(arrival.page.num_rows, np.bool_)
    unmapped = {
        "RECORD_MALFORMED": np.concatenate([events, broken]),
        "RECORD_NOT_MAPPABLE": np.concatenate([events, ~broken]),
    }
    return Arrival(page, unmapped=unmapped)
