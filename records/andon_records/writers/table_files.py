"""Tables of events: Parquet with typed columns, and CSV with times in a zone, in the order of the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from andon_records.mapping.value_texts import texts_of
from andon_records.writers.event_spool import ATTRIBUTE, EventSpool

FIELDS: Mapping[str, str] = {
    name: name
    for name in (
        *("id", "source", "case_id", "activity", "time", "object_kind", "resource", "supersedes", "retracts"),
        "traceparent",
    )
}
_ROW_GROUP = 131_072


def write_parquet(spool: EventSpool, file: IO[bytes]) -> None:
    """Columns as in the contract, attributes under `attributes.`; `andon load` reads it without a mapping."""
    schema = pa.schema([(name, spool.kind(name)) for name in spool.columns(FIELDS)] or [("id", pa.utf8())])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in _batches(spool, schema):
            waiting.append(batch)
            if sum(one.num_rows for one in waiting) >= _ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))


def write_csv(spool: EventSpool, file: IO[bytes], zone: str) -> None:
    """A header and a row per event; times are ISO 8601 with the offset that `zone` has then."""
    columns = spool.columns(FIELDS)
    # An attribute may be named as a field is.
    shown = [
        f"{ATTRIBUTE}{name}" if origin.startswith(ATTRIBUTE) and name in FIELDS else name
        for origin, name in columns.items()
    ]
    schema = pa.schema([(name, pa.utf8()) for name in shown])
    typed = pa.schema([(name, spool.kind(name)) for name in columns])
    with pyarrow.csv.CSVWriter(file, schema) as writer:
        for batch in _batches(spool, typed):
            texts = [_local(column, zone) for column in batch.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(texts, schema=schema))


def _batches(spool: EventSpool, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for partition in range(spool.partitions):
        for piece in spool.pieces(partition):
            columns = [
                _as(piece.column(one.name), one.type)
                if one.name in piece.schema.names
                else pa.nulls(piece.num_rows, one.type)
                for one in schema
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column if column.type == kind else texts_of(column)


def _local(column: pa.Array, zone: str) -> pa.Array:
    if not pa.types.is_timestamp(column.type):
        return texts_of(column)
    return pc.strftime(column.cast(pa.timestamp("us", zone)), format="%Y-%m-%dT%H:%M:%S%z")
