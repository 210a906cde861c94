"""Arrow from outside becomes one batch of known columns; whatever cannot is refused, never trusted."""

import struct
from collections.abc import Callable
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.ipc_bounds import decoded_bytes_claimed
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    CODED_TEXT,
    UTC_US,
    Arrival,
    MalformedBatch,
)

REQUIRED = ("id", "source", "case_id", "activity", "time")
CODED = ("source", "activity", "object_kind", "resource")
FIXED: tuple[tuple[str, pa.DataType], ...] = (
    ("id", pa.string()),
    ("source", CODED_TEXT),
    ("case_id", pa.string()),
    ("activity", CODED_TEXT),
    ("time", UTC_US),
    ("object_kind", CODED_TEXT),
    ("resource", CODED_TEXT),
    ("supersedes", pa.string()),
    ("retracts", pa.string()),
    ("traceparent", pa.string()),
)
FIXED_TYPES = dict(FIXED)
FIXED_NAMES = tuple(FIXED_TYPES)
COLUMNS_MAX = 1_000

_UTC_NAMES = frozenset({"UTC", "utc", "Etc/UTC", "Z", "+00:00", "GMT", "Etc/GMT"})
_UNITS_US = {"s": 1_000_000, "ms": 1_000, "us": 1}
_INT64_MAX = np.iinfo(np.int64).max
# What damaged bytes make Arrow and Python raise; a SystemError is a length below zero.
_DAMAGE = (
    pa.ArrowException,
    OSError,
    ValueError,
    MemoryError,
    OverflowError,
    IndexError,
    SystemError,
    struct.error,
)
# Arrow decodes a compressed body of 16 MiB to no more than this much, or it is an attack.
_DECODED_BYTES_MAX = 16 * BATCH_BYTES_MAX


def read_arrow(stream: bytes) -> Arrival:
    """Raises MalformedBatch unless every byte of the stream can be trusted afterwards."""
    if len(stream) > BATCH_BYTES_MAX:
        raise MalformedBatch("arrow_ipc", f"more than {BATCH_BYTES_MAX} bytes", "BATCH_TOO_LARGE")
    try:
        if decoded_bytes_claimed(stream) > _DECODED_BYTES_MAX:
            raise MalformedBatch("arrow_ipc", "decodes to more than is allowed", "BATCH_TOO_LARGE")
        with pa.ipc.open_stream(pa.py_buffer(stream)) as reader:
            check_schema(reader.schema)
            schema = reader.schema
            arrivals = [_normalised(batch) for batch in _read_bounded(reader)]
    except MalformedBatch:
        raise
    except _DAMAGE as error:
        raise MalformedBatch("arrow_ipc", "not a readable Arrow IPC stream") from error
    if len(arrivals) == 1:
        return arrivals[0]
    return _joined(arrivals, schema)


def _read_bounded(reader: pa.RecordBatchStreamReader) -> list[pa.RecordBatch]:
    batches, events = [], 0
    for batch in reader:
        batch.validate()
        events += batch.num_rows
        if events > BATCH_EVENTS_MAX:
            raise MalformedBatch("arrow_ipc", f"more than {BATCH_EVENTS_MAX} events", "BATCH_TOO_LARGE")
        if batch.num_rows:
            batches.append(batch)
    return batches


def check_schema(schema: pa.Schema) -> None:
    if len(schema) > COLUMNS_MAX:
        raise MalformedBatch("arrow_ipc", f"more than {COLUMNS_MAX} columns", "BATCH_TOO_LARGE")
    names = schema.names
    if len(set(names)) != len(names):
        raise MalformedBatch("arrow_ipc", "two columns have the same name")
    for name in REQUIRED:
        if name not in names:
            raise MalformedBatch(name, "required column is absent", "FIELD_REQUIRED")
    for column in schema:
        _check_type(column.name, column.type)


def _check_type(name: str, kind: pa.DataType) -> None:
    if name == "time":
        _check_time(name, kind)
    elif name in FIXED_NAMES:
        if not _is_text(kind) and not pa.types.is_null(kind):
            raise MalformedBatch(name, "must be utf8 or a dictionary of utf8")
    elif not name.startswith(ATTRIBUTE_PREFIX):
        raise MalformedBatch("arrow_ipc", "a column is neither a field of an event nor attributes.<name>")
    elif pa.types.is_timestamp(kind):
        _check_time(name, kind)
    elif not (_is_text(kind) or _is_number(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise MalformedBatch(_safe(name), "must be utf8, float64, int64, bool or timestamp")


def _check_time(name: str, kind: pa.DataType) -> None:
    if not pa.types.is_timestamp(kind):
        raise MalformedBatch(_safe(name), "must be a timestamp with zone UTC")
    if kind.tz not in _UTC_NAMES:
        raise MalformedBatch(_safe(name), "timestamps need a zone, and it must be UTC")


def _safe(name: str) -> str:
    """Column names are chosen by the caller: what cannot be a field path is not repeated."""
    return name if len(name) <= 80 and name.isprintable() else "arrow_ipc"


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _normalised(batch: pa.RecordBatch) -> Arrival:
    rows = batch.num_rows
    columns: list[pa.Array] = []
    names: list[str] = []
    unreadable: dict[int, NDArray[np.bool_]] = {}
    present = {name: place for place, name in enumerate(batch.schema.names)}
    attributes = [name for name in batch.schema.names if name.startswith(ATTRIBUTE_PREFIX)]
    for name in (*FIXED_NAMES, *attributes):
        if name not in present:
            columns.append(pa.nulls(rows, FIXED_TYPES[name]))
            names.append(name)
            continue
        # Nothing is asked of an array before it is known to be sound.
        array, bad = _sound(batch.column(present[name]))
        if array.null_count == rows and name not in FIXED_TYPES:
            continue
        if bad is not None:
            unreadable[len(columns)] = bad
        columns.append(_column(array, FIXED_TYPES.get(name) or _attribute_type(array.type)))
        names.append(name)
    return Arrival(pa.RecordBatch.from_arrays(columns, names=names), unreadable)


def _attribute_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return CODED_TEXT
    if _is_text(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return UTC_US
    if pa.types.is_floating(kind):
        return pa.float64()
    return pa.bool_() if pa.types.is_boolean(kind) else pa.int64()


def _sound(array: pa.Array) -> tuple[pa.Array, NDArray[np.bool_] | None]:
    try:
        array.validate(full=True)
    except pa.ArrowException:
        return _without_bad_unicode(array)
    return array, None


def _column(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), kind)
    return _microseconds(array) if pa.types.is_timestamp(kind) else _cast(array, kind)


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        if pa.types.is_dictionary(array.type):
            array = pa.DictionaryArray.from_arrays(
                array.indices.cast(pa.int32()), array.dictionary.cast(pa.string()), safe=False
            )
            if kind == CODED_TEXT:
                # A null among the values means the same as a null row.
                return array if array.dictionary.null_count == 0 else array.dictionary_decode().dictionary_encode()
            return array.dictionary_decode()
        if kind == CODED_TEXT:
            return array.cast(pa.string()).dictionary_encode()
        return array if array.type == kind else array.cast(kind)
    except pa.ArrowException as error:
        raise MalformedBatch("arrow_ipc", "a column does not fit its type") from error


def _microseconds(array: pa.Array) -> pa.Array:
    """Nanoseconds are cut off; what does not fit is clipped, and then refused as too early or in the future."""
    if array.type.unit == "us":
        return array if array.type == UTC_US else array.view(UTC_US)
    valid = array.is_valid()
    numbers = array.view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if array.type.unit == "ns":
        scaled = numbers // 1_000
    else:
        factor = _UNITS_US[array.type.unit]
        scaled = np.clip(numbers, -(_INT64_MAX // factor), _INT64_MAX // factor) * factor
    plain = pa.array(scaled, mask=~np.asarray(valid))
    return plain.view(UTC_US)


def _without_bad_unicode(array: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Bytes that are not Unicode become replacement characters, and their rows are named; other damage is fatal."""
    if pa.types.is_dictionary(array.type):
        values, bad = _without_bad_unicode(array.dictionary)
        healed = pa.DictionaryArray.from_arrays(array.indices, values, safe=False)
        _demand_valid(healed)
        codes = healed.indices.fill_null(0).to_numpy(zero_copy_only=False)
        return healed, bad[codes] & np.asarray(healed.is_valid())
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise MalformedBatch("arrow_ipc", "a column is damaged")
    binary = pa.Array.from_buffers(
        pa.binary() if pa.types.is_string(array.type) else pa.large_binary(),
        len(array),
        array.buffers(),
        offset=array.offset,
    )
    _demand_valid(binary)
    values = binary.to_pylist()
    bad = np.fromiter((value is not None and not _is_unicode(value) for value in values), np.bool_, len(values))
    texts = [None if value is None else value.decode("utf-8", "replace") for value in values]
    return pa.array(texts, pa.string()), bad


def _demand_valid(array: pa.Array) -> None:
    try:
        array.validate(full=True)
    except pa.ArrowException as error:
        raise MalformedBatch("arrow_ipc", "a column is damaged") from error


def _is_unicode(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _joined(arrivals: list[Arrival], schema: pa.Schema) -> Arrival:
    if not arrivals:
        return _normalised(pa.RecordBatch.from_pylist([], schema=schema))
    page = join([arrival.page for arrival in arrivals])
    unreadable: dict[int, NDArray[np.bool_]] = {}
    for number, arrival in enumerate(arrivals):
        first = sum(earlier.page.num_rows for earlier in arrivals[:number])
        for place, mask in arrival.unreadable.items():
            column = arrival.page.schema.field(place)
            target = _place(page, column.name, column.type)
            whole = unreadable.setdefault(target, np.zeros(page.num_rows, dtype=np.bool_))
            whole[first : first + len(mask)] = mask
    return Arrival(page, unreadable)


def _place(page: pa.RecordBatch, name: str, kind: pa.DataType) -> int:
    return next(
        place for place, field in enumerate(page.schema) if field.name == name and logical(field.type) == logical(kind)
    )


def logical(kind: pa.DataType) -> pa.DataType:
    """Plain and dictionary-encoded texts are the same to everyone but the encoder."""
    return pa.string() if pa.types.is_dictionary(kind) else kind


def join(pages: list[pa.RecordBatch]) -> pa.RecordBatch:
    """One page of all rows in order. An attribute that came in several types becomes several columns of one name."""
    if len(pages) == 1:
        return pages[0]
    if all(page.schema == pages[0].schema for page in pages[1:]):
        return pa.concat_batches(pages)
    keys: dict[tuple[str, pa.DataType], None] = {}
    for page in pages:
        keys.update({(field.name, logical(field.type)): None for field in page.schema})
    columns = [pa.concat_arrays(_same_type([_find(page, *key) for page in pages])) for key in keys]
    return pa.RecordBatch.from_arrays(columns, names=[name for name, _ in keys])


def _find(page: pa.RecordBatch, name: str, kind: pa.DataType) -> pa.Array:
    for place, field in enumerate(page.schema):
        if field.name == name and logical(field.type) == kind:
            return page.column(place)
    return pa.nulls(page.num_rows, kind)


def _same_type(arrays: list[pa.Array]) -> list[pa.Array]:
    kinds = {array.type for array in arrays if array.null_count < len(array)} or {arrays[0].type}
    kind = kinds.pop() if len(kinds) == 1 else logical(arrays[0].type)
    return [array if array.type == kind else _retyped(array, kind) for array in arrays]


def _retyped(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.null_count == len(array):
        return pa.nulls(len(array), kind)
    return cast(pa.Array, array.cast(kind))


def taken_rows(page: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.RecordBatch:
    """Like `take`, at no cost for the columns that hold nothing."""
    chosen = pa.array(rows)
    columns = [
        pa.nulls(len(rows), column.type) if column.null_count == page.num_rows else column.take(chosen)
        for column in page.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=page.schema.names)


def codes_of(column: pa.DictionaryArray) -> NDArray[np.int32]:
    """The dictionary codes; 0 for a null."""
    indices = column.indices
    codes: NDArray[np.int32] = (indices.fill_null(0) if indices.null_count else indices).to_numpy(zero_copy_only=False)
    return codes


def separate(page: pa.RecordBatch) -> list[tuple[pa.RecordBatch, NDArray[np.int64] | None]]:
    """Pages in which each name stands once, with the rows that each took; None: the page as it is.

    Events keep the types they were sent with, so what is stored does not depend on how a sender cut its batches.
    """
    names = page.schema.names
    if len(set(names)) == len(names):
        return [(page, None)]
    signature = np.zeros(page.num_rows, dtype=np.int64)
    for name in sorted({name for name in names if names.count(name) > 1}):
        places = [place for place, other in enumerate(names) if other == name]
        choice = np.zeros(page.num_rows, dtype=np.int64)
        for code, place in enumerate(places):
            choice[np.asarray(page.column(place).is_valid())] = code
        _, signature = np.unique(signature * len(places) + choice, return_inverse=True)
    return [_subset(page, np.flatnonzero(signature == code)) for code in range(int(signature.max(initial=0)) + 1)]


def _subset(page: pa.RecordBatch, rows: NDArray[np.int64]) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    part = page.take(pa.array(rows))
    kept: dict[str, int] = {}
    for place, name in enumerate(part.schema.names):
        if name not in kept or part.column(place).null_count < part.num_rows:
            kept[name] = place
    return part.select(list(kept.values())), rows


def select(page: pa.RecordBatch, keep: Callable[[str], bool]) -> pa.RecordBatch:
    return page.select([place for place, name in enumerate(page.schema.names) if keep(name)])
