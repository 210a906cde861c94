"""What changes about a book survives the way through the log to the last bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.scores.book_codec import BookChange, decode_change, decode_stats, encode_change, encode_stats
from services.scoring.scores.charts.chart_state import START, Collecting, ControlChartState
from services.scoring.scores.charts.points import SeriesEnd, WindowPoint
from services.scoring.scores.charts.trail import ChartMove
from services.scoring.scores.statistics import PartStats
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

SERIES, WINDOW = SeriesKey("desk/main/wait@week{team=甲}"), WindowId(0, 10)
VALUES = st.lists(st.integers(-(2**50), 2**50), max_size=30)


def stats_of(values: list[int], histogram: bool = True, unobserved: int = 0) -> PartStats:
    distinct, counts = np.unique(np.array(values, dtype=np.int64), return_counts=True)
    kept = (distinct, counts.astype(np.int64)) if histogram else None
    return PartStats(len(values), sum(values), sum(value * value for value in values), kept, unobserved)


@settings(deadline=None, max_examples=60)
@given(
    values=VALUES,
    histogram=st.booleans(),
    unobserved=st.integers(-(2**40), 2**40),
    closed_us=st.none() | st.integers(-(2**62), 2**62),
    value=st.floats(allow_nan=False, allow_infinity=False),
)
def test_what_was_encoded_comes_back(
    values: list[int], histogram: bool, unobserved: int, closed_us: int | None, value: float
) -> None:
    stats = stats_of(values, histogram, unobserved)
    state = ControlChartState(SeriesEnd(), Collecting((WindowPoint(WINDOW, value, 3, 2**70, 2**90, 1 / 3600),)))
    moves = {SERIES: ChartMove(7, (START, state)), SeriesKey("other"): ChartMove(-(2**62), ())}
    change = BookChange({(SERIES, WINDOW): stats}, closed_us, moves)
    assert decode_change(encode_change(change)) == change
    assert decode_stats(encode_stats(stats)) == stats


def test_a_chart_of_which_nothing_is_known_stays_unknown_and_nothing_is_no_change() -> None:
    change = BookChange(charts={SERIES: None})
    assert decode_change(encode_change(change)) == change
    assert decode_change(b"") == BookChange()


def test_a_large_change_is_compressed() -> None:
    change = BookChange({(SERIES, WindowId(week, week + 1)): stats_of([week]) for week in range(1000)})
    raw = encode_change(change)
    assert len(raw) < 20_000
    assert decode_change(raw) == change
