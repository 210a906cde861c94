"""Which event ids were seen before: sorted runs of 64-bit hashes, merged as they grow, behind a bit filter."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from services.ingest.hashing import Hashes

Places = NDArray[np.int64]

ROW_BITS = 20
_FANOUT = 4
_FILTER_BITS_MIN = 20
_FILTER_BITS_PER_HASH = 8


def place_of(segment: int, rows: Places) -> Places:
    """Where an event lies: the number of its segment and its row in it, in one integer."""
    return (np.int64(segment) << np.int64(ROW_BITS)) | rows


def segment_and_row(places: Places) -> tuple[Places, Places]:
    return places >> ROW_BITS, places & ((1 << ROW_BITS) - 1)


@dataclass(frozen=True)
class Run:
    hashes: Hashes
    places: Places


class HashIndex:
    """Memory: 16 bytes for each hash and 1 to 2 for the filter.

    A look-up of n hashes that are new costs n reads of the filter and a search of about one in ten in each run; there
    are at most 3 runs of each size, sizes growing by 4, so neither depends much on how many hashes there are.
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self._filter = np.zeros(1 << (_FILTER_BITS_MIN - 3), dtype=np.uint8)
        self._filter_bits = _FILTER_BITS_MIN
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, hashes: Hashes, places: Places) -> None:
        """`hashes` in ascending order."""
        if len(hashes) == 0:
            return
        self._count += len(hashes)
        self.runs.append(Run(hashes, places))
        while len(self.runs) >= _FANOUT and len(self.runs[-_FANOUT].hashes) < _FANOUT * len(self.runs[-1].hashes):
            self.runs[-_FANOUT:] = [_merged(self.runs[-_FANOUT:])]
        if self._count * _FILTER_BITS_PER_HASH > 1 << self._filter_bits:
            self._grow()
        else:
            self._mark(hashes)

    def candidates(self, hashes: Hashes) -> tuple[Places, Places]:
        """All pairs (row of `hashes`, place) of equal hashes; fastest for hashes in ascending order."""
        rows = np.flatnonzero(self._maybe(hashes))
        if len(rows) == 0:
            return rows, rows
        asked = hashes[rows]
        found_rows: list[Places] = []
        found_places: list[Places] = []
        for run in self.runs:
            left = np.searchsorted(run.hashes, asked, "left")
            hit = np.flatnonzero(run.hashes[np.minimum(left, len(run.hashes) - 1)] == asked)
            if len(hit) == 0:
                continue
            first = left[hit]
            count = np.searchsorted(run.hashes, asked[hit], "right") - first
            within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
            found_rows.append(np.repeat(rows[hit], count))
            found_places.append(run.places[np.repeat(first, count) + within])
        if not found_rows:
            return rows[:0], rows[:0]
        return np.concatenate(found_rows), np.concatenate(found_places)

    def forget_before(self, segment: int) -> None:
        """Drops what lies in segments of lower numbers."""
        least = segment << ROW_BITS
        kept = [Run(run.hashes[run.places >= least], run.places[run.places >= least]) for run in self.runs]
        self.runs = [run for run in kept if len(run.hashes)]
        self._count = sum(len(run.hashes) for run in self.runs)
        self._grow()

    def _grow(self) -> None:
        # Twice what is needed, so that the next growth is a doubling away.
        needed = max(2 * self._count * _FILTER_BITS_PER_HASH, 1 << _FILTER_BITS_MIN)
        self._filter_bits = int(needed - 1).bit_length()
        self._filter = np.zeros(1 << (self._filter_bits - 3), dtype=np.uint8)
        for run in self.runs:
            self._mark(run.hashes)

    def _mark(self, hashes: Hashes) -> None:
        slots = hashes >> np.uint64(64 - self._filter_bits)
        octets = slots >> np.uint64(3)
        firsts = np.flatnonzero(np.concatenate([[True], octets[1:] != octets[:-1]]))
        bits = np.left_shift(np.uint8(1), (slots & np.uint64(7)).astype(np.uint8))
        self._filter[octets[firsts]] |= np.bitwise_or.reduceat(bits, firsts)

    def _maybe(self, hashes: Hashes) -> NDArray[np.bool_]:
        slots = hashes >> np.uint64(64 - self._filter_bits)
        octets = self._filter[slots >> np.uint64(3)]
        return cast(NDArray[np.bool_], (octets >> (slots & np.uint64(7)).astype(np.uint8)) & 1 != 0)


def _merged(runs: list[Run]) -> Run:
    hashes = np.concatenate([run.hashes for run in runs])
    places = np.concatenate([run.places for run in runs])
    order = np.argsort(hashes, kind="stable")
    return Run(hashes[order], places[order])
