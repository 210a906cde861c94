"""A file as batches of events, of which each knows its rows; every record of the file is in one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from andon_client.conversion import NO_DOUBTS, Applied, TimeDoubts, Unparsed, absent_parts, apply_mapping, text_of
from andon_client.csv_layout import Layout, inspect
from andon_client.load_messages import Message, NothingReadable, message
from andon_client.mapping import ORDINAL, ROW, Column, CsvMapping
from andon_client.ordinals import Ordinals
from andon_client.time_texts import named, read_times, swapped_formats, unread
from andon_client.utf8_stream import BLOCK_BYTES, BlockStream, refuse

BATCH_ROWS = 5_000
# The contract's limit of a batch is 16 MiB.
BATCH_BYTES_MAX = 12 << 20
EXAMPLES_MAX = 20
TEXT_SHOWN = 80
# Without these the service refuses an event.
REQUIRED_FIELDS = ("id", "case_id", "activity", "time")
_TOTAL = re.compile(r"(?i)(?:grand |sub-?)?total|summe|gesamt|zwischensumme|sum\b|somme|suma\b|合计|总计|小计|共计")


@dataclass(frozen=True)
class SetAside:
    """Records that become no events: unreadable ones, the first of them by number with why, and omitted ones."""

    unreadable: int = 0
    examples: Sequence[tuple[int, Message]] = ()
    omitted: int = 0

    @property
    def records(self) -> int:
        return self.unreadable + self.omitted


@dataclass(frozen=True)
class Batch:
    """Some events of a file. rows: how many records it answers for, the last of which is `last_row`.

    row_numbers: the record that each event was made of, from 1 below the header. why_absent: why events lack a field
    that they need, by field and position, of the first few in the file. events: 0 where no record could be read.
    """

    sequence: int
    arrow_ipc: bytes
    events: int
    rows: int
    last_row: int
    row_numbers: Sequence[int] | NDArray[np.int64]
    unparsed: Mapping[str, Unparsed] = field(default_factory=dict)
    set_aside: SetAside = SetAside()
    why_absent: Mapping[tuple[str, int], Message] = field(default_factory=dict)
    doubts: TimeDoubts = NO_DOUBTS

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
                here = table.slice(int(np.searchsorted(numbers, part[0])), len(part))
                if sequence == 0 and skip_rows == 0:
                    _refuse_swapped_dates(layout, mapping, here, part)
                    if layout.records > len(part):
                        _refuse_without_times(layout, mapping, applied)
                set_aside = records.set_aside(through=int(part[-1]))
                why = _why_absent(mapping, applied, here, part, EXAMPLES_MAX - explained)
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
                )
                sequence, explained = sequence + 1, explained + len({place for _, place in why})
    if records.read != layout.records:
        raise refuse(layout.path, message("changed", rows=layout.records, found=records.read))
    rest = records.set_aside(through=layout.records)
    if rest.unreadable and rest.unreadable == layout.records:
        row, what = rest.examples[0]
        first = message("in_row", file=layout.path.name, row=f"{row:,}", what=what)
        raise NothingReadable(message("all_short", rows=layout.records, first=first))
    if rest.records:
        yield Batch(sequence, b"", 0, rest.records, layout.records, (), set_aside=rest)


class _Records:
    """The rows of a file as tables of text with their numbers; what is no row, or shall be none, is set aside."""

    def __init__(self, layout: Layout, mapping: CsvMapping) -> None:
        self.read = 0
        self._layout = layout
        self._omit = mapping.omit_rows
        self._omitted: list[int] = []
        self._unreadable: list[int] = []
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
                    self._failed = [number for number in self._failed if number > self.read]
                    yield from self._less_omitted(table, numbers)
        except pa.ArrowInvalid as error:
            raise self._refused(error) from error
        # Rows after the last that could be read.
        self.read = max([self.read, *self._failed[-1:]])

    def _less_omitted(
        self, table: pa.RecordBatch, numbers: NDArray[np.int64]
    ) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        omitted = np.zeros(len(numbers), np.bool_)
        for name, values in self._omit.items():
            cells = table[name] if name in table.schema.names else pc.cast(pa.array(numbers), pa.utf8())
            coded = pc.dictionary_encode(cells)
            named = pc.is_in(pc.utf8_trim_whitespace(coded.dictionary), pa.array(values, pa.utf8()))
            omitted |= np.asarray(pc.take(named, coded.indices))
        if omitted.any():
            self._omitted += numbers[omitted].tolist()
            table, numbers = table.filter(pa.array(~omitted)), numbers[~omitted]
        if len(numbers):
            yield table, numbers

    def set_aside(self, through: int) -> SetAside:
        """What was, up to this record, and not given yet."""
        unreadable, self._unreadable = _split(self._unreadable, through)
        omitted, self._omitted = _split(self._omitted, through)
        examples = [one for one in self._examples if one[0] <= through]
        self._examples = [one for one in self._examples if one[0] > through]
        return SetAside(len(unreadable), examples, len(omitted))

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
        if self._is_omitted(row):
            self._omitted.append(row.number)
            return "skip"
        self._unreadable.append(row.number)
        if len(self._examples) < EXAMPLES_MAX:
            text = row.text if len(row.text) <= TEXT_SHOWN else f"{row.text[:TEXT_SHOWN]}..."
            kind = "row_short" if row.actual_columns < row.expected_columns else "row_long"
            places = {"found": row.actual_columns, "expected": row.expected_columns, "text": text}
            self._examples.append((row.number, message(kind, **places, hint=omit_hint(self._cells(row)))))
        return "skip"

    def _is_omitted(self, row: pyarrow.csv.InvalidRow) -> bool:
        """A row of too few or too many values, such as a footer, has those that it has."""
        if not self._omit:
            return False
        cells = {ROW: str(row.number), **self._cells(row)}
        return any(cells.get(name) in values for name, values in self._omit.items())

    def _cells(self, row: pyarrow.csv.InvalidRow) -> dict[str, str]:
        values = self._layout.values(row.text)
        named = zip(self._layout.names, (value.strip() for value in values), strict=False)
        return {name: value for name, value in named if name in self._wanted}

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


def _split(numbers: list[int], through: int) -> tuple[list[int], list[int]]:
    known = int(np.searchsorted(np.array(numbers, np.int64), through, side="right"))
    return numbers[:known], numbers[known:]


def _unread_times(applied: Applied, most: int) -> dict[int, str]:
    """Texts of the first events that have no time and should have one, by position."""
    found: dict[int, str] = {}
    for name in ("time", "start_time"):
        if name in applied.unparsed:
            texts = applied.events[f"attributes.unparsed.{name}"]
            lost = np.asarray(texts.is_valid()) & np.asarray(applied.events["time"].is_null())
            found.update({int(place): texts[int(place)].as_py() for place in np.flatnonzero(lost)[:most]})
    return dict(sorted(found.items())[:most])


def _why_absent(
    mapping: CsvMapping, applied: Applied, table: pa.RecordBatch, rows: NDArray[np.int64], most: int
) -> dict[tuple[str, int], Message]:
    """Why the first events lack what an event needs: which cell is empty, or what is wrong with a time."""
    absent = {name: np.asarray(applied.events[name].is_null()) for name in REQUIRED_FIELDS}
    lacking = np.flatnonzero(np.logical_or.reduce(list(absent.values())))[:most]
    texts = _unread_times(applied, most)
    sample = list(dict.fromkeys(texts.values()))
    why = {}
    for name, place in ((name, int(place)) for place in lacking for name in REQUIRED_FIELDS if absent[name][place]):
        if name == "time" and place in texts:
            why[name, place] = unread(texts[place], mapping.time_formats, mapping.time_zone, sample)
        else:
            record = int(np.searchsorted(rows, applied.rows[place]))
            why[name, place] = _empty_cells(mapping, getattr(mapping, name), table, record)
    return why


def _empty_cells(mapping: CsvMapping, column: Column, table: pa.RecordBatch, record: int) -> Message:
    """Which columns leave a field absent, and how to say that such a row is none."""
    parts = absent_parts(column, table, record, mapping.unknown)
    names = ", ".join(f'"{name}"' for name, _ in parts)
    read = [name for name in table.schema.names if name != ORDINAL]
    cells = {name: (table[name][record].as_py() or "").strip() for name in read}
    if texts := [text for _, text in parts if text.strip()]:
        return message("cell_unknown", columns=names, text=f'"{texts[0].strip()}"')
    return message("cell_empty", columns=names, hint=omit_hint(cells))


def omit_hint(cells: Mapping[str, str]) -> Message:
    """What to write where a row is a total, or holds nothing at all."""
    if cells and not any(cells.values()):
        return message("hint_omit", column=next(iter(cells)), text='""')
    total = next(((name, text) for name, text in cells.items() if _TOTAL.match(text)), None)
    return message("hint_omit", column=total[0], text=f'"{total[1]}"') if total else message("no_hint")


def _refuse_swapped_dates(layout: Layout, mapping: CsvMapping, table: pa.RecordBatch, rows: NDArray[np.int64]) -> None:
    """Of a beginning whose dates are all dates with day and month the other way round, and not as the mapping says,
    nothing is sent: those up to the 12th would be read as others without a word.
    """
    texts = text_of(mapping.time, table, mapping.unknown, rows)
    swapped = swapped_formats(texts, mapping.time_formats, mapping.time_zone)
    if not swapped:
        return
    read = read_times(texts, mapping.time_formats, mapping.time_zone)
    first = int(np.flatnonzero(np.asarray(texts.is_valid()) & np.asarray(read.times.is_null()))[0])
    written = ", ".join(f'"{one.written}"' for one in swapped)
    what = message(
        "dates_swapped", text=f'"{texts[first].as_py()}"', formats=named(mapping.time_formats), swapped=written
    )
    places = {"file": layout.path.name, "row": f"{int(rows[first]):,}", "column": ", ".join(mapping.time.columns)}
    raise NothingReadable(message("in_cell", **places, what=what))


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
