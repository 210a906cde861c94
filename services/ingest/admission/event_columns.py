"""The columns of a page by name, to be changed field by field; a name has one column for each type of its values."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.columns import FIXED, FIXED_TYPES
from services.ingest.model import ATTRIBUTE_PREFIX, CODED_TEXT

Mask = NDArray[np.bool_]


class EventColumns:
    """Texts are not dictionary-encoded where they are changed; what is not changed stays as it is."""

    def __init__(self, page: pa.RecordBatch) -> None:
        self.rows = page.num_rows
        self._columns: dict[str, list[pa.Array]] = {}
        for place, name in enumerate(page.schema.names):
            self._columns.setdefault(name, []).append(page.column(place))

    def page(self) -> pa.RecordBatch:
        named = [(name, self._columns[name][0].cast(kind)) for name, kind in FIXED]
        for name, columns in sorted(self._columns.items()):
            if name not in FIXED_TYPES:
                named += [(name, one) for one in columns if one.null_count < self.rows]
        return pa.RecordBatch.from_arrays([array for _, array in named], names=[name for name, _ in named])

    def of(self, field: str) -> list[pa.Array]:
        """One for each type; none where no event has the field."""
        known = self._columns.get(field, ())
        return [column.cast(pa.string()) if column.type == CODED_TEXT else column for column in known]

    def attributes(self) -> Iterator[str]:
        yield from [name for name in self._columns if name.startswith(ATTRIBUTE_PREFIX)]

    def replace(self, field: str, columns: list[pa.Array]) -> None:
        self._columns[field] = columns

    def put(self, field: str, rows: Mask, values: pa.Array | None) -> None:
        """Those rows of the field hold the values; None: nothing."""
        mask = pa.array(rows)
        # Of all its types: a field has one value.
        columns = [pc.if_else(mask, pa.scalar(None, one.type), one) for one in self.of(field)]
        if not columns and field in FIXED_TYPES:
            kind = FIXED_TYPES[field]
            columns = [pa.nulls(self.rows, pa.string() if kind == CODED_TEXT else kind)]
        if values is not None:
            place = next((at for at, one in enumerate(columns) if one.type == values.type), None)
            if place is None:
                columns.append(pc.if_else(mask, values, pa.scalar(None, values.type)))
            else:
                columns[place] = pc.if_else(mask, values, columns[place])
        self._columns[field] = columns
