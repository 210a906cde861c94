"""Which values of its dimensions the events of a partition have named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from services.scoring.fold.batch import is_text
from services.scoring.system.model import SystemSpec
from services.scoring.system.series_budget import SliceDimensions, slice_limit


class ValuesMet:
    """Of dimensions that slices have; a value that counts as unknown is none.

    All that events say counts, corrected ones too: so it is the same in any order. Of each dimension there are no more
    than it takes to see that its slices have too many.
    """

    def __init__(self, spec: SystemSpec) -> None:
        self._limit = slice_limit(spec)
        self._values: dict[str, set[str]] = {name: set() for one in self._limit.slices for name in one}
        self._dimensions = [one for one in spec.dimensions if one.name in self._values]

    def take(self, tables: Sequence[pa.Table]) -> dict[str, list[str]]:
        """What is met for the first time, by dimension."""
        met = {
            one.name: {value for table in tables for value in _texts(table, f"attributes.{one.attribute}")}.difference(
                one.unknown_values
            )
            for one in self._dimensions
            if len(self._values[one.name]) < self._limit.values_max
        }
        fresh = self._limit.fresh(self._values, met)
        for name, values in fresh.items():
            self._values[name].update(values)
        return fresh

    def slices_over(self) -> frozenset[SliceDimensions]:
        """Slices of which this partition alone has seen too many combinations."""
        return self._limit.over({name: len(values) for name, values in self._values.items()})


def _texts(table: pa.Table, name: str) -> Iterator[str]:
    """Distinct values, of other types written out."""
    if name not in table.column_names or pa.types.is_null(table.schema.field(name).type):
        return
    for chunk in table.column(name).chunks:
        found = chunk.unique()
        texts = found if is_text(found.type) else found.cast(pa.utf8())
        yield from (text for text in texts.to_pylist() if text is not None)
