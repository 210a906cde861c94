"""Which hashes were seen in which segment: sorted runs of packed numbers, merged as they grow, behind a bit filter."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from services.ingest.hashing import Hashes

Rows = NDArray[np.int64]

SEGMENT_BITS = 24
SEGMENTS_MAX = 1 << SEGMENT_BITS
_SEGMENT = np.uint64(SEGMENTS_MAX - 1)
_FANOUT = 8
_FILTER_BITS_MIN = 20
_FILTER_BITS_PER_HASH = 16


class HashIndex:
    """One number for each hash: its upper 40 bits, then the number of the segment that holds it.

    Memory: 8 bytes for each hash, and 2 to 4 for the filter. A look-up of n new hashes costs n reads of the filter
    and, for the one in twenty that it cannot rule out, a binary search in each run. There are at most 7 runs of each
    size, sizes growing by 8, and each hash is merged once per size, so neither cost depends much on their number.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._filter = np.zeros(1 << (_FILTER_BITS_MIN - 3), dtype=np.uint8)
        self._filter_bits = _FILTER_BITS_MIN
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, hashes: Hashes, segments: Rows) -> None:
        if len(hashes) == 0:
            return
        run = np.sort((hashes & ~_SEGMENT) | segments.astype(np.uint64))
        self._count += len(run)
        self._runs.append(run)
        while len(self._runs) >= _FANOUT and len(self._runs[-_FANOUT]) < _FANOUT * len(self._runs[-1]):
            # Stable: the sort that finds the runs in its input and merges them.
            self._runs[-_FANOUT:] = [np.sort(np.concatenate(self._runs[-_FANOUT:]), kind="stable")]
        if self._count * _FILTER_BITS_PER_HASH > 1 << self._filter_bits:
            self._grow()
        else:
            self._mark(run)

    def candidates(self, hashes: Hashes) -> tuple[Rows, Rows]:
        """Pairs (row of `hashes`, segment that may hold it): suspicions, since hashes may agree in 40 bits only."""
        rows = np.flatnonzero(self._maybe(hashes))
        if len(rows) == 0:
            return rows, rows
        order = np.argsort(hashes[rows])
        rows = rows[order]
        low = hashes[rows] & ~_SEGMENT
        high = low | _SEGMENT
        pairs = [_matches(run, low, high) for run in self._runs]
        asked = np.concatenate([pair[0] for pair in pairs])
        segments = np.concatenate([pair[1] for pair in pairs])
        return rows[asked], segments

    def forget_before(self, segment: int) -> None:
        """Drops what lies in segments of lower numbers."""
        kept = [run[(run & _SEGMENT) >= np.uint64(segment)] for run in self._runs]
        self._runs = [run for run in kept if len(run)]
        self._count = sum(len(run) for run in self._runs)
        self._grow()

    def _grow(self) -> None:
        # Twice what is needed, so that the next growth is a doubling away.
        needed = max(2 * self._count * _FILTER_BITS_PER_HASH, 1 << _FILTER_BITS_MIN)
        self._filter_bits = int(needed - 1).bit_length()
        self._filter = np.zeros(1 << (self._filter_bits - 3), dtype=np.uint8)
        for run in self._runs:
            self._mark(run)

    def _mark(self, run: Hashes) -> None:
        slots = run >> np.uint64(64 - self._filter_bits)
        octets = slots >> np.uint64(3)
        firsts = np.flatnonzero(np.concatenate([[True], octets[1:] != octets[:-1]]))
        bits = np.left_shift(np.uint8(1), (slots & np.uint64(7)).astype(np.uint8))
        self._filter[octets[firsts]] |= np.bitwise_or.reduceat(bits, firsts)

    def _maybe(self, hashes: Hashes) -> NDArray[np.bool_]:
        slots = hashes >> np.uint64(64 - self._filter_bits)
        octets = self._filter[slots >> np.uint64(3)]
        return cast(NDArray[np.bool_], (octets >> (slots & np.uint64(7)).astype(np.uint8)) & 1 != 0)


def _matches(run: Hashes, low: Hashes, high: Hashes) -> tuple[Rows, Rows]:
    """For ascending spans [low, high]: which span each match belongs to, and the segment that it names."""
    first = np.searchsorted(run, low, "left")
    hit = np.flatnonzero(run[np.minimum(first, len(run) - 1)] - low <= _SEGMENT)
    if len(hit) == 0:
        return hit, hit
    first = first[hit]
    count = np.searchsorted(run, high[hit], "right") - first
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    segments = run[np.repeat(first, count) + within] & _SEGMENT
    return np.repeat(hit, count), segments.astype(np.int64)
