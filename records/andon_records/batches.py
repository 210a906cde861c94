"""A file as batches of events, of which each knows its rows; every record of the file is in one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from andon_records.files.readers import RecordFile, inspect, records_of
from andon_records.files.set_aside import EXAMPLES_MAX, NOTHING_SET_ASIDE, SetAside
from andon_records.files.utf8_stream import refuse
from andon_records.mapping.absence import why_absent
from andon_records.mapping.conversion import (
    NO_DOUBTS,
    Applied,
    TimeDoubts,
    Unparsed,
    apply_mapping,
)
from andon_records.mapping.document import COUNTED, CsvMapping
from andon_records.mapping.misfit import misfit_of
from andon_records.mapping.ordinals import Ordinals
from andon_records.messages import Message, NothingReadable, message

BATCH_ROWS = 5_000
# The contract's limit of a batch is 16 MiB.
BATCH_BYTES_MAX = 12 << 20


@dataclass(frozen=True)
class Batch:
    """Some events of a file. rows: how many records it answers for, the last of which is `last_row`.

    row_numbers: the record that each event was made of, from 1 below the header. why_absent: why events lack a field
    that they need, by field and position, of the first few in the file. events: 0 where no record could be read.
    columns: of which column of the file each field is made.
    """

    sequence: int
    arrow_ipc: bytes
    events: int
    rows: int
    last_row: int
    row_numbers: Sequence[int] | NDArray[np.int64]
    unparsed: Mapping[str, Unparsed] = field(default_factory=dict)
    set_aside: SetAside = NOTHING_SET_ASIDE
    why_absent: Mapping[tuple[str, int], Message] = field(default_factory=dict)
    doubts: TimeDoubts = NO_DOUBTS
    columns: Mapping[str, str] = field(default_factory=dict)

    def row_of(self, index: int) -> int:
        """The record that an event was made of; an answer that names an event beyond the batch means its last."""
        return int(self.row_numbers[index]) if index < len(self.row_numbers) else self.last_row


def read_batches(path: Path, mapping: CsvMapping, skip_rows: int = 0, batch_rows: int = BATCH_ROWS) -> Iterator[Batch]:
    """The rows of a file after the first `skip_rows`; the file is read through before the first batch is made."""
    return batches_of(inspect(path, mapping), mapping, skip_rows, batch_rows)


def batches_of(
    layout: RecordFile, mapping: CsvMapping, skip_rows: int = 0, batch_rows: int = BATCH_ROWS
) -> Iterator[Batch]:
    """Together the batches answer for every record of the file, less those that are skipped.

    Raises UnreadableFile where the file changed meanwhile, NothingReadable where no row is one, or where the first
    rows show that the mapping is not theirs.
    """
    records, sequence, explained = records_of(layout, mapping), 0, 0
    ordinals = Ordinals(mapping, layout.names)
    columns = {key: ", ".join(name for name in column.columns if name not in COUNTED) for key, column in mapping.uses()}
    for table, numbers in records:
        table = ordinals.added(table, numbers)
        known = int(np.searchsorted(numbers, skip_rows, side="right"))
        for start in range(known, table.num_rows, batch_rows):
            rows = numbers[start : start + batch_rows]
            for part, applied, body in _converted(mapping, table.slice(start, batch_rows), rows):
                here = table.slice(int(np.searchsorted(numbers, part[0])), len(part))
                if sequence == 0 and skip_rows == 0:
                    misfit = misfit_of(layout.path.name, mapping, here, part, applied, layout.records)
                    if misfit is not None:
                        raise NothingReadable(misfit)
                set_aside = records.set_aside.through(int(part[-1]))
                why = why_absent(mapping, applied, here, part, EXAMPLES_MAX - explained)
                yield Batch(
                    sequence=sequence,
                    arrow_ipc=body,
                    events=applied.events.num_rows,
                    rows=len(part) + set_aside.records,
                    last_row=int(part[-1]),
                    row_numbers=applied.rows,
                    unparsed=applied.unparsed,
                    set_aside=set_aside,
                    why_absent=why,
                    doubts=applied.doubts,
                    columns=columns,
                )
                sequence, explained = sequence + 1, explained + len({place for _, place in why})
    if records.read != layout.records:
        raise refuse(layout.path, message("changed", rows=layout.records, found=records.read))
    rest = records.set_aside.through(layout.records)
    if rest.unreadable and rest.unreadable == layout.records:
        row, what = rest.examples[0]
        first = message("in_row", file=layout.path.name, row=f"{row:,}", what=what)
        raise NothingReadable(message("all_short", rows=layout.records, first=first))
    if rest.records:
        yield Batch(sequence, b"", 0, rest.records, layout.records, (), set_aside=rest)


def _converted(
    mapping: CsvMapping, table: pa.RecordBatch, rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], Applied, bytes]]:
    """Events of the rows, in parts that the contract allows."""
    applied = apply_mapping(mapping, table, rows)
    body = ipc_stream(applied.events)
    if len(body) <= BATCH_BYTES_MAX or len(rows) == 1:
        yield rows, applied, body
        return
    half = len(rows) // 2
    yield from _converted(mapping, table.slice(0, half), rows[:half])
    yield from _converted(mapping, table.slice(half), rows[half:])


def ipc_stream(events: pa.RecordBatch) -> bytes:
    """An Arrow IPC stream with one batch, as `WriteEvents` takes it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, events.schema) as writer:
        writer.write_batch(events)
    return bytes(sink.getvalue().to_pybytes())
