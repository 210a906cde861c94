"""64-bit hashes of Arrow strings, eight bytes at a time: what breaks ties between events of the same instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

HashArray = NDArray[np.uint64]

FACTOR = np.uint64(0x9E3779B97F4A7C15)
FINISH = np.uint64(0xD6E8FEB86659FD93)
FOLD = np.uint64(32)
MASKS = np.array([2 ** (8 * size) - 1 for size in range(9)], dtype=np.uint64)

DIGITS = np.uint64(0x0F0F0F0F0F0F0F0F)
HIGH_HALVES = np.uint64(0xF0F0F0F0F0F0F0F0)
ZEROS = np.uint64(0x3030303030303030)
SIX = np.uint64(0x0606060606060606)
ONES = np.uint64(0x0101010101010101)
EDGE = 8
OFFSETS = {pa.utf8(): np.int32, pa.large_utf8(): np.int64}


def mixed(hashes: HashArray) -> HashArray:
    """Spreads every bit over the whole word (multiply and fold, twice)."""
    hashes = (hashes ^ (hashes >> FOLD)) * FINISH
    hashes = (hashes ^ (hashes >> FOLD)) * FINISH
    return np.asarray(hashes ^ (hashes >> FOLD))


@dataclass(frozen=True)
class TextSpans:
    """Where each text begins and how long it is, in bytes with eight more on either side to read over the edge."""

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    content: NDArray[np.uint8]

    @property
    def words(self) -> HashArray:
        """The eight bytes from each place on."""
        return np.ndarray(shape=(len(self.content) - 7,), dtype="<u8", buffer=self.content, strides=(1,))


def spans_of(texts: pa.Array) -> TextSpans:
    if texts.type not in OFFSETS:
        texts = texts.cast(pa.large_utf8())
    _, offsets, data = texts.buffers()
    nothing = np.zeros(0, np.int64)
    if not len(texts):
        return TextSpans(nothing, nothing, np.zeros(2 * EDGE, np.uint8))
    places = np.frombuffer(offsets, dtype=OFFSETS[texts.type])[texts.offset : texts.offset + len(texts) + 1]
    places = places.astype(np.int64)
    content = np.zeros(int(places[-1] - places[0]) + 2 * EDGE, dtype=np.uint8)
    if data is not None:
        content[EDGE:-EDGE] = np.frombuffer(data, dtype=np.uint8)[places[0] : places[-1]]
    return TextSpans(places[:-1] - (places[0] - EDGE), np.diff(places), content)


def text_hashes(texts: pa.Array) -> HashArray:
    """A hash of each text, the same in every process; a null hashes like the empty text."""
    return span_hashes(spans_of(texts))


def span_hashes(spans: TextSpans) -> HashArray:
    """As `text_hashes`. O(bytes of the longest text / 8) numpy passes over the rows that are that long."""
    starts, lengths, words = spans.starts, spans.lengths, spans.words
    hashes = lengths.astype(np.uint64) * FACTOR
    active: NDArray[np.int64] | slice = slice(None)
    for offset in range(0, int(lengths.max(initial=0)), 8):
        left = lengths - offset
        if offset and (left.min(initial=0) <= 0):
            active = np.flatnonzero(left > 0)
        part = words[starts[active] + offset]
        if left[active].min() < 8:
            part &= _mask(left[active])
        part = (part ^ hashes[active]) * FACTOR
        hashes[active] = part ^ (part >> FOLD)
    return mixed(hashes)


def _mask(left: NDArray[np.int64]) -> HashArray:
    """Ones in the lowest `left` bytes, at most eight."""
    return MASKS[np.minimum(left, 8)]


def trailing_numbers(spans: TextSpans) -> HashArray:
    """The number that each text ends with, of at most eight digits; 0 where it ends with no digit.

    >>> trailing_numbers(spans_of(pa.array(["INC7/0012", "a", "9", "x1y", "123456789"]))).tolist()
    [12, 0, 9, 0, 23456789]
    """
    # The last character is the highest byte; what lies before the text's first is cleared.
    word = spans.words[spans.starts + spans.lengths - EDGE] & ~_mask(8 - np.minimum(spans.lengths, 8))
    return _digits_at_the_top(word)


def _digits_at_the_top(word: HashArray) -> HashArray:
    """All eight bytes of a word are looked at and then joined in three steps."""
    other = ((word & HIGH_HALVES) ^ ZEROS) | (((word + SIX) & HIGH_HALVES) ^ ZEROS)
    for shift in (8, 16, 32, 4, 2, 1):
        other |= other >> np.uint64(shift)
    digits = word & DIGITS & ~((other & ONES) * np.uint64(255))
    digits = (digits * np.uint64(2561)) >> np.uint64(8)
    digits = ((digits & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> np.uint64(16)
    return np.asarray(((digits & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> np.uint64(32))
