"""Which texts of a column break the rules, found on the Arrow buffers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.hashes import text_spans

Mask = NDArray[np.bool_]

_C0 = np.zeros(256, dtype=np.bool_)
_C0[:32] = True
_C0[127] = True
_C0_MULTILINE = _C0.copy()
_C0_MULTILINE[[9, 10, 13]] = False


class TextColumn:
    """A utf8 column under inspection. Nearly every one is found clean from four extremes, without a look at rows."""

    def __init__(self, texts: pa.Array) -> None:
        self._texts = texts
        self.spans = self._data, self._starts, self._lengths = text_spans(texts)
        self.shortest = int(self._lengths.min()) if len(texts) else 0
        self.longest = int(self._lengths.max()) if len(texts) else 0

    def with_control_characters(self, multiline: bool = False) -> Mask | None:
        """Rows that hold C0, DEL or C1 controls; tab and line ends are allowed if multi-line. None: no row."""
        data = self._data
        if len(data) == 0:
            return None
        high = int(data.max())
        if high < 127 and int(data.min()) >= 32:
            return None
        at = np.flatnonzero((_C0_MULTILINE if multiline else _C0)[data])
        if high >= 0xC2:
            leads = np.flatnonzero(data[:-1] == 0xC2)
            at = np.sort(np.concatenate([at, leads[data[leads + 1] < 0xA0]]))
        if len(at) == 0:
            return None
        holding: Mask = np.searchsorted(at, self._starts) < np.searchsorted(at, self._starts + self._lengths)
        return holding

    def longer_than(self, chars_max: int) -> Mask | None:
        """Rows of more than `chars_max` characters. None: no row."""
        if self.longest <= chars_max:
            return None
        long: Mask = np.asarray(pc.greater(pc.utf8_length(self._texts), chars_max).fill_null(False))
        return long if long.any() else None

    def empty(self) -> Mask | None:
        """Rows that are null or have no character. None: no row."""
        if self.shortest > 0:
            return None
        blank: Mask = self._lengths == 0
        return blank


def unlike(texts: pa.Array, pattern: str) -> Mask:
    """Rows that do not match the pattern; a null does not match."""
    other: Mask = ~np.asarray(pc.match_substring_regex(texts, pattern).fill_null(False))
    return other
