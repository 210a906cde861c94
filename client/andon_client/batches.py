"""A file as batches of events, of which each knows its rows; every record of the file is in one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from andon_client.conversion import Applied, Unparsed, apply_mapping
from andon_client.csv_layout import Layout, inspect
from andon_client.load_messages import Message, NothingReadable, message
from andon_client.mapping import CsvMapping
from andon_client.ordinals import Ordinals
from andon_client.time_texts import unread
from andon_client.utf8_stream import BLOCK_BYTES, BlockStream, refuse

BATCH_ROWS = 5_000
# The contract's limit of a batch is 16 MiB.
BATCH_BYTES_MAX = 12 << 20
EXAMPLES_MAX = 20
TEXT_SHOWN = 80


@dataclass(frozen=True)
class Unreadable:
    """Records that are no rows of the table: how many, and the first of them by number."""

    count: int = 0
    examples: Sequence[tuple[int, Message]] = ()


@dataclass(frozen=True)
class Batch:
    """Some events of a file. rows: how many records it answers for, the last of which is `last_row`.

    row_numbers: the record that each event was made of, from 1 below the header. why_unread: why events have no time,
    by position, of the first few in the file. events: 0 where no record could be read.
    """

    sequence: int
    arrow_ipc: bytes
    events: int
    rows: int
    last_row: int
    row_numbers: Sequence[int] | NDArray[np.int64]
    unparsed: Mapping[str, Unparsed] = field(default_factory=dict)
    unreadable: Unreadable = Unreadable()
    why_unread: Mapping[int, Message] = field(default_factory=dict)
    folded: int = 0

    def row_of(self, index: int) -> int:
        """The record that an event was made of; an answer that names an event beyond the batch means its last."""
        return int(self.row_numbers[index]) if index < len(self.row_numbers) else self.last_row


def read_batches(path: Path, mapping: CsvMapping, skip_rows: int = 0, batch_rows: int = BATCH_ROWS) -> Iterator[Batch]:
    """The rows of a file after the first `skip_rows`; the file is read through before the first batch is made."""
    return batches_of(inspect(path, mapping), mapping, skip_rows, batch_rows)


def batches_of(
    layout: Layout, mapping: CsvMapping, skip_rows: int = 0, batch_rows: int = BATCH_ROWS
) -> Iterator[Batch]:
    """Together the batches answer for every record of the file, less those that are skipped.

    Raises UnreadableFile where the file changed meanwhile, NothingReadable where no row is one or, of a file of
    several batches, no row of the first has a time.
    """
    records, sequence, explained = _Records(layout, mapping), 0, 0
    ordinals = Ordinals(mapping, layout.names)
    for table, numbers in records:
        table = ordinals.added(table, numbers)
        known = int(np.searchsorted(numbers, skip_rows, side="right"))
        for start in range(known, table.num_rows, batch_rows):
            rows = numbers[start : start + batch_rows]
            for part, applied, body in _converted(mapping, table.slice(start, batch_rows), rows):
                if sequence == 0 and skip_rows == 0 and layout.records > len(part):
                    _refuse_without_times(layout, mapping, applied)
                unreadable = records.unreadable(through=int(part[-1]))
                why = _why_unread(mapping, applied, EXAMPLES_MAX - explained)
                yield Batch(
                    sequence=sequence,
                    arrow_ipc=body,
                    events=applied.events.num_rows,
                    rows=len(part) + unreadable.count,
                    last_row=int(part[-1]),
                    row_numbers=applied.rows,
                    unparsed=applied.unparsed,
                    unreadable=unreadable,
                    why_unread=why,
                    folded=applied.folded,
                )
                sequence, explained = sequence + 1, explained + len(why)
    if records.read != layout.records:
        raise refuse(layout.path, message("changed", rows=layout.records, found=records.read))
    rest = records.unreadable(through=layout.records)
    if rest.count and rest.count == layout.records:
        row, what = rest.examples[0]
        first = message("in_row", file=layout.path.name, row=f"{row:,}", what=what)
        raise NothingReadable(message("all_short", rows=layout.records, first=first))
    if rest.count:
        yield Batch(sequence, b"", 0, rest.count, layout.records, (), unreadable=rest)


class _Records:
    """The rows of a file as tables of text with their numbers; what is no row is set aside, with why."""

    def __init__(self, layout: Layout, mapping: CsvMapping) -> None:
        self.read = 0
        self._layout = layout
        self._wanted = [name for name in mapping.columns() if name in layout.names]
        self._failed: list[int] = []
        self._examples: list[tuple[int, Message]] = []
        self._reported = 0

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        if self._layout.records == 0:
            return
        try:
            for table in self._reader():
                failed = np.array([number for number in self._failed if number > self.read], np.int64)
                numbers = np.arange(self.read + 1, self.read + table.num_rows + len(failed) + 1)
                numbers = np.setdiff1d(numbers, failed, assume_unique=True)[: table.num_rows]
                if len(numbers):
                    self.read = int(numbers[-1])
                    yield table, numbers
        except pa.ArrowInvalid as error:
            raise self._refused(error) from error
        # Rows after the last that could be read.
        self.read = max([self.read, *self._failed[-1:]])

    def unreadable(self, through: int) -> Unreadable:
        """Those up to this record that were not given yet."""
        known = int(np.searchsorted(np.array(self._failed, np.int64), through, side="right"))
        new, self._failed = self._failed[:known], self._failed[known:]
        examples = [one for one in self._examples if one[0] <= through]
        self._examples = [one for one in self._examples if one[0] > through]
        return Unreadable(len(new), examples)

    def _reader(self) -> pyarrow.csv.CSVStreamingReader:
        layout = self._layout
        return pyarrow.csv.open_csv(
            pa.PythonFile(BlockStream(layout.blocks()), "r"),
            # One reading thread: batches must come in file order, and rows that are none with their number.
            read_options=pyarrow.csv.ReadOptions(
                block_size=BLOCK_BYTES, use_threads=False, column_names=list(layout.names)
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char=layout.quote or False,
                newlines_in_values=layout.multiline,
                invalid_row_handler=self._set_aside,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=self._wanted,
                column_types=dict.fromkeys(self._wanted, pa.utf8()),
                strings_can_be_null=False,
            ),
        )

    def _set_aside(self, row: pyarrow.csv.InvalidRow) -> str:
        self._failed.append(row.number)
        if len(self._examples) < EXAMPLES_MAX:
            text = row.text if len(row.text) <= TEXT_SHOWN else f"{row.text[:TEXT_SHOWN]}..."
            kind = "row_short" if row.actual_columns < row.expected_columns else "row_long"
            places = {"found": row.actual_columns, "expected": row.expected_columns, "text": text}
            self._examples.append((row.number, message(kind, **places)))
        return "skip"

    def _refused(self, error: pa.ArrowInvalid) -> Exception:
        if "straddling" in str(error):
            what = message("row_too_long", bytes=BLOCK_BYTES)
            return refuse(self._layout.path, message("after_row", row=f"{self.read:,}", what=what))
        return refuse(self._layout.path, message("not_tabular", problem=" ".join(str(error).split())))


def _converted(
    mapping: CsvMapping, table: pa.RecordBatch, rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], Applied, bytes]]:
    """Events of the rows, in parts that the contract allows."""
    applied = apply_mapping(mapping, table, rows)
    body = _ipc(applied.events)
    if len(body) <= BATCH_BYTES_MAX or len(rows) == 1:
        yield rows, applied, body
        return
    half = len(rows) // 2
    yield from _converted(mapping, table.slice(0, half), rows[:half])
    yield from _converted(mapping, table.slice(half), rows[half:])


def _ipc(events: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, events.schema) as writer:
        writer.write_batch(events)
    return bytes(sink.getvalue().to_pybytes())


def _unread_times(applied: Applied, most: int) -> dict[int, str]:
    """Texts of the first events that have no time and should have one, by position."""
    found: dict[int, str] = {}
    for name in ("time", "start_time"):
        if name in applied.unparsed:
            texts = applied.events[f"attributes.unparsed.{name}"]
            lost = np.asarray(texts.is_valid()) & np.asarray(applied.events["time"].is_null())
            found.update({int(place): texts[int(place)].as_py() for place in np.flatnonzero(lost)[:most]})
    return dict(sorted(found.items())[:most])


def _why_unread(mapping: CsvMapping, applied: Applied, most: int) -> dict[int, Message]:
    texts = _unread_times(applied, most)
    sample = list(dict.fromkeys(texts.values()))
    return {place: unread(text, mapping.time_formats, mapping.time_zone, sample) for place, text in texts.items()}


def _refuse_without_times(layout: Layout, mapping: CsvMapping, applied: Applied) -> None:
    """Of a beginning in which not one time can be read, nothing is sent: the mapping does not fit the file."""
    times = applied.events["time"]
    if times.null_count < len(times):
        return
    texts = list(dict.fromkeys(_unread_times(applied, most=200).values()))
    what = unread(texts[0] if texts else None, mapping.time_formats, mapping.time_zone, texts)
    places = {"file": layout.path.name, "row": f"{int(applied.rows[0]):,}", "column": ", ".join(mapping.time.columns)}
    first = message("in_cell", **places, what=what)
    raise NothingReadable(message("no_time_at_all", rows=len(np.unique(applied.rows)), first=first))
