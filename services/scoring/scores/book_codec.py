"""Changes of a book as bytes: what the score log carries for other replicas, and what a book is opened from."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from services.scoring.scores.charts.chart_state import decode_state, encode_state
from services.scoring.scores.charts.trail import ChartMove
from services.scoring.scores.statistics import Histogram, PartStats, Place
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

COMPRESSED_ABOVE_BYTES = 4096
PLAIN, PACKED = b"j", b"z"
_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True)
class BookChange:
    """differences: of the statistics of windows. closed_us: as the book's after it; None: as before.

    charts: None where states cannot be read and the chart has to be drawn from all its windows.
    values: of dimensions, that no event had named before.
    """

    differences: Mapping[Place, PartStats] = field(default_factory=dict)
    closed_us: int | None = None
    charts: Mapping[SeriesKey, ChartMove | None] = field(default_factory=dict)
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)


def encode_change(change: BookChange) -> bytes:
    rows = [
        [series, window.start_us, window.end_us, *_figures(stats)]
        for (series, window), stats in change.differences.items()
    ]
    charts = {
        series: move and [move.kept_us, [encode_state(state).decode() for state in move.states]]
        for series, move in change.charts.items()
    }
    return _packed([rows, change.closed_us, charts, {name: list(values) for name, values in change.values.items()}])


def decode_change(raw: bytes) -> BookChange:
    """Empty bytes: nothing changed."""
    if not raw:
        return BookChange()
    rows, closed_us, charts, values = _unpacked(raw)
    differences = {(SeriesKey(series), WindowId(start, end)): _stats(*figures) for series, start, end, *figures in rows}
    moves = {SeriesKey(series): _move(row) for series, row in charts.items()}
    return BookChange(differences, closed_us, moves, values)


def _move(row: tuple[int, list[str]] | None) -> ChartMove | None:
    if row is None:
        return None
    kept_us, states = row
    readable = [state for raw in states if (state := decode_state(raw.encode())) is not None]
    return ChartMove(kept_us, tuple(readable)) if len(readable) == len(states) else None


def encode_stats(stats: PartStats) -> bytes:
    return _packed(_figures(stats))


def decode_stats(raw: bytes) -> PartStats:
    return _stats(*_unpacked(raw))


def _packed(content: object) -> bytes:
    text = _written(content).encode()
    return PLAIN + text if len(text) <= COMPRESSED_ABOVE_BYTES else PACKED + zlib.compress(text, 1)


def _unpacked(raw: bytes) -> Any:
    return json.loads(raw[1:] if raw[:1] == PLAIN else zlib.decompress(raw[1:]))


def _figures(stats: PartStats) -> list[object]:
    spread = None if stats.histogram is None else [column.tolist() for column in stats.histogram]
    return [stats.count, stats.total, stats.squares, spread, stats.unobserved]


def _stats(count: int, total: int, squares: int, spread: list[list[int]] | None, unobserved: int) -> PartStats:
    histogram: Histogram | None = None
    if spread is not None:
        histogram = (np.array(spread[0], dtype=np.int64), np.array(spread[1], dtype=np.int64))
    return PartStats(count, total, squares, histogram, unobserved)
