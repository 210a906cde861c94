"""Summaries agree with scipy, move with the unit, and do not know the order of the values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality.describe import median_interval, summary
from andon_quality.errors import NotFinite, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

samples = st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=40)


@pytest.mark.parametrize("seed", range(4))
def test_a_summary_agrees_with_scipy(seed: int) -> None:
    values = np.random.default_rng(seed).gamma(2.0, 3.0, 5 + 20 * seed)
    ours = summary(values)
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert_allclose((ours.mean_interval.lower, ours.mean_interval.upper), (low, high), rtol=1e-10)
    assert_allclose(ours.skewness, stats.skew(values), rtol=1e-10)
    assert_allclose(ours.kurtosis_excess, stats.kurtosis(values), rtol=1e-10)
    assert_allclose(ours.deviation_median, stats.median_abs_deviation(values), rtol=1e-12)
    exact = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    assert (ours.median_interval.lower, ours.median_interval.upper) == (exact.low, exact.high) or len(values) < 6


@settings(max_examples=60, deadline=None)
@given(values=samples, seed=st.integers(0, 99))
def test_the_order_of_the_values_does_not_matter_to_the_last_bit(values: list[float], seed: int) -> None:
    assert summary(values) == summary(np.random.default_rng(seed).permutation(values))


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(-1000, 1000), min_size=3, max_size=30), shift=st.integers(-1000, 1000))
def test_location_moves_with_the_values_and_spread_and_shape_stay(values: list[int], shift: int) -> None:
    plain, moved = summary(values), summary(np.array(values) * 4.0 + shift)
    assert_allclose([moved.mean, moved.median], [4.0 * plain.mean + shift, 4.0 * plain.median + shift], atol=1e-9)
    assert_allclose([moved.sd, moved.deviation_median], [4.0 * plain.sd, 4.0 * plain.deviation_median], atol=1e-9)
    assert_allclose([moved.skewness, moved.kurtosis_excess], [plain.skewness, plain.kurtosis_excess], atol=1e-6)


def test_the_median_interval_says_what_confidence_it_attains() -> None:
    assert median_interval([1.0, 2.0]).confidence == 0.5
    assert median_interval(range(5)).confidence == 1 - 2 * math.pow(0.5, 5)
    assert median_interval(range(100)).confidence >= 0.95


def test_one_value_and_missing_values_have_no_summary() -> None:
    with pytest.raises(TooFew):
        summary([1.0])
    with pytest.raises(NotFinite):
        summary([1.0, float("nan")])
