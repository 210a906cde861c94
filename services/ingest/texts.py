"""Which texts of a column break the rules, found on the Arrow buffers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.hashing import text_spans

Mask = NDArray[np.bool_]

_C0 = np.zeros(256, dtype=np.bool_)
_C0[:32] = True
_C0[127] = True
_C0_MULTILINE = _C0.copy()
_C0_MULTILINE[[9, 10, 13]] = False


def with_control_characters(texts: pa.Array, multiline: bool) -> Mask | None:
    """Rows that hold C0, DEL or C1 control characters; tab and line ends are allowed if multi-line. None: no row."""
    data, starts, lengths = text_spans(texts)
    if len(data) == 0:
        return None
    # One pass that needs no table decides for nearly every batch.
    low, high = int(data.min()), int(data.max())
    if low >= 32 and high < 127:
        return None
    at = np.flatnonzero((_C0_MULTILINE if multiline else _C0)[data])
    if high >= 0xC2:
        leads = np.flatnonzero(data[:-1] == 0xC2)
        at = np.concatenate([at, leads[data[leads + 1] < 0xA0]])
    if len(at) == 0:
        return None
    return _rows_holding(np.sort(at), starts, lengths)


def _rows_holding(at: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Mask:
    return np.searchsorted(at, starts) < np.searchsorted(at, starts + lengths)


def longer_than(texts: pa.Array, chars_max: int) -> Mask | None:
    """Rows of more than `chars_max` characters. None: no row."""
    _, _, lengths = text_spans(texts)
    if len(lengths) == 0 or int(lengths.max()) <= chars_max:
        return None
    long: Mask = np.asarray(pc.greater(pc.utf8_length(texts), chars_max).fill_null(False))
    return long if long.any() else None


def empty(texts: pa.Array) -> Mask | None:
    """Rows that are null or have no character. None: no row."""
    _, _, lengths = text_spans(texts)
    if len(lengths) == 0 or int(lengths.min()) > 0:
        return None
    blank: Mask = lengths == 0
    return blank


def unlike(texts: pa.Array, pattern: str) -> Mask:
    """Rows that do not match the pattern; a null does not match."""
    other: Mask = ~np.asarray(pc.match_substring_regex(texts, pattern).fill_null(False))
    return other
