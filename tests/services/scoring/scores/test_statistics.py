"""Window statistics are exact, whatever the size of the values and the order of the changes."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.fold.windows import Amounts, deltas, grouped
from services.scoring.scores.statistics import EMPTY, PartStats, added, with_changes

values = st.one_of(st.integers(-5, 5), st.integers(-(2**31), 2**31), st.integers(-(2**60), 2**60))


def stats(sample: list[int]) -> PartStats:
    spread = sorted(Counter(sample).items())
    histogram = (np.array([v for v, _ in spread], dtype=np.int64), np.array([c for _, c in spread], dtype=np.int64))
    return PartStats(len(sample), sum(sample), sum(v * v for v in sample), histogram)


@settings(deadline=None, max_examples=80)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.one_of(st.integers(0, 5), st.just(10**12)), values, st.sampled_from([1, -1])),
        min_size=1,
        max_size=40,
    )
)
def test_grouped_sums_are_those_of_python_integers(rows: list[tuple[int, int, int, int]]) -> None:
    code, number, value, sign = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    groups = grouped(code, number)
    found = deltas(groups, Amounts(value, sign), histograms=True)
    expected: dict[tuple[int, int], PartStats] = {}
    for c, n, v, s in rows:
        expected[c, n] = added(expected.get((c, n), EMPTY), PartStats(s, s * v, s * v * v))
    keys = list(zip(groups.code.tolist(), groups.number.tolist(), strict=True))
    assert keys == sorted(expected)
    for key, cell in zip(keys, found, strict=True):
        assert (cell.count, cell.total, cell.squares) == (
            expected[key].count,
            expected[key].total,
            expected[key].squares,
        )
        tally: Counter[int] = Counter()
        for c, n, v, s in rows:
            if (c, n) == key:
                tally[v] += s
        assert cell.histogram is not None
        pairs = zip(cell.histogram[0].tolist(), cell.histogram[1].tolist(), strict=True)
        assert list(pairs) == sorted((v, s) for v, s in tally.items() if s)


@settings(deadline=None, max_examples=60)
@given(base=st.lists(st.integers(-9, 9), max_size=20), more=st.lists(st.integers(-9, 9), max_size=20))
def test_a_histogram_takes_values_in_and_gives_them_back(base: list[int], more: list[int]) -> None:
    start, delta, both = (stats(sample).histogram for sample in (base, more, base + more))
    assert start is not None
    assert delta is not None
    assert both is not None
    filled = with_changes(start, delta)
    assert [a.tolist() for a in filled] == [a.tolist() for a in both]
    emptied = with_changes(filled, (delta[0], -delta[1]))
    assert [a.tolist() for a in emptied] == [a.tolist() for a in start]


@settings(deadline=None, max_examples=60)
@given(
    sample=st.lists(values, min_size=1, max_size=30), cut=st.integers(0, 30), q=st.sampled_from([0.1, 0.5, 0.9, 0.95])
)
def test_parts_add_up_to_the_whole_and_quantiles_are_those_of_numpy(sample: list[int], cut: int, q: float) -> None:
    whole = added(stats(sample[:cut]), stats(sample[cut:]))
    assert whole == stats(sample)
    small = [value % 1000 for value in sample]
    assert stats(small).quantile(q, 1.0) == pytest.approx(float(np.quantile(small, q)))
    assert stats(small).mean(0.5) == pytest.approx(float(np.mean(small)) / 2)


def test_nothing_has_no_mean_and_no_quantile() -> None:
    with pytest.raises(ValueError, match="mean of nothing"):
        PartStats(0, 0, 0).mean(1.0)
    with pytest.raises(ValueError, match="histogram"):
        PartStats(3, 6, 14).median(1.0)


@settings(deadline=None, max_examples=80)
@given(
    sample=st.lists(values, min_size=1, max_size=20),
    step=st.sampled_from([Fraction(1), Fraction(1, 10), Fraction(1, 3600), Fraction(1, 4), Fraction(1, 10**6)]),
)
def test_sums_and_means_are_the_fractions_that_they_stand_for_rounded_once(sample: list[int], step: Fraction) -> None:
    whole, resolution = stats(sample), float(step)
    assert whole.sum(resolution) == float(sum(sample) * step)
    assert whole.mean(resolution) == float(Fraction(sum(sample), len(sample)) * step)
