"""64-bit hashes of Arrow strings, eight bytes at a time: what breaks ties between events of the same instant."""

from __future__ import annotations

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


def mixed(hashes: HashArray) -> HashArray:
    """Spreads every bit over the whole word (multiply and fold, twice)."""
    hashes = (hashes ^ (hashes >> FOLD)) * FINISH
    hashes = (hashes ^ (hashes >> FOLD)) * FINISH
    return np.asarray(hashes ^ (hashes >> FOLD))


def text_hashes(texts: pa.Array, rows: NDArray[np.int64] | None = None) -> HashArray:
    """A hash of each text (of these rows), the same in every process; a null hashes like the empty text.

    O(bytes of the longest text / 8) numpy passes over the rows that are that long.
    """
    starts, lengths, content = _spans(texts)
    if rows is not None:
        starts, lengths = starts[rows], lengths[rows]
    hashes = lengths.astype(np.uint64) * FACTOR
    words = np.ndarray(shape=(len(content) - 7,), dtype="<u8", buffer=content, strides=(1,))
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


def _spans(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Start and length of each text, and the bytes behind them with eight more to read over the end."""
    if texts.type != pa.large_utf8():
        texts = texts.cast(pa.large_utf8())
    _, offsets, data = texts.buffers()
    places = (
        np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1] if len(texts) else None
    )
    if places is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(8, np.uint8)
    content = np.zeros(int(places[-1] - places[0]) + 8, dtype=np.uint8)
    if data is not None:
        content[:-8] = np.frombuffer(data, dtype=np.uint8)[places[0] : places[-1]]
    return places[:-1] - places[0], np.diff(places), content


def trailing_numbers(texts: pa.Array, rows: NDArray[np.int64] | None = None) -> HashArray:
    """The number that each text (of these rows) ends with, of at most eight digits; 0 where it ends with no digit.

    >>> trailing_numbers(pa.array(["INC7/0012", "a", "9", "x1y", "123456789"])).tolist()
    [12, 0, 9, 0, 23456789]
    """
    starts, lengths, content = _spans(texts)
    if rows is not None:
        starts, lengths = starts[rows], lengths[rows]
    content = np.concatenate([np.zeros(8, dtype=np.uint8), content])
    words = np.ndarray(shape=(len(content) - 7,), dtype="<u8", buffer=content, strides=(1,))
    # The last character is the highest byte; what lies before the text's first is cleared.
    word = words[starts + lengths] & ~_mask(8 - np.minimum(lengths, 8))
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
