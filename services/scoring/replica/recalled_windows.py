"""Brings windows that have left memory back for one step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from services.scoring.scores.book import ScoreBook
from services.scoring.scores.book_codec import decode_stats
from services.scoring.scores.recall import Needs, Recalled
from services.scoring.store.windows import StoredWindows, WindowReader
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId
from services.scoring.wire.scores import score_of, signal_of, unpack_score, unpack_signal

INLINE_ROWS_MAX = 400


async def recall(reader: WindowReader, book: ScoreBook, needs: Needs) -> Recalled:
    """One statement for all that a step needs."""
    stored = await reader.windows(
        [(series, window.start_us) for series, window in needs.statistics], needs.scores, needs.charts
    )
    if needs.slices:
        stored += await reader.windows_of_slices(book.system.process, book.system.system, needs.slices)
    if stored.row_count > INLINE_ROWS_MAX:
        return await asyncio.to_thread(recalled_from, stored, needs.charts)
    return recalled_from(stored, needs.charts)


def recalled_from(stored: StoredWindows, complete_since: Mapping[SeriesKey, int] | None = None) -> Recalled:
    recalled = Recalled(complete_since=complete_since or {})
    for row in stored.statistics:
        window = WindowId(row["window_start"], row["window_end"])
        recalled.statistics[SeriesKey(row["series"]), window] = decode_stats(row["body"])
    for row in stored.scores:
        recalled.place_score(score_of(unpack_score(row["body"])))
    for row in stored.signals:
        recalled.place_signal(signal_of(unpack_signal(row["body"])))
    return recalled
