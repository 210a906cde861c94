"""Which hashes were seen in which commit: sorted runs of packed numbers, merged as they grow, behind a bit filter."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from services.ingest.hashing import Hashes

Rows = NDArray[np.int64]

POSITION_BITS = 26
SPAN = 1 << POSITION_BITS
_POSITION = np.uint64(SPAN - 1)
_FANOUT = 8
_FILTER_BITS_MIN = 20
# Of a hash the upper 38 bits are kept: so many choose a word of the filter, and twice 6 the bits in it.
_FILTER_BITS_MAX = 32
_FILTER_BITS_PER_HASH = 16
_ONE, _SIX_BITS = np.uint64(1), np.uint64(63)


class HashIndex:
    """One number for each hash: its upper 38 bits, then the lower 26 bits of the position of its commit.

    Memory: 8 bytes for each hash, and 2 to 4 for the filter. A look-up of n new hashes costs n reads of the filter
    and, for the one in a hundred that it cannot rule out, a binary search in each run. There are at most 7 runs of each
    size, sizes growing by 8, and each hash is merged once per size, so neither cost depends much on their number.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._filter_bits = _FILTER_BITS_MIN
        self._filter = _words(_FILTER_BITS_MIN)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, hashes: Hashes, positions: Rows | int) -> None:
        """The position of each hash, or of all."""
        if len(hashes) == 0:
            return
        run = (hashes & ~_POSITION) | np.asarray(positions).astype(np.uint64) & _POSITION
        run.sort()
        self._count += len(run)
        self._runs.append(run)
        while len(self._runs) >= _FANOUT and len(self._runs[-_FANOUT]) < _FANOUT * len(self._runs[-1]):
            # Stable: the sort that finds the runs in its input and merges them.
            self._runs[-_FANOUT:] = [np.sort(np.concatenate(self._runs[-_FANOUT:]), kind="stable")]
        if _bits_for(self._count) > self._filter_bits:
            self._grow()
        else:
            self._mark(run)

    def candidates(self, hashes: Hashes) -> tuple[Rows, Rows]:
        """Pairs (row of `hashes`, lower bits of a position that may hold it): suspicions, as 38 bits may agree."""
        rows = np.flatnonzero(self._maybe(hashes))
        if len(rows) == 0:
            return rows, rows
        order = np.argsort(hashes[rows])
        rows = rows[order]
        low = hashes[rows] & ~_POSITION
        high = low | _POSITION
        pairs = [_matches(run, low, high) for run in self._runs]
        asked = np.concatenate([pair[0] for pair in pairs])
        return rows[asked], np.concatenate([pair[1] for pair in pairs])

    def forget(self, after: int, through: int) -> None:
        """Drops the commits of positions (after, through], which must be fewer than the span."""
        first = np.uint64((after + 1) & (SPAN - 1))
        count = np.uint64(through - after)
        kept = [run[((run - first) & _POSITION) >= count] for run in self._runs]
        self._runs = [run for run in kept if len(run)]
        self._count = sum(len(run) for run in self._runs)
        self._grow()

    def _grow(self) -> None:
        # Twice what is needed, so that the next growth is a doubling away.
        self._filter_bits = _bits_for(2 * self._count)
        self._filter = _words(self._filter_bits)
        for run in self._runs:
            self._mark(run)

    def _mark(self, run: Hashes) -> None:
        words, bits = self._places(run)
        new_word = np.empty(len(run), dtype=np.bool_)
        new_word[0] = True
        np.not_equal(words[1:], words[:-1], out=new_word[1:])
        firsts = new_word.nonzero()[0]
        self._filter[words[firsts]] |= np.bitwise_or.reduceat(bits, firsts)

    def _maybe(self, hashes: Hashes) -> NDArray[np.bool_]:
        words, bits = self._places(hashes)
        return cast(NDArray[np.bool_], (self._filter[words] & bits) == bits)

    def _places(self, hashes: Hashes) -> tuple[Hashes, Hashes]:
        """Which word of the filter each hash is marked in, and by which two bits: one look, and few false alarms."""
        rest = 64 - (self._filter_bits - 6)
        first = (hashes >> np.uint64(rest - 6)) & _SIX_BITS
        second = (hashes >> np.uint64(rest - 12)) & _SIX_BITS
        return hashes >> np.uint64(rest), (_ONE << first) | (_ONE << second)


def _bits_for(count: int) -> int:
    wanted = int(count * _FILTER_BITS_PER_HASH - 1).bit_length()
    return min(max(wanted, _FILTER_BITS_MIN), _FILTER_BITS_MAX)


def _words(bits: int) -> Hashes:
    return np.zeros(1 << (bits - 6), dtype=np.uint64)


def _matches(run: Hashes, low: Hashes, high: Hashes) -> tuple[Rows, Rows]:
    """For ascending spans [low, high]: which span each match belongs to, and the lower bits that it holds."""
    first = np.searchsorted(run, low, "left")
    hit = np.flatnonzero(run[np.minimum(first, len(run) - 1)] - low <= _POSITION)
    if len(hit) == 0:
        return hit, hit
    first = first[hit]
    count = np.searchsorted(run, high[hit], "right") - first
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    numbers = run[np.repeat(first, count) + within] & _POSITION
    return np.repeat(hit, count), numbers.astype(np.int64)


def positions_of(rows: Rows, numbers: Rows, after: int, through: int) -> tuple[Rows, Rows]:
    """Pairs (row, position) in (after, through] for pairs (row, lower bits of a position): one each, unless wrapped."""
    first = after + 1 + (numbers - after - 1) % SPAN
    laps = [first + lap * SPAN for lap in range(1 + max(0, through - after - 1) // SPAN)]
    positions, rows = np.concatenate(laps), np.tile(rows, len(laps))
    inside = positions <= through
    return rows[inside], positions[inside]
