"""Changes of statistics survive the way through the log, histograms as differences."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.scores.part_codec import decode_parts, encode_parts
from services.scoring.scores.statistics import PartChange, PartStats
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

SERIES, WINDOW = SeriesKey("desk/main/wait@week{team=甲}"), WindowId(0, 10)
VALUES = st.lists(st.integers(-(2**50), 2**50), max_size=30)


def stats_of(values: list[int], histogram: bool = True, unobserved: int = 0) -> PartStats:
    distinct, counts = np.unique(np.array(values, dtype=np.int64), return_counts=True)
    kept = (distinct, counts.astype(np.int64)) if histogram else None
    return PartStats(len(values), sum(values), sum(value * value for value in values), kept, unobserved=unobserved)


@settings(deadline=None, max_examples=60)
@given(before=VALUES, after=VALUES, histogram=st.booleans(), unobserved=st.integers(0, 2**40))
def test_what_was_encoded_against_a_state_decodes_against_the_same_state(
    before: list[int], after: list[int], histogram: bool, unobserved: int
) -> None:
    known = {(SERIES, WINDOW): {3: stats_of(before, histogram)}}
    change = PartChange(SERIES, WINDOW, stats_of(after, histogram, unobserved))
    assert decode_parts(encode_parts({3: [change]}, known), known) == {3: [change]}
    assert decode_parts(encode_parts({3: [change]}, {}), {}) == {3: [change]}


def test_other_partitions_are_passed_over() -> None:
    change = PartChange(SERIES, WINDOW, stats_of([1, 2]))
    raw = encode_parts({0: [change], 1: [change]}, {})
    assert list(decode_parts(raw, {}, {1})) == [1]


def test_a_large_change_is_compressed() -> None:
    changes = [PartChange(SERIES, WindowId(week, week + 1), stats_of([week])) for week in range(1000)]
    raw = encode_parts({0: changes}, {})
    assert len(raw) < 20_000
    assert decode_parts(raw, {}) == {0: changes}
