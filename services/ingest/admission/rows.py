"""Rows become columns: serialised `EventRows` are cut into fields for all events at once, never one event at a time.

The bytes come from the protobuf runtime itself (canonical form, no unknown fields), so tags are one byte and
lengths are trusted; only values are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.columns import FIXED
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    CODED_TEXT,
    OBJECT_KINDS,
    SECOND_US,
    UTC_US,
    Arrival,
)

Places = NDArray[np.int64]

_TEXT_FIELDS = {1: "id", 2: "source", 3: "case_id", 4: "activity", 7: "resource", 9: "supersedes", 10: "retracts"}
_TEXT_FIELDS[11] = "traceparent"
_TIME_FIELD, _KIND_FIELD, _ATTRIBUTE_FIELD = 5, 6, 8
_UNKNOWN_KIND = "unknown"
_SECONDS_MAX = 9_000_000_000_000
_VARINT, _FIXED64 = 0, 1


@dataclass(frozen=True)
class FieldSpans:
    """One kind of field over many messages: its owner, and where its content starts and ends."""

    owner: Places
    start: Places
    end: Places

    def __len__(self) -> int:
        return len(self.owner)


def read_rows(serialised: bytes) -> Arrival:
    """Cost: some twenty numpy operations for each field that the longest event has."""
    data = np.frombuffer(serialised + bytes(16), dtype=np.uint8)
    start, end = _messages(serialised, data)
    rows = len(start)
    fields = _fields(data, start, end)
    columns: dict[str, pa.Array] = {name: pa.nulls(rows, pa.string()) for name in _TEXT_FIELDS.values()}
    columns["time"] = pa.nulls(rows, UTC_US)
    for number, parts in fields.items():
        if number in _TEXT_FIELDS:
            columns[_TEXT_FIELDS[number]] = _spread(_spanned(data, parts), parts.owner, rows)
        elif number == _TIME_FIELD:
            columns["time"] = _spread(_timestamps(data, parts), parts.owner, rows)
    columns["object_kind"] = _object_kinds(data, fields.get(_KIND_FIELD), rows)
    names = [name for name, _ in FIXED]
    arrays = [
        columns[name].dictionary_encode() if kind == CODED_TEXT and columns[name].type != CODED_TEXT else columns[name]
        for name, kind in FIXED
    ]
    for name, array in _attributes(data, fields.get(_ATTRIBUTE_FIELD), rows):
        names.append(name)
        arrays.append(array)
    return Arrival(pa.RecordBatch.from_arrays(arrays, names=names))


def _messages(serialised: bytes, data: NDArray[np.uint8]) -> tuple[Places, Places]:
    """Where each event starts and ends: the one loop over events, and only from one to the next."""
    heads = []
    at, size = 0, len(serialised)
    while at < size:
        heads.append(at)
        length = serialised[at + 1]
        if length < 128:
            at += 2 + length
            continue
        more = serialised[at + 2]
        # Lengths of two bytes are by far the most frequent; longer ones go on below.
        length += (more << 7) - 128
        at += 3
        shift = 14
        while more > 127:
            more = serialised[at]
            length += (more << shift) - (128 << (shift - 7))
            at += 1
            shift += 7
        at += length
    places = np.array(heads, dtype=np.int64)
    _, starts = _varints(data, places + 1)
    return starts, np.append(places[1:], size)[: len(places)]


def _varints(data: NDArray[np.uint8], at: Places) -> tuple[NDArray[np.uint64], Places]:
    """The varints at these places, and where each ends."""
    byte = data[at]
    value = (byte & 127).astype(np.uint64)
    after = at + 1
    more = np.flatnonzero(byte > 127)
    shift = 7
    while len(more) and shift < 70:
        byte = data[after[more]]
        value[more] |= (byte & 127).astype(np.uint64) << np.uint64(shift)
        after[more] += 1
        more = more[byte > 127]
        shift += 7
    return value, after


def _fields(data: NDArray[np.uint8], start: Places, end: Places) -> dict[int, FieldSpans]:
    """All messages advance one field at a time, side by side; a varint field spans its own bytes."""
    found: dict[int, list[FieldSpans]] = {}
    owner = (start < end).nonzero()[0]
    at, end = start[owner], end[owner]
    while len(owner):
        tags = data[at]
        first = int(tags[0])
        if (tags == first).all():
            begin, finish = _span(data, at, first & 7)
            found.setdefault(first >> 3, []).append(FieldSpans(owner, begin, finish))
        else:
            finish = np.empty_like(at)
            for tag in np.unique(tags).tolist():
                chosen = (tags == tag).nonzero()[0]
                begin, finish[chosen] = _span(data, at[chosen], tag & 7)
                found.setdefault(tag >> 3, []).append(FieldSpans(owner[chosen], begin, finish[chosen]))
        left = finish < end
        if left.all():
            at = finish
        else:
            owner, at, end = owner[left], finish[left], end[left]
    return {field: _merged(parts) for field, parts in found.items()}


def _span(data: NDArray[np.uint8], at: Places, wire: int) -> tuple[Places, Places]:
    """Where the content of fields of one wire type starts and ends, given their tags."""
    if wire == _FIXED64:
        return at + 1, at + 9
    number, content = _varints(data, at + 1)
    return (at + 1, content) if wire == _VARINT else (content, content + number.view(np.int64))


def _merged(parts: list[FieldSpans]) -> FieldSpans:
    if len(parts) == 1:
        return parts[0]
    start = np.concatenate([part.start for part in parts])
    order = np.argsort(start, kind="stable")
    owner = np.concatenate([part.owner for part in parts])[order]
    return FieldSpans(owner, start[order], np.concatenate([part.end for part in parts])[order])


def _spanned(data: NDArray[np.uint8], parts: FieldSpans) -> pa.Array:
    """The texts of some parts, copied by Arrow out of a view in which every second value is a gap between two parts."""
    offsets = np.empty(2 * len(parts) + 1, dtype=np.int32)
    offsets[0] = 0
    offsets[1::2] = parts.start
    offsets[2::2] = parts.end
    view = pa.StringArray.from_buffers(2 * len(parts), pa.py_buffer(offsets), pa.py_buffer(data))
    return view.take(pa.array(np.arange(1, 2 * len(parts), 2, dtype=np.int32)))


def _spread(values: pa.Array, owner: Places, rows: int) -> pa.Array:
    """Puts each value in its owner's row; the other rows are null."""
    if len(owner) == rows:
        return values
    source = np.full(rows, -1, dtype=np.int64)
    source[owner] = np.arange(len(owner))
    return values.take(pa.array(source, mask=source < 0))


def _timestamps(data: NDArray[np.uint8], parts: FieldSpans) -> pa.Array:
    seconds = np.zeros(len(parts), dtype=np.int64)
    nanos = np.zeros(len(parts), dtype=np.int64)
    for field, inner in _fields(data, parts.start, parts.end).items():
        values, _ = _varints(data, inner.start)
        (seconds if field == 1 else nanos)[inner.owner] = values.view(np.int64)
    # What lies beyond is clipped, and then refused as too early or in the future.
    micros = np.clip(seconds, -_SECONDS_MAX, _SECONDS_MAX) * SECOND_US + nanos // 1_000
    return pa.array(micros).view(UTC_US)


def _object_kinds(data: NDArray[np.uint8], parts: FieldSpans | None, rows: int) -> pa.Array:
    codes = np.zeros(rows, dtype=np.int64)
    if parts is not None:
        codes[parts.owner] = _varints(data, parts.start)[0].view(np.int64)
    known = (codes >= 0) & (codes <= len(OBJECT_KINDS))
    indices = pa.array(np.where(known, codes - 1, len(OBJECT_KINDS)).astype(np.int32), mask=codes == 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array([*OBJECT_KINDS, _UNKNOWN_KIND]))


def _attributes(data: NDArray[np.uint8], entries: FieldSpans | None, rows: int) -> Iterator[tuple[str, pa.Array]]:
    """One column for each name and type; a name that came in several types has several columns."""
    if entries is None:
        return
    fields = _fields(data, entries.start, entries.end)
    keys = _spread(_spanned(data, fields[1]), fields[1].owner, len(entries)).fill_null("") if 1 in fields else None
    if keys is None:
        keys = pa.array([""] * len(entries))
    coded = keys.dictionary_encode()
    codes = coded.indices.to_numpy()
    names = coded.dictionary.to_pylist()
    if 2 not in fields:
        return
    values = fields[2]
    for kind, parts in sorted(_fields(data, values.start, values.end).items()):
        entry = values.owner[parts.owner]
        name_codes = codes[entry]
        for code in np.unique(name_codes).tolist():
            chosen = np.flatnonzero(name_codes == code)
            part = FieldSpans(parts.owner[chosen], parts.start[chosen], parts.end[chosen])
            yield ATTRIBUTE_PREFIX + names[code], _spread(_values(data, kind, part), entries.owner[entry[chosen]], rows)


def _values(data: NDArray[np.uint8], kind: int, parts: FieldSpans) -> pa.Array:
    """By the field numbers of andon.common.v1.Value: text, number, integer, flag, time."""
    if kind == 1:
        return _spanned(data, parts).dictionary_encode()
    if kind == 2:
        octets = data[parts.start[:, None] + np.arange(8)]
        return pa.array(np.ascontiguousarray(octets).view("<f8").reshape(-1))
    if kind == 5:
        return _timestamps(data, parts)
    numbers = _varints(data, parts.start)[0].view(np.int64)
    return pa.array(numbers) if kind == 3 else pa.array(numbers != 0)
