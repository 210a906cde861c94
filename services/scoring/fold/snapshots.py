"""Named arrays and texts as bytes and back: one row of lists in an Arrow stream, LZ4."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]
SHAPES = b"shapes"
HEADER = b"header"


def packed(
    header: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]], texts: Mapping[str, Sequence[str]]
) -> bytes:
    """header: anything that JSON holds."""
    columns = {name: pa.array(values.ravel()) for name, values in arrays.items()}
    columns |= {name: pa.array(values, type=pa.large_utf8()) for name, values in texts.items()}
    shapes = json.dumps({name: values.shape for name, values in arrays.items()})
    # One row, of lists as long as they happen to be.
    lists = [
        pa.LargeListArray.from_arrays(pa.array([0, len(column)], pa.int64()), column) for column in columns.values()
    ]
    schema = pa.schema(
        [pa.field(name, column.type) for name, column in zip(columns, lists, strict=True)],
        metadata={HEADER: json.dumps(header).encode(), SHAPES: shapes.encode()},
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(lists, schema=schema))
    return bytes(sink.getvalue())


def unpacked(content: bytes) -> tuple[dict[str, object], Arrays, dict[str, list[str]]]:
    with pa.ipc.open_stream(content) as reader:
        schema, row = reader.schema, reader.read_next_batch()
    shapes = json.loads(schema.metadata[SHAPES])
    arrays: Arrays = {}
    texts: dict[str, list[str]] = {}
    for name, column in zip(schema.names, row.columns, strict=True):
        if name in shapes:
            arrays[name] = np.array(column.values.to_numpy(zero_copy_only=False)).reshape(shapes[name])
        else:
            texts[name] = column.values.to_pylist()
    return json.loads(schema.metadata[HEADER]), arrays, texts
