"""Pages become one page, whatever types their attributes came in."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.columns import logical
from services.ingest.model import Arrival


def joined(arrivals: list[Arrival]) -> Arrival:
    """One arrival of all rows in order."""
    if len(arrivals) == 1:
        return arrivals[0]
    page = join([arrival.page for arrival in arrivals])
    unreadable: dict[int, NDArray[np.bool_]] = {}
    unmapped: dict[str, NDArray[np.bool_]] = {}
    for number, arrival in enumerate(arrivals):
        first = sum(earlier.page.num_rows for earlier in arrivals[:number])
        for place, mask in arrival.unreadable.items():
            column = arrival.page.schema.field(place)
            target = next(
                at
                for at, field in enumerate(page.schema)
                if field.name == column.name and logical(field.type) == logical(column.type)
            )
            whole = unreadable.setdefault(target, np.zeros(page.num_rows, dtype=np.bool_))
            whole[first : first + len(mask)] = mask
        for reason, mask in arrival.unmapped.items():
            whole = unmapped.setdefault(reason, np.zeros(page.num_rows, dtype=np.bool_))
            whole[first : first + len(mask)] = mask
    return Arrival(page, unreadable, unmapped)


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
    same = []
    for array in arrays:
        if array.type == kind:
            same.append(array)
        else:
            same.append(pa.nulls(len(array), kind) if array.null_count == len(array) else array.cast(kind))
    return same
