"""Segments as groups of rows of a Parquet file that any other tool reads as one table, and back."""

from collections.abc import Sequence
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

from services.ingest.columns import FIXED_NAMES
from services.ingest.log.archive import ArchiveDamaged, PackedFile
from services.ingest.log.records import SegmentKey
from services.ingest.log.segments import decoded

Page = tuple[SegmentKey, pa.RecordBatch]


def packed(segments: Sequence[tuple[SegmentKey, bytes]]) -> list[PackedFile]:
    """One file, and another one for each time that an attribute has several types: a file's column has one.

    The same segments make the same bytes. Raises ArchiveDamaged where what was written does not read as what it was.
    """
    groups: list[tuple[dict[str, pa.DataType], list[Page]]] = []
    for key, events in segments:
        page = decoded(events)
        fitting = (
            one for one in groups if all(one[0].get(field.name, field.type) == field.type for field in page.schema)
        )
        types, members = next(fitting, ({}, []))
        if not members:
            groups.append((types, members))
        types.update({field.name: field.type for field in page.schema})
        members.append((key, page))
    return [_file(members) for _, members in groups]


def unpacked(file: pq.ParquetFile, group: int) -> pa.RecordBatch:
    """The segment that was written as this group of rows. Raises ArchiveDamaged."""
    try:
        table = file.read_row_group(group, use_threads=False).combine_chunks()
    except (pa.ArrowException, OSError, IndexError) as error:
        raise ArchiveDamaged("a file of the archive cannot be read") from error
    # A column of the file that no event of this segment has.
    held = [name for name in table.column_names if name in FIXED_NAMES or table[name].null_count < len(table)]
    batches: list[pa.RecordBatch] = table.select(held).to_batches()
    return batches[0] if len(batches) == 1 else pa.RecordBatch.from_pylist([], schema=table.select(held).schema)


def opened(source: object) -> pq.ParquetFile:
    """Of a file-like object or its bytes. Raises ArchiveDamaged."""
    try:
        return pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise ArchiveDamaged("a file of the archive cannot be read") from error


def _file(pages: Sequence[Page]) -> PackedFile:
    types = {field.name: field.type for _, page in pages for field in page.schema}
    names = [*FIXED_NAMES, *sorted(types.keys() - set(FIXED_NAMES))]
    schema = pa.schema([(name, types[name]) for name in names])
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, compression="zstd", write_page_checksum=True) as writer:
        for _, page in pages:
            columns = [
                page.column(name) if name in page.schema.names else pa.nulls(page.num_rows, types[name])
                for name in names
            ]
            # All of a segment's events in one group.
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=max(page.num_rows, 1))
    content: bytes = sink.getvalue().to_pybytes()
    file = opened(BytesIO(content))
    for group, (_, page) in enumerate(pages):
        if not _equal(unpacked(file, group), page):
            raise ArchiveDamaged("what was written does not read as what it was")
    return PackedFile(content, tuple(key for key, _ in pages), sum(page.num_rows for _, page in pages))


def _equal(one: pa.RecordBatch, other: pa.RecordBatch) -> bool:
    """Value by value, however texts are encoded."""
    held = {name for name in other.schema.names if name in FIXED_NAMES or other[name].null_count < other.num_rows}
    return set(one.schema.names) == held and all(_plain(one[name]).equals(_plain(other[name])) for name in held)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
