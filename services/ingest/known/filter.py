"""Which hashes were certainly never seen: a bit filter with one look into memory for each question."""

from collections.abc import Iterable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from services.ingest.hashes import Hashes

_BITS_MIN = 22
_BITS_MAX = 32
_BITS_PER_HASH = 16
# All that is read of a hash: what the index stores of it.
_UNREAD_BITS = np.uint64(26)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ONE, _SIX_BITS = np.uint64(1), np.uint64(63)
_PLACES = tuple(np.uint64(shift) for shift in (58, 52, 46, 40))
# So many are marked at once that all about them stays in the cache.
_MARKED_AT_ONCE = 1 << 16


class HashFilter:
    """Words of 64 bits: the upper bits of a hash choose the word, and four bits in it are set.

    At 16 bits for each hash, where it is outgrown, one new hash in two hundred is not ruled out.
    """

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._words = np.zeros(1 << (bits - 6), dtype=np.uint64)
        self._shift = np.uint64(64 - (bits - 6))
        self._marked = 0

    @classmethod
    def of(cls, runs: Iterable[Hashes]) -> "HashFilter":
        """With room for as many again. The runs are sorted."""
        runs = list(runs)
        wanted = (2 * sum(map(len, runs)) * _BITS_PER_HASH).bit_length()
        made = cls(min(max(wanted, _BITS_MIN), _BITS_MAX))
        for run in runs:
            made.mark(run)
        return made

    def outgrown(self, count: int) -> bool:
        """Whether a new one of the `count` hashes that are still asked for would rule out more."""
        full = self._marked * _BITS_PER_HASH > 1 << self._bits
        return full and (self._bits < _BITS_MAX or self._marked > 2 * count)

    def mark(self, run: Hashes) -> None:
        """The run is sorted."""
        self._marked += len(run)
        for begin in range(0, len(run), _MARKED_AT_ONCE):
            some = run[begin : begin + _MARKED_AT_ONCE]
            words = some >> self._shift
            new_word = np.empty(len(some), dtype=np.bool_)
            new_word[0] = True
            np.not_equal(words[1:], words[:-1], out=new_word[1:])
            firsts = new_word.nonzero()[0]
            self._words[words[firsts]] |= np.bitwise_or.reduceat(_bits(some), firsts)

    def maybe(self, hashes: Hashes) -> NDArray[np.bool_]:
        bits = _bits(hashes)
        return cast(NDArray[np.bool_], (self._words[hashes >> self._shift] & bits) == bits)


def _bits(hashes: Hashes) -> Hashes:
    spread = (hashes >> _UNREAD_BITS) * _SPREAD
    bits = _ONE << (spread >> _PLACES[0])
    for place in _PLACES[1:]:
        bits |= _ONE << ((spread >> place) & _SIX_BITS)
    return cast(Hashes, bits)
