"""One form for everything that means the same."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.columns import FIXED, FIXED_NAMES, codes_of
from services.ingest.model import BATCH_EVENTS_MAX, CODED_TEXT, OBJECT_KINDS

_OPTIONAL = tuple(FIXED_NAMES.index(name) for name in ("resource", "supersedes", "retracts", "traceparent"))
_KIND, _TRACE = FIXED_NAMES.index("object_kind"), FIXED_NAMES.index("traceparent")
_KIND_VALUES = pa.array(OBJECT_KINDS)
_PROCESS = OBJECT_KINDS.index("process")


def _processes(rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.full(rows, _PROCESS, np.int32)), _KIND_VALUES)


_PROCESSES = _processes(BATCH_EVENTS_MAX)


def normalised(page: pa.RecordBatch, traceparents: Sequence[str], bounds: NDArray[np.int64]) -> pa.RecordBatch:
    """Absent is null, no kind is a process, and the trace of an event's own call is not repeated in it.

    traceparents: of the calls whose rows lie between the bounds.
    """
    rows, columns, names = page.num_rows, page.columns, page.schema.names
    columns[_KIND] = _kinds(columns[_KIND])
    for place in _OPTIONAL:
        if columns[place].null_count < rows:
            columns[place] = _nulled(columns[place], "")
    if any(traceparents) and columns[_TRACE].null_count < rows:
        owners = np.arange(len(traceparents)).repeat(np.diff(bounds))
        columns[_TRACE] = _nulled(columns[_TRACE], pa.array(traceparents, pa.string()).take(pa.array(owners)))
    kept = [place for place, column in enumerate(columns) if place < len(FIXED) or column.null_count < rows]
    return pa.RecordBatch.from_arrays([columns[place] for place in kept], names=[names[place] for place in kept])


def _nulled(column: pa.Array, value: str | pa.Array) -> pa.Array:
    if column.type == CODED_TEXT:
        values = column.dictionary.to_pylist()
        if value not in values:
            return column
        drop = np.array([one == value for one in values], dtype=np.bool_)
        codes = codes_of(column)
        return pa.DictionaryArray.from_arrays(
            pa.array(codes, mask=drop[codes] | np.asarray(column.is_null())), column.dictionary
        )
    same = np.asarray(pc.equal(column, value).fill_null(False))
    return pc.if_else(pa.array(same), None, column) if same.any() else column


def _kinds(column: pa.DictionaryArray) -> pa.DictionaryArray:
    if column.null_count == len(column):
        return _PROCESSES.slice(0, len(column)) if len(column) <= len(_PROCESSES) else _processes(len(column))
    meaning = [OBJECT_KINDS.index(kind) if kind in OBJECT_KINDS else _PROCESS for kind in column.dictionary.to_pylist()]
    codes = np.array([*meaning, _PROCESS], dtype=np.int32)[column.indices.fill_null(len(meaning)).to_numpy()]
    return pa.DictionaryArray.from_arrays(pa.array(codes), _KIND_VALUES)
