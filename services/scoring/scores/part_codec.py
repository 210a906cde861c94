"""Changes of window statistics as bytes: what the score log carries for the replicas that own other partitions."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence, Set

import numpy as np

from services.scoring.scores.statistics import Histogram, PartChange, PartStats, Place, summed
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

KnownParts = Mapping[Place, Mapping[int, PartStats]]
COMPRESSED_ABOVE_BYTES = 4096
PLAIN, PACKED = b"j", b"z"
_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def encode_parts(parts: Mapping[int, Sequence[PartChange]], known: KnownParts) -> bytes:
    """Sums as they are after the step; histograms as the difference from what `known` holds."""
    rows = [_row(partition, change, known) for partition, changes in parts.items() for change in changes]
    text = _written(rows).encode()
    return PLAIN + text if len(text) <= COMPRESSED_ABOVE_BYTES else PACKED + zlib.compress(text, 1)


def decode_parts(raw: bytes, known: KnownParts, partitions: Set[int] | None = None) -> dict[int, list[PartChange]]:
    """The changes again, against the same `known` that they were encoded with. partitions None: all."""
    text = raw[1:] if raw[:1] == PLAIN else zlib.decompress(raw[1:])
    parts: dict[int, list[PartChange]] = {}
    for partition, series, start_us, end_us, count, total, squares, difference, *counted in json.loads(text):
        if partitions is not None and partition not in partitions:
            continue
        window = WindowId(start_us, end_us)
        # Rows of before cases without a value were counted end with the histogram.
        before = known.get((series, window), {}).get(partition)
        histogram = _after(before.histogram if before else None, difference)
        stats = PartStats(count, total, squares, histogram, unobserved=sum(counted))
        parts.setdefault(partition, []).append(PartChange(SeriesKey(series), window, stats))
    return parts


def _row(partition: int, change: PartChange, known: KnownParts) -> list[object]:
    stats, window = change.stats, change.window
    before = known.get((change.series, window), {}).get(partition)
    difference = _difference(before.histogram if before else None, stats.histogram)
    return [
        partition,
        change.series,
        window.start_us,
        window.end_us,
        stats.count,
        stats.total,
        stats.squares,
        difference,
        stats.unobserved,
    ]


def _difference(before: Histogram | None, after: Histogram | None) -> list[list[int]] | None:
    if after is None:
        return None
    changed = after if before is None else summed([after, (before[0], -before[1])])
    return [changed[0].tolist(), changed[1].tolist()]


def _after(before: Histogram | None, difference: list[list[int]] | None) -> Histogram | None:
    if difference is None:
        return None
    change = (np.array(difference[0], dtype=np.int64), np.array(difference[1], dtype=np.int64))
    return change if before is None else summed([before, change])
