"""Which events others have replaced or taken back, as scoring understands it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Corrected:
    """Collects the corrections of a log, then tells what is left of its events.

    An event that another one of its source and case supersedes or retracts is gone, whatever becomes of the other; an
    event that retracts is none itself. Memory: a text per correction, and corrections are rare.
    """

    def __init__(self) -> None:
        self._named: set[str] = set()

    def note(self, batch: pa.RecordBatch) -> None:
        for name in ("supersedes", "retracts"):
            if name in batch.schema.names:
                column = batch.column(name)
                given = batch.filter(pc.and_(column.is_valid(), pc.not_equal(column, batch.column("id"))))
                if given.num_rows:
                    self._named.update(_keys(given, name).to_pylist())

    def left(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The events that count, without what they correct."""
        names = batch.schema.names
        if "retracts" in names:
            batch = batch.filter(batch.column("retracts").is_null())
        if self._named:
            gone = pc.is_in(_keys(batch, "id"), pa.array(sorted(self._named), pa.utf8()))
            batch = batch.filter(pc.invert(gone))
        return batch.select([place for place, name in enumerate(names) if name not in ("supersedes", "retracts")])


def _keys(batch: pa.RecordBatch, name: str) -> pa.Array:
    parts = [_plain(batch.column(one)) for one in ("source", "case_id", name)]
    return pc.binary_join_element_wise(*parts, "\x00")


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.utf8()) if pa.types.is_dictionary(column.type) else column


def chosen(batch: pa.RecordBatch, start_us: int | None, end_us: int | None, sources: frozenset[str]) -> pa.RecordBatch:
    """The events of start <= time < end, and of these sources; of every one where none is named."""
    times = np.asarray(batch.column("time").cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
    inside = np.ones(len(times), np.bool_)
    if start_us is not None:
        inside &= times >= start_us
    if end_us is not None:
        inside &= times < end_us
    if sources:
        inside &= np.asarray(pc.is_in(_plain(batch.column("source")), pa.array(sorted(sources))))
    return batch if inside.all() else batch.filter(pa.array(inside))
