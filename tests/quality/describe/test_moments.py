"""Moments are exact: against Python integers, in every order, in every grouping, and back out again."""

from __future__ import annotations

import statistics
from fractions import Fraction

import numpy as np
import pytest
from andon_quality.describe.moments import Moments, grouped_moments, merge, moments_of, quantise
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st

int64 = st.integers(-(2**63), 2**63 - 1)
samples = st.lists(st.one_of(int64, st.integers(-1000, 1000)), max_size=30)


def by_hand(values: list[int]) -> Moments:
    return Moments(len(values), sum(values), sum(value * value for value in values))


@settings(max_examples=100, deadline=None)
@given(values=samples, cut=st.integers(0, 30))
def test_batch_equals_stream_and_merging_is_associative_and_commutative(values: list[int], cut: int) -> None:
    stream = Moments()
    for value in values:
        stream = stream.add(value)
    batch = moments_of(np.array(values, dtype=np.int64))
    first, rest = by_hand(values[:cut]), by_hand(values[cut:])
    assert stream == batch == by_hand(values) == first + rest == merge([rest, first])
    assert batch - rest == first


@settings(max_examples=60, deadline=None)
@given(values=st.lists(int64, min_size=1, max_size=40), groups=st.integers(1, 5), seed=st.integers(0, 99))
def test_grouped_sums_equal_python_integers_in_any_order(values: list[int], groups: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    index, array = random.integers(0, groups, len(values)), np.array(values, dtype=np.int64)
    result = grouped_moments(index, array, groups)
    for group in range(groups):
        assert result.at(group) == by_hand([v for v, g in zip(values, index, strict=True) if g == group])
    order = random.permutation(len(values))
    shuffled = grouped_moments(index[order], array[order], groups)
    cut = len(values) // 2
    parts = grouped_moments(index[:cut], array[:cut], groups) + grouped_moments(index[cut:], array[cut:], groups)
    for other in (shuffled, parts):
        assert (other.n == result.n).all()
        assert (other.total == result.total).all()
        assert (other.squares == result.squares).all()
    rest = result - grouped_moments(index[:cut], array[:cut], groups)
    assert rest.at(0) == grouped_moments(index[cut:], array[cut:], groups).at(0)
    assert result.totals().tolist() == [result.at(group).total for group in range(groups)]
    assert result.sums_of_squares().tolist() == [result.at(group).squares for group in range(groups)]


def test_more_points_than_a_chunk_still_sum_exactly_at_the_extremes() -> None:
    n = (1 << 20) + 17
    result = grouped_moments(np.zeros(n, dtype=np.int64), np.full(n, -(2**63)), 1).at(0)
    assert result == Moments(n, -n * 2**63, n * 2**126)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=50), st.integers(-(2**50), 2**50))
def test_variance_does_not_care_where_zero_is_and_scales_with_the_unit(values: list[int], shift: int) -> None:
    plain, moved = by_hand(values), by_hand([value + shift for value in values])
    assert plain.variance() == moved.variance() == float(statistics.variance([Fraction(v) for v in values]))
    assert by_hand([value * 1000 for value in values]).variance(0.001) == pytest.approx(plain.variance(), rel=1e-12)
    assert plain.mean(0.5) == float(Fraction(sum(values), len(values)) / 2)


def test_means_and_variances_of_groups_are_missing_where_the_group_is_too_small() -> None:
    result = grouped_moments([0, 0, 2], [1, 3, 5], 3)
    assert result.means().tolist()[0] == 2.0
    assert result.variances()[0] == 2.0
    assert np.isnan(result.means()[1])
    assert np.isnan(result.variances()[1:]).all()


def test_the_moments_of_nothing_and_of_one_are_refused_not_invented() -> None:
    with pytest.raises(TooFew):
        Moments().mean()
    with pytest.raises(TooFew):
        Moments().add(1).sd()


def test_taking_out_what_was_never_put_in_is_refused() -> None:
    with pytest.raises(Inconsistent):
        Moments().add(5).subtract(7)


def test_values_that_are_no_integers_and_wrong_indices_are_refused() -> None:
    with pytest.raises(NotFinite):
        moments_of([0.5])
    with pytest.raises(OutOfRange):
        grouped_moments([2], [1], 2)
    with pytest.raises(Inconsistent):
        grouped_moments([0, 0], [1], 1)


def test_quantising_rounds_by_at_most_half_a_quantum() -> None:
    values = np.random.default_rng(1).normal(0, 1e3, 1000)
    assert np.abs(quantise(values, 0.001) * 0.001 - values).max() <= 0.0005 + 1e-12
    with pytest.raises(OutOfRange):
        quantise([1e300], 1.0)
    with pytest.raises(OutOfRange):
        quantise([1.0], 0.0)
    with pytest.raises(NotFinite):
        quantise([float("nan")], 1.0)
