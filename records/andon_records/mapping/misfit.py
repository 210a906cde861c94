"""What the first rows of a file show of a mapping that is not theirs, while nothing is sent yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from andon_records.mapping.absence import unread_times
from andon_records.mapping.conversion import Applied, Unparsed, text_of
from andon_records.mapping.document import Attribute, CsvMapping
from andon_records.mapping.doubts import type_hint
from andon_records.mapping.numbers import numbers
from andon_records.mapping.times import named, read_times, swapped_formats, unread
from andon_records.messages import Message, message

# Digits at the beginning, behind a sign or a currency: not n/a, and no formula.
_NUMERIC = r"^[^\pL\pN=#]{0,3}[0-9]"
Rows = NDArray[np.int64]


def misfit_of(
    file: str, mapping: CsvMapping, table: pa.RecordBatch, rows: Rows, applied: Applied, records: int
) -> Message | None:
    """The cell at which the mapping goes wrong, why, and what to write; None: nothing speaks against it.

    table: the first rows of `file`, which has so many `records`; rows: their numbers.
    """
    swapped = _swapped_dates(file, mapping, table, rows)
    if swapped is not None:
        return swapped
    # A small file without times is refused by the service, row by row.
    if records > len(rows) and applied.events["time"].null_count == applied.events.num_rows:
        return _no_times(file, mapping, applied)
    for attribute in mapping.attributes:
        wrong = _wrong_type(file, mapping, attribute, table, rows)
        if wrong is not None:
            return wrong
    return _ids_in_two_forms(file, mapping, table, rows)


def _at(file: str, row: int, columns: Sequence[str], what: Message) -> Message:
    return message("in_cell", file=file, row=f"{row:,}", column=", ".join(columns), what=what)


def _swapped_dates(file: str, mapping: CsvMapping, table: pa.RecordBatch, rows: Rows) -> Message | None:
    """Dates that all have day and month the other way round: those up to the 12th would be others without a word."""
    texts = text_of(mapping.time, table, mapping.unknown, rows)
    swapped = swapped_formats(texts, mapping.time_formats, mapping.time_zone)
    if not swapped:
        return None
    read = read_times(texts, mapping.time_formats, mapping.time_zone)
    first = int(np.flatnonzero(np.asarray(texts.is_valid()) & np.asarray(read.times.is_null()))[0])
    written = ", ".join(f'"{one.written}"' for one in swapped)
    what = message(
        "dates_swapped", text=f'"{texts[first].as_py()}"', formats=named(mapping.time_formats), swapped=written
    )
    return _at(file, int(rows[first]), mapping.time.columns, what)


def _no_times(file: str, mapping: CsvMapping, applied: Applied) -> Message:
    texts = list(dict.fromkeys(unread_times(applied, most=200).values()))
    what = unread(texts[0] if texts else None, mapping.time_formats, mapping.time_zone, texts)
    first = _at(file, int(applied.rows[0]), mapping.time.columns, what)
    return message("no_time_at_all", rows=len(np.unique(applied.rows)), first=first)


def _wrong_type(
    file: str, mapping: CsvMapping, attribute: Attribute, table: pa.RecordBatch, rows: Rows
) -> Message | None:
    """Numeric values of which none is of the type, or numbers that all fit with the other decimal mark.

    They would be stored as texts, and could not be loaded again as what they are: their events are known by then.
    """
    if attribute.type not in ("number", "integer", "time"):
        return None
    texts = text_of(attribute.column, table, mapping.unknown, rows)
    numeric = np.asarray(pc.match_substring_regex(texts, _NUMERIC).fill_null(False))
    if not numeric.any():
        return None
    if attribute.type == "time":
        read = read_times(texts, mapping.time_formats, mapping.time_zone).times
    else:
        read = numbers(texts, mapping.decimal)
    lost = np.flatnonzero(numeric & np.asarray(read.is_null()))
    if len(lost) == 0:
        return None
    if len(lost) < np.count_nonzero(numeric):
        marked = numbers(texts.filter(pa.array(numeric)), "." if mapping.decimal == "," else ",")
        if attribute.type == "time" or marked.null_count:
            return None
    first = int(lost[0])
    unparsed = Unparsed(len(lost), int(rows[first]), texts[first].as_py(), attribute.type)
    what = message(
        "type_misfit",
        text=f'"{unparsed.text[:80]}"',
        type=attribute.type,
        name=attribute.name,
        rows=len(rows),
        count=len(lost),
        hint=type_hint(unparsed, mapping),
    )
    return _at(file, unparsed.row, attribute.column.columns, what)


def _ids_in_two_forms(file: str, mapping: CsvMapping, table: pa.RecordBatch, rows: Rows) -> Message | None:
    """1000 and 1000.0 in one column of cases, as tables of numbers write them."""
    texts = text_of(mapping.case_id, table, mapping.unknown, rows)
    pointed = pc.match_substring_regex(texts, r"^[0-9]+\.0+$").fill_null(False)
    if not pc.any(pointed).as_py():
        return None
    whole = pc.replace_substring_regex(texts, r"\.0+$", "")
    both = pc.and_(pointed, pc.is_in(whole, texts.filter(pc.invert(pointed))))
    first = pc.index(both, True).as_py()
    if first < 0:
        return None
    what = message("ids_two_forms", long=f'"{texts[first].as_py()}"', short=f'"{whole[first].as_py()}"')
    return _at(file, int(rows[first]), mapping.case_id.columns, what)
