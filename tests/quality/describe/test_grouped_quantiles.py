"""Grouped sketches equal one sketch per group, in any order and any paging."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.describe import GroupedSketch, QuantileSketch, grouped_sketch
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st

points = st.lists(st.tuples(st.integers(0, 3), st.floats(-1e6, 1e6, allow_subnormal=False)), max_size=50)


def same(first: GroupedSketch, second: GroupedSketch) -> bool:
    pairs = ((first.group, second.group), (first.bucket, second.bucket), (first.count, second.count))
    return all(np.array_equal(a, b) for a, b in pairs)


@settings(max_examples=80, deadline=None)
@given(points=points, cut=st.integers(0, 50), seed=st.integers(0, 99))
def test_each_group_equals_its_own_sketch_in_any_order_and_paging(
    points: list[tuple[int, float]], cut: int, seed: int
) -> None:
    group, values = np.array([p[0] for p in points], dtype=np.int64), np.array([p[1] for p in points])
    whole = grouped_sketch(group, values, 4)
    parts = grouped_sketch(group[:cut], values[:cut], 4), grouped_sketch(group[cut:], values[cut:], 4)
    order = np.random.default_rng(seed).permutation(len(points))
    assert same(parts[1] + parts[0], whole)
    assert same(grouped_sketch(group[order], values[order], 4), whole)
    assert same(whole - parts[1], parts[0])
    for q in (0.0, 0.5, 0.9, 1.0):
        answers = whole.quantile(q)
        for one in range(4):
            own = QuantileSketch().add(values[group == one])
            assert np.isnan(answers[one]) if own.n == 0 else answers[one] == own.quantile(q)
            assert np.array_equal(whole.at(one).buckets, own.buckets)
            assert whole.n()[one] == own.n


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(Inconsistent):
        grouped_sketch([0], [1.0], 2) + grouped_sketch([0], [1.0], 3)
    with pytest.raises(Inconsistent):
        grouped_sketch([0], [1.0], 2) - grouped_sketch([0], [2.0], 2)
    with pytest.raises(Inconsistent):
        grouped_sketch([0, 1], [1.0], 2)
    with pytest.raises(OutOfRange):
        grouped_sketch([2], [1.0], 2)
    with pytest.raises(OutOfRange):
        grouped_sketch([0], [1.0], 2).quantile(1.5)
    with pytest.raises(NotFinite):
        grouped_sketch([0], [float("nan")], 2)
