"""Monotone trends, against pymannkendall."""

import numpy as np
import pymannkendall
import pytest
from andon_quality.errors import NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.trend import Correction, mann_kendall, seasonal_mann_kendall
from hypothesis import given, settings
from hypothesis import strategies as st

SERIES = st.lists(st.integers(-20, 20), min_size=6, max_size=60).filter(lambda values: len(set(values)) > 1)


@settings(deadline=None, max_examples=60)
@given(SERIES)
def test_the_plain_test_agrees_with_pymannkendall(values):
    ours, theirs = mann_kendall(values, Correction.NONE), pymannkendall.original_test(values)
    assert (ours.statistic, ours.tau) == pytest.approx((theirs.s, theirs.Tau))
    assert (ours.variance, ours.z, ours.p_value) == pytest.approx((theirs.var_s, theirs.z, theirs.p))


@pytest.mark.parametrize("seed", range(8))
def test_the_corrected_test_agrees_with_pymannkendall_where_dependence_is_positive(seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=80)
    values = np.empty(80)
    values[0] = noise[0]
    for i in range(1, 80):
        values[i] = 0.6 * values[i - 1] + noise[i]
    ours, theirs = mann_kendall(values, Correction.HAMED_RAO), pymannkendall.hamed_rao_modification_test(values)
    plain = pymannkendall.original_test(values)
    if theirs.var_s >= plain.var_s:
        assert (ours.variance, ours.z, ours.p_value) == pytest.approx((theirs.var_s, theirs.z, theirs.p))
    else:
        assert ours.variance == pytest.approx(plain.var_s)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-9, 9), min_size=24, max_size=48).filter(lambda v: len(set(v)) > 8))
def test_the_seasonal_test_agrees_with_pymannkendall(values):
    values = values[: len(values) // 4 * 4]
    ours, theirs = seasonal_mann_kendall(values, 4), pymannkendall.seasonal_test(values, period=4)
    assert (ours.statistic, ours.variance, ours.z, ours.p_value) == pytest.approx(
        (theirs.s, theirs.var_s, theirs.z, theirs.p)
    )


@settings(deadline=None, max_examples=40)
@given(SERIES, st.floats(0.5, 4), st.floats(-50, 50))
def test_any_increasing_change_of_unit_leaves_the_plain_test_alone(values, scale, shift):
    changed = np.exp(scale * np.array(values, dtype=float) / 20) + shift
    first, second = mann_kendall(values, Correction.NONE), mann_kendall(changed, Correction.NONE)
    assert second == first


@pytest.mark.parametrize("phi", [0.0, 0.4, 0.7])
def test_autocorrelated_noise_without_trend_is_rarely_a_trend_by_default(phi):
    noise = np.random.default_rng(1).normal(size=(300, 140))
    values = np.zeros((300, 140))
    for i in range(1, 140):
        values[:, i] = phi * values[:, i - 1] + noise[:, i]
    plain = int((mann_kendall(values[:, 40:], Correction.NONE).p_value < 0.05).sum())
    corrected = int((mann_kendall(values[:, 40:]).p_value < 0.05).sum())
    print(f"phi {phi}: {plain / 300:.3f} uncorrected, {corrected / 300:.3f} corrected")
    assert corrected / 300 < 0.09
    assert corrected <= plain


def test_bad_series_are_refused():
    with pytest.raises(TooFew):
        mann_kendall([1.0, 2.0])
    with pytest.raises(NoSpread):
        mann_kendall([1.0] * 9)
    with pytest.raises(NotFinite):
        mann_kendall([1.0, 2.0, np.nan, 3.0])
    with pytest.raises(TooFew):
        seasonal_mann_kendall([1.0] * 7, 4)
    with pytest.raises(OutOfRange):
        seasonal_mann_kendall([1.0] * 7, 1)
