"""Archived event ids: blocks of sorted hashes, found by the day of an event's time and the upper bits of its hash.

Theory of operation. A process remembers the ids of the last days (`known/memory.py`); older ones are moved here, so
that the same file loaded months later is recognised. What makes that cheap is that the same event has the same time:

- An event with time T was committed no earlier than T less the future tolerance of its source. So whatever has a time
  after the beginning of memory is in memory, and live events never ask the archive.
- An old event asks for one block: that of its day and of the upper bits of its hash. A block holds about a thousand
  ids, whatever the length of the history and the number of events on that day. A batch of a file, which covers few
  days, asks for each of their blocks once.

Cost: 16 bytes for each event ever, on disk. A day grows by doubling its blocks, so each id is written a few times.
A hash found is a suspicion as everywhere: the stored event decides (`known/deduplication.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ingest.hashes import Hashes
from services.ingest.known.index import Rows
from services.ingest.model import DAY_US

_BLOCK_IDS_MAX = 1_024


@dataclass(frozen=True)
class BlockKey:
    day: int
    slot: int


@dataclass(frozen=True)
class IdBlock:
    """Hashes in ascending order, and the position of the commit that holds each event."""

    hashes: Hashes
    positions: Rows


def days_of(times_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days since 1970, UTC.

    >>> days_of(np.array([-1, 0, DAY_US])).tolist()
    [-1, 0, 1]
    """
    return times_us // DAY_US


def slot_bits_for(id_count: int) -> int:
    """So many that a block holds at most a thousand ids, on average.

    >>> [slot_bits_for(count) for count in (0, 1_024, 1_025, 10_000)]
    [0, 0, 1, 4]
    """
    return (max(id_count - 1, 0) // _BLOCK_IDS_MAX).bit_length()


def keys_of(days: NDArray[np.int64], hashes: Hashes, bits: Mapping[int, int]) -> NDArray[np.int64]:
    """Day and slot of each hash, shape (n, 2); the days must be in `bits`."""
    names, which = np.unique(days, return_inverse=True)
    shifts = np.array([64 - bits[day] for day in names.tolist()], dtype=np.uint64)[which]
    # A shift by all 64 bits is undefined, so it is done in two.
    slots = (hashes >> (shifts // np.uint64(2))) >> (shifts - shifts // np.uint64(2))
    return np.stack([days, slots.astype(np.int64)], axis=1)


def by_block(keys: NDArray[np.int64]) -> list[tuple[BlockKey, Rows]]:
    """The rows of each block."""
    if len(keys) == 0:
        return []
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    begins = np.flatnonzero(np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)])
    pieces = np.split(order, begins[1:])
    return [(BlockKey(*ordered[begin].tolist()), rows) for begin, rows in zip(begins.tolist(), pieces, strict=True)]


def joined_blocks(blocks: Sequence[IdBlock]) -> IdBlock:
    hashes = np.concatenate([block.hashes for block in blocks])
    positions = np.concatenate([block.positions for block in blocks])
    order = np.argsort(hashes, kind="stable")
    return IdBlock(hashes[order], positions[order])


def found_in(block: IdBlock, hashes: Hashes, rows: Rows) -> tuple[Rows, Rows]:
    """Pairs (row, position of a commit that may hold its event) for the hashes of some rows."""
    first = np.searchsorted(block.hashes, hashes, "left")
    count = np.searchsorted(block.hashes, hashes, "right") - first
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(rows, count), block.positions[np.repeat(first, count) + within]
