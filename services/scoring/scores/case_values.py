"""The values of the cases of one series in an interval, gathered from pages of observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.scoring.system.calendar import Zone, window_numbers
from services.scoring.system.model import Window

TIME = pa.timestamp("us", tz="UTC")
IntArray = NDArray[np.int64]


class TooManyValues(ValueError):
    """An interval holds more than may be gathered at once."""


@dataclass(frozen=True)
class CaseValues:
    """In order of time. anchors: what puts a case into its window, in us; values: in multiples of the resolution."""

    anchors: IntArray
    values: IntArray

    def groups(self, zone: Zone, window: Window) -> IntArray:
        """Which window each value lies in, as a number that grows with time."""
        return window_numbers(zone, window, self.anchors, zone.days(self.anchors))


@dataclass
class CaseValueReader:
    """Takes pages in the order of their steps: of several rows of a case the last one counts.

    slice_: dimension -> value that a case must have. span: start <= anchor < end, in microseconds.
    Raises TooManyValues once more than `values_max` rows of the indicator were read.
    """

    indicator: str
    slice_: Mapping[str, str]
    span: tuple[int, int]
    values_max: int
    _rows: int = 0
    _pages: list[tuple[pa.Array, IntArray, IntArray, NDArray[np.bool_]]] = field(default_factory=list)

    def add(self, page: pa.Table) -> None:
        page = page.filter(pc.equal(page.column("indicator"), self.indicator))
        self._rows += page.num_rows
        if self._rows > self.values_max:
            raise TooManyValues
        if page.num_rows:
            anchors = page.column("anchor").cast(TIME).cast(pa.int64())
            values = page.column("value")
            counts = pc.and_(pc.is_valid(anchors), pc.is_valid(values))
            for name, wanted in self.slice_.items():
                is_equal = pc.equal(pc.struct_field(page.column("slice"), name), wanted)
                counts = pc.and_(counts, pc.fill_null(is_equal, False))
            self._pages.append(
                (
                    page.column("case_id").combine_chunks().cast(pa.utf8()),
                    pc.fill_null(anchors, 0).to_numpy(),
                    pc.fill_null(values, 0).to_numpy(),
                    counts.to_numpy(zero_copy_only=False),
                )
            )

    def found(self) -> CaseValues:
        if not self._pages:
            return CaseValues(np.empty(0, np.int64), np.empty(0, np.int64))
        cases = pa.chunked_array([page[0] for page in self._pages]).dictionary_encode().combine_chunks()
        anchors, values, counts = (np.concatenate([page[at] for page in self._pages]) for at in (1, 2, 3))
        last = np.zeros(len(cases.dictionary), dtype=np.int64)
        # Of equal places the last assignment holds.
        last[cases.indices.to_numpy()] = np.arange(len(anchors))
        last = last[counts[last] & (anchors[last] >= self.span[0]) & (anchors[last] < self.span[1])]
        names = cases.dictionary.to_numpy(zero_copy_only=False)[cases.indices.to_numpy()[last]]
        order = last[np.lexsort((names.astype(str), anchors[last]))]
        return CaseValues(anchors[order], values[order])
