"""The columns that every page of events has, and how they are looked at."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.model import CODED_TEXT, UTC_US

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
# Handing the columns of a page to other threads takes longer than decoding them.
READING = pa.ipc.IpcReadOptions(use_threads=False)


def logical(kind: pa.DataType) -> pa.DataType:
    """Plain and dictionary-encoded texts are the same to everyone but the encoder."""
    return pa.string() if pa.types.is_dictionary(kind) else kind


def codes_of(column: pa.DictionaryArray) -> NDArray[np.int32]:
    """The dictionary codes; 0 for a null."""
    indices = column.indices
    codes: NDArray[np.int32] = (indices.fill_null(0) if indices.null_count else indices).to_numpy(zero_copy_only=False)
    return codes


def filled(texts: pa.Array) -> NDArray[np.bool_]:
    """Whether each is there and not empty."""
    return np.asarray(pc.greater(pc.binary_length(texts), 0).fill_null(False))


def select(page: pa.RecordBatch, keep: Callable[[str], bool]) -> pa.RecordBatch:
    return page.select([place for place, name in enumerate(page.schema.names) if keep(name)])
