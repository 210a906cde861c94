"""Arrow from outside becomes one batch of known columns; whatever cannot is refused, never trusted."""

import struct
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.admission.arrow_claims import claims
from services.ingest.admission.arrow_schema import check_schema, is_text
from services.ingest.admission.concatenation import joined
from services.ingest.admission.soundness import is_sound, sound
from services.ingest.columns import FIXED_NAMES, FIXED_TYPES, READING
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    CODED_TEXT,
    UTC_US,
    Arrival,
    MalformedBatch,
)

ResultT = TypeVar("ResultT")

_VALUES_MIN = 64
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
    return joined(read_stream(stream, "events", _arrivals))


def read_stream(stream: bytes, items: str, made: Callable[[pa.Schema, Iterator[pa.RecordBatch]], ResultT]) -> ResultT:
    """What is made of a stream's batches, which are neither too many and large nor more than they claim.

    items: what the rows are. Raises MalformedBatch, also for damage that `made` comes upon.
    """
    if len(stream) > BATCH_BYTES_MAX:
        raise MalformedBatch("arrow_ipc", f"more than {BATCH_BYTES_MAX} bytes", "BATCH_TOO_LARGE")
    try:
        claimed = claims(stream)
        if claimed.rows > BATCH_EVENTS_MAX:
            raise MalformedBatch("arrow_ipc", f"more than {BATCH_EVENTS_MAX} {items}", "BATCH_TOO_LARGE")
        if claimed.decoded_bytes > _DECODED_BYTES_MAX:
            raise MalformedBatch("arrow_ipc", "decodes to more than is allowed", "BATCH_TOO_LARGE")
        with pa.ipc.open_stream(pa.py_buffer(stream), options=READING) as reader:
            return made(reader.schema, _bounded(reader, claimed.rows, items))
    except MalformedBatch:
        raise
    except _DAMAGE as error:
        raise MalformedBatch("arrow_ipc", "not a readable Arrow IPC stream") from error


def _bounded(reader: pa.RecordBatchStreamReader, claimed_rows: int, items: str) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in reader:
        rows += batch.num_rows
        if rows > claimed_rows:
            raise MalformedBatch("arrow_ipc", f"holds more {items} than it says")
        yield batch


def _arrivals(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> list[Arrival]:
    check_schema(schema)
    found = []
    for batch in batches:
        batch.validate()
        if batch.num_rows:
            found.append(batch)
    return [arrival_of(batch) for batch in found or [pa.RecordBatch.from_pylist([], schema=schema)]]


def arrival_of(batch: pa.RecordBatch) -> Arrival:
    """Of columns whose names and types have been checked."""
    rows = batch.num_rows
    columns: list[pa.Array] = []
    names: list[str] = []
    unreadable: dict[int, NDArray[np.bool_]] = {}
    present = {name: place for place, name in enumerate(batch.schema.names)}
    clean = is_sound(batch)
    attributes = [name for name in batch.schema.names if name.startswith(ATTRIBUTE_PREFIX)]
    for name in (*FIXED_NAMES, *attributes):
        if name not in present:
            columns.append(pa.nulls(rows, FIXED_TYPES[name]))
            names.append(name)
            continue
        # Nothing is asked of an array before it is known to be sound.
        array = batch.column(present[name])
        array, bad = (array, None) if clean else sound(array)
        if array.null_count == rows and name not in FIXED_TYPES:
            continue
        if bad is not None:
            unreadable[len(columns)] = bad
        kind = FIXED_TYPES.get(name) or _attribute_type(array.type)
        if pa.types.is_null(array.type):
            columns.append(pa.nulls(rows, kind))
        else:
            columns.append(_microseconds(array) if pa.types.is_timestamp(kind) else _cast(array, kind))
        names.append(name)
    return Arrival(pa.RecordBatch.from_arrays(columns, names=names), unreadable)


def _attribute_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return CODED_TEXT
    if is_text(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return UTC_US
    if pa.types.is_floating(kind):
        return pa.float64()
    return pa.bool_() if pa.types.is_boolean(kind) else pa.int64()


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        if pa.types.is_dictionary(array.type):
            coded = _coded(array)
            return coded if kind == CODED_TEXT else coded.dictionary_decode()
        if kind == CODED_TEXT:
            return array.cast(pa.string()).dictionary_encode()
        return array if array.type == kind else array.cast(kind)
    except pa.ArrowException as error:
        raise MalformedBatch("arrow_ipc", "a column does not fit its type") from error


def _coded(array: pa.DictionaryArray) -> pa.DictionaryArray:
    if array.type != CODED_TEXT:
        indices, values = array.indices.cast(pa.int32()), array.dictionary.cast(pa.string())
        array = pa.DictionaryArray.from_arrays(indices, values, safe=False)
    values = array.dictionary
    # A null among the values means the same as a null row; values that no row has are nobody's.
    plain = values.null_count == 0 and len(values) <= max(len(array), _VALUES_MIN)
    return array if plain else array.dictionary_decode().dictionary_encode()


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
