"""Which hashes were seen in which commit: sorted runs of packed numbers, merged as they grow, behind a bit filter.

Theory of operation. The index answers "certainly new" or "perhaps in these commits"; what is stored decides. It is a
log-structured merge tree in memory:

- Each commit adds a sorted run. Eight runs of about one size are merged into one, so there are at most seven of each
  size, and each hash is merged once per size. Short runs are merged at once, long ones by `compact` in a thread.
- A look-up asks the filter first (`known/filter.py`): one read of memory rules out all but one new hash in two hundred.
  The rest is searched in every run.
- A run never changes once it is made, so a thread may search or merge runs while the event loop goes on. The list of
  runs changes between commits only (`add`, `forget`) or is replaced as a whole (`apply`, which drops a merged run
  whose parts were forgotten in the meantime).

Invariant: a hash that was added and not forgotten is in exactly one run and in the filter. A false alarm is allowed
(some bits of the hash are given up for the position, and marks of forgotten hashes stay in the filter until it is
replaced); a miss is not. Nothing here is durable: after a restart it is read back from the log.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ingest.hashes import Hashes
from services.ingest.known.filter import HashFilter

Rows = NDArray[np.int64]

_POSITION_BITS_MIN, _POSITION_BITS_MAX = 14, 26
# More positions than these wrap.
SPAN_MAX = 1 << _POSITION_BITS_MAX
_FANOUT = 8
# Longer runs are merged apart from calls: it takes longer than anyone should wait behind it.
_SMALL = 1 << 15


class HashIndex:
    """One number for each hash: its upper bits, then the lower 14 to 26 bits of the position of its commit.

    Positions get as many bits as their number needs: the more are left to the hash, the rarer is it that a new hash
    is taken for a known one and a segment is read in vain. 38 bits of it stay at least.

    Memory: 8 bytes for each hash, and 2 to 4 for the filter. A look-up of n new hashes costs n reads of the filter
    and, for the one in two hundred that it cannot rule out, a binary search in each run. There are at most 7 runs of
    each size, sizes growing by 8, and each hash is merged once per size, so neither cost depends much on their number.

    What cannot be done between two calls waits until `compact` is called; it answers all the same meanwhile.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._filter = HashFilter.of([])
        self._count = 0
        self.span = 1 << _POSITION_BITS_MIN

    def __len__(self) -> int:
        return self._count

    @property
    def _position(self) -> np.uint64:
        """The bits of a number that hold a position."""
        return np.uint64(self.span - 1)

    def make_room(self, after: int, through: int) -> None:
        """For the positions (after, through]; all that was added so far is after `after` too."""
        old = self._position
        while through - after > self.span < SPAN_MAX:
            self.span *= 2
        if self._position != old:
            first = np.uint64(after + 1)
            # What is left of the hash stays in order, and the order of positions is never asked for.
            self._runs = [
                (run & ~self._position) | ((run - first & old) + first & self._position) for run in self._runs
            ]

    def add(self, hashes: Hashes, positions: Rows | int) -> None:
        """The position of each hash, or of all."""
        if len(hashes) == 0:
            return
        run = (hashes & ~self._position) | np.asarray(positions).astype(np.uint64) & self._position
        run.sort()
        self._count += len(run)
        self._runs.append(run)
        while some := _mergeable([run for run in self._runs if len(run) < _SMALL]):
            self._exchange(some, _merged(some))
        self._filter.mark(run)
        if self._count < _FANOUT * _SMALL and self._filter.outgrown(self._count):
            self._filter = HashFilter.of(self._runs)

    def compaction_due(self) -> "Compaction | None":
        """What would make look-ups cheaper, and may be done in any thread."""
        if self._filter.outgrown(self._count):
            return Compaction(tuple(self._runs), merge=False)
        some = _mergeable([run for run in self._runs if len(run) >= _SMALL])
        return Compaction(some, merge=True) if some else None

    def apply(self, compaction: "Compaction", made: "Hashes | HashFilter") -> None:
        """Takes what was made of the compaction that was due; what was added since stays."""
        if not isinstance(made, HashFilter):
            self._exchange(compaction.runs, made)
            return
        for run in _without(self._runs, compaction.runs):
            made.mark(run)
        self._filter = made

    def _exchange(self, old: Sequence[Hashes], new: Hashes) -> None:
        others = _without(self._runs, old)
        # What was forgotten in the meantime must not come back.
        if len(others) + len(old) == len(self._runs):
            self._runs = [*others, new]

    def candidates(self, hashes: Hashes) -> tuple[Rows, Rows]:
        """Pairs (row of `hashes`, lower bits of a position that may hold it): suspicions, as some bits are lost."""
        rows = np.flatnonzero(self._filter.maybe(hashes))
        if len(rows) == 0:
            return rows, rows
        order = np.argsort(hashes[rows])
        rows = rows[order]
        low = hashes[rows] & ~self._position
        high = low | self._position
        pairs = [_matches(run, low, high) for run in self._runs]
        asked = np.concatenate([pair[0] for pair in pairs])
        return rows[asked], np.concatenate([pair[1] for pair in pairs])

    def forget(self, after: int, through: int) -> None:
        """Drops the commits of positions (after, through], which must be fewer than the span."""
        first = np.uint64(after + 1)
        count = np.uint64(through - after)
        remaining = [run[((run - first) & self._position) >= count] for run in self._runs]
        # Their marks in the filter stay until it is full: they are false alarms, and few.
        self._runs = [run for run in remaining if len(run)]
        self._count = sum(len(run) for run in self._runs)


@dataclass(frozen=True)
class Compaction:
    """Runs to merge, or to make a new filter of; they never change, so any thread may do it."""

    runs: tuple[Hashes, ...]
    merge: bool

    def run(self) -> Hashes | HashFilter:
        return _merged(self.runs) if self.merge else HashFilter.of(self.runs)


async def compact(index: HashIndex) -> None:
    """Does what is due in a thread, while calls go on."""
    while (compaction := index.compaction_due()) is not None:
        index.apply(compaction, await asyncio.to_thread(compaction.run))


def _mergeable(runs: Sequence[Hashes]) -> tuple[Hashes, ...]:
    """The shortest ones that are many enough and of about one size."""
    ordered = sorted(runs, key=len)
    for first in range(len(ordered) - _FANOUT + 1):
        some = ordered[first : first + _FANOUT]
        if len(some[-1]) < _FANOUT * len(some[0]):
            return tuple(some)
    return ()


def _without(runs: Sequence[Hashes], some: Sequence[Hashes]) -> list[Hashes]:
    left_out = {id(run) for run in some}
    return [run for run in runs if id(run) not in left_out]


def _merged(runs: Sequence[Hashes]) -> Hashes:
    # Stable: the sort that finds the runs in its input and merges them.
    return np.sort(np.concatenate(runs), kind="stable")


def _matches(run: Hashes, low: Hashes, high: Hashes) -> tuple[Rows, Rows]:
    """For ascending spans [low, high]: which span each match belongs to, and the lower bits that it holds."""
    first = np.searchsorted(run, low, "left")
    position = low ^ high
    hit = np.flatnonzero(run[np.minimum(first, len(run) - 1)] - low <= position)
    if len(hit) == 0:
        return hit, hit
    first = first[hit]
    count = np.searchsorted(run, high[hit], "right") - first
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    numbers = run[np.repeat(first, count) + within] & position[0]
    return np.repeat(hit, count), numbers.astype(np.int64)


def positions_of(rows: Rows, numbers: Rows, span: int, after: int, through: int) -> tuple[Rows, Rows]:
    """Pairs (row, position) in (after, through] for pairs (row, lower bits of a position): one each, unless wrapped."""
    first = after + 1 + (numbers - after - 1) % span
    laps = [first + lap * span for lap in range(1 + max(0, through - after - 1) // span)]
    positions, rows = np.concatenate(laps), np.tile(rows, len(laps))
    inside = positions <= through
    return rows[inside], positions[inside]
