"""Numbers of rows that are equal in all that their id is made of, so that each of them is an event of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from andon_records.mapping.conversion import text_of
from andon_records.mapping.document import ORDINAL, CsvMapping


class Ordinals:
    """Counts from the first row of a file on; without `{ordinal}` in the id, or with a column of that name, nothing.

    Memory: the ids without their ordinal, each once.
    """

    def __init__(self, mapping: CsvMapping, names: Sequence[str]) -> None:
        self._mapping = mapping
        self._rest = replace(mapping.id, template=mapping.id.template.replace(f"{{{ORDINAL}}}", ""))
        self._counts: dict[str, int] | None = {} if ORDINAL in mapping.id.columns and ORDINAL not in names else None

    def added(self, table: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.RecordBatch:
        """The next rows of the file, with their ordinals as a column of text."""
        counts = self._counts
        if counts is None:
            return table
        coded = pc.dictionary_encode(text_of(self._rest, table, self._mapping.unknown, rows))
        codes = np.asarray(coded.indices.fill_null(len(coded.dictionary)), dtype=np.int64)
        order = np.argsort(codes, kind="stable")
        sizes = np.bincount(codes, minlength=len(coded.dictionary) + 1)
        ordinals = np.empty(len(codes), dtype=np.int64)
        ordinals[order] = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
        ids = coded.dictionary.to_pylist()
        ordinals += np.array([*(counts.get(one, 0) for one in ids), 0])[codes]
        counts.update((one, counts.get(one, 0) + size) for one, size in zip(ids, sizes.tolist(), strict=False))
        return table.append_column(ORDINAL, pc.cast(pa.array(ordinals), pa.utf8()))
