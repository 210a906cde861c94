"""One form for everything that means the same."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.columns import FIXED, codes_of
from services.ingest.model import CODED_TEXT, OBJECT_KINDS

_OPTIONAL = frozenset({"resource", "supersedes", "retracts", "traceparent"})


def tidied(page: pa.RecordBatch, traceparent: str) -> pa.RecordBatch:
    """Absent is null, and no kind is a process."""
    columns = list(page.columns)
    for place, (name, _) in enumerate(FIXED):
        column = columns[place]
        if name == "object_kind":
            columns[place] = _kinds(column)
        elif name in _OPTIONAL and column.null_count < len(column):
            columns[place] = _nulled(column, "")
            if name == "traceparent" and traceparent:
                columns[place] = _nulled(columns[place], traceparent)
    kept = [
        place for place in range(len(columns)) if place < len(FIXED) or columns[place].null_count < len(columns[place])
    ]
    return pa.RecordBatch.from_arrays(
        [columns[place] for place in kept], names=[page.schema.names[place] for place in kept]
    )


def _nulled(column: pa.Array, value: str) -> pa.Array:
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


_KIND_VALUES = pa.array(OBJECT_KINDS)
_PROCESS = OBJECT_KINDS.index("process")


def _kinds(column: pa.DictionaryArray) -> pa.DictionaryArray:
    if column.null_count == len(column):
        return pa.DictionaryArray.from_arrays(pa.array(np.full(len(column), _PROCESS, np.int32)), _KIND_VALUES)
    meaning = [OBJECT_KINDS.index(kind) if kind in OBJECT_KINDS else _PROCESS for kind in column.dictionary.to_pylist()]
    codes = np.array([*meaning, _PROCESS], dtype=np.int32)[column.indices.fill_null(len(meaning)).to_numpy()]
    return pa.DictionaryArray.from_arrays(pa.array(codes), _KIND_VALUES)
