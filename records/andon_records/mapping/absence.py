"""Why an event lacks what it needs: which cell is empty, what is wrong with a time, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from andon_records.mapping.conversion import Applied, absent_parts
from andon_records.mapping.document import ORDINAL, Column, CsvMapping
from andon_records.mapping.times import unread
from andon_records.mapping.value_texts import texts_of
from andon_records.messages import Message, message

# Without these the service refuses an event.
REQUIRED_FIELDS = ("id", "case_id", "activity", "time")
_TOTAL = re.compile(r"(?i)(?:grand |sub-?)?total|summe|gesamt|zwischensumme|sum\b|somme|suma\b|合计|总计|小计|共计")


def unread_times(applied: Applied, most: int) -> dict[int, str]:
    """Texts of the first events that have no time and should have one, by position."""
    found: dict[int, str] = {}
    for name in ("time", "start_time"):
        if name in applied.unparsed:
            texts = applied.events[f"attributes.unparsed.{name}"]
            lost = np.asarray(texts.is_valid()) & np.asarray(applied.events["time"].is_null())
            found.update({int(place): texts[int(place)].as_py() for place in np.flatnonzero(lost)[:most]})
    return dict(sorted(found.items())[:most])


def why_absent(
    mapping: CsvMapping, applied: Applied, table: pa.RecordBatch, rows: NDArray[np.int64], most: int
) -> dict[tuple[str, int], Message]:
    """Why the first events lack what an event needs: which cell is empty, or what is wrong with a time."""
    absent = {name: np.asarray(applied.events[name].is_null()) for name in REQUIRED_FIELDS}
    lacking = np.flatnonzero(np.logical_or.reduce(list(absent.values())))[:most]
    texts = unread_times(applied, most)
    sample = list(dict.fromkeys(texts.values()))
    mixed = applied.events["time"].null_count < applied.events.num_rows
    why = {}
    for name, place in ((name, int(place)) for place in lacking for name in REQUIRED_FIELDS if absent[name][place]):
        if name == "time" and place in texts:
            why[name, place] = unread(texts[place], mapping.time_formats, mapping.time_zone, sample, mixed)
        else:
            record = int(np.searchsorted(rows, applied.rows[place]))
            why[name, place] = _empty_cells(mapping, getattr(mapping, name), table, record)
    return why


def _empty_cells(mapping: CsvMapping, column: Column, table: pa.RecordBatch, record: int) -> Message:
    """Which columns leave a field absent, and how to say that such a row is none."""
    parts = absent_parts(column, table, record, mapping.unknown)
    names = ", ".join(f'"{name}"' for name, _ in parts)
    read = [name for name in table.schema.names if name != ORDINAL]
    cells = {name: (texts_of(table[name].slice(record, 1))[0].as_py() or "").strip() for name in read}
    if texts := [text for _, text in parts if text.strip()]:
        return message("cell_unknown", columns=names, text=f'"{texts[0].strip()}"')
    return message("cell_empty", columns=names, hint=omit_hint(cells))


def omit_hint(cells: Mapping[str, str]) -> Message:
    """What to write where a row is a total, or holds nothing at all."""
    if cells and not any(cells.values()):
        return message("hint_omit", column=next(iter(cells)), text='""')
    total = next(((name, text) for name, text in cells.items() if _TOTAL.match(text)), None)
    return message("hint_omit", column=total[0], text=f'"{total[1]}"') if total else message("no_hint")
