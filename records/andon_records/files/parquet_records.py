"""Records in Parquet: row groups as they come, columns with their types; a field of a struct is `outer.inner`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from andon_records.files.table_file import TABLE_ROWS, TableFile
from andon_records.files.utf8_stream import refuse
from andon_records.mapping.document import AttributeType
from andon_records.messages import message

_METADATA_BYTES_MAX = 256 << 20
_METADATA_ITEMS_MAX = 10_000_000


def inspect_parquet(path: Path) -> TableFile:
    """Looks at the metadata alone. Raises UnreadableFile where it is damaged."""
    with _opened(path) as file:
        schema = file.schema_arrow
        leaves = dict(_leaves(schema))
        types = {name: _type(kind) for name, kind in leaves.items()}
        records = file.metadata.num_rows
    guesses = [] if records else [message("file_no_rows")]
    return TableFile(path, list(leaves), records, partial(_read, path), types, guesses)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(
            path,
            thrift_string_size_limit=_METADATA_BYTES_MAX,
            thrift_container_size_limit=_METADATA_ITEMS_MAX,
            buffer_size=1 << 20,
            pre_buffer=False,
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise refuse(path, _damaged(error)) from error


def _damaged(error: Exception) -> Any:
    problem = " ".join(str(error).split())[:200] or type(error).__name__
    return message("parquet_broken", problem=problem)


def _leaves(fields: Any, before: str = "") -> Iterator[tuple[str, pa.DataType]]:
    for one in fields:
        if pa.types.is_struct(one.type):
            yield from _leaves([one.type.field(place) for place in range(one.type.num_fields)], f"{before}{one.name}.")
        else:
            yield f"{before}{one.name}", one.type


def _type(kind: pa.DataType) -> AttributeType:
    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_duration(kind):
        return "number"
    return "time" if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else "text"


def _read(path: Path, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with _opened(path) as file:
        top = file.schema_arrow.names
        tops = list(dict.fromkeys(_top(name, top) for name in wanted))
        batches = file.iter_batches(TABLE_ROWS, columns=tops, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                made = {name: _column(batch, name) for name in wanted}
            except (pa.ArrowException, OSError, ValueError) as error:
                raise refuse(path, _damaged(error)) from error
            if not made:
                made = {"\x00": pa.nulls(batch.num_rows, pa.utf8())}
            yield pa.RecordBatch.from_pydict(made)


def _top(name: str, names: Sequence[str]) -> str:
    return name if name in names else next(one for one in names if name.startswith(f"{one}."))


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    top = _top(name, batch.schema.names)
    column, rest = batch.column(top), name[len(top) + 1 :]
    while rest:
        names = [column.type.field(place).name for place in range(column.type.num_fields)]
        inner = rest if rest in names else next(one for one in names if rest.startswith(f"{one}."))
        column, rest = pc.struct_field(column, inner), rest[len(inner) + 1 :]
    return column
