"""Trend, season and rest, against statsmodels."""

import numpy as np
import pytest
from andon_quality.errors import NotFinite, OutOfRange, TooFew
from andon_quality.trend import moving_average, seasonal_trend
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.seasonal import STL, seasonal_decompose


def weekly(rng, weeks=12, period=7):
    time = np.arange(weeks * period)
    return 20 + 0.1 * time + 5 * np.sin(2 * np.pi * time / period) + rng.normal(0, 1, time.size)


@pytest.mark.parametrize("period", [4, 7, 12])
def test_the_classical_decomposition_agrees_with_statsmodels_inside(period):
    values = weekly(np.random.default_rng(period), period=period)
    ours, theirs = moving_average(values, period), seasonal_decompose(values, period=period)
    half = period // 2
    inside = slice(half, values.size - half)
    assert ours.trend[inside] == pytest.approx(theirs.trend[inside])
    assert ours.season == pytest.approx(theirs.seasonal)
    assert ours.rest[inside] == pytest.approx(theirs.resid[inside])


@pytest.mark.parametrize("period", [4, 7, 12])
@pytest.mark.parametrize("span", [7, 13])
def test_stl_without_robustness_agrees_with_statsmodels(period, span):
    values = weekly(np.random.default_rng(period + span), period=period)
    ours = seasonal_trend(values, period, seasonal_span=span, robust=False)
    theirs = STL(values, period=period, seasonal=span, robust=False).fit(inner_iter=5, outer_iter=0)
    assert ours.season == pytest.approx(theirs.seasonal, abs=1e-6)
    assert ours.trend == pytest.approx(theirs.trend, abs=1e-6)


def test_robust_stl_lets_wild_points_into_the_rest():
    rng = np.random.default_rng(5)
    clean = weekly(rng, weeks=20)
    wild = clean.copy()
    wild[[30, 61, 95]] += 60
    plain, robust = seasonal_trend(wild, 7, robust=False), seasonal_trend(wild, 7)
    truth = seasonal_trend(clean, 7)
    assert np.abs(robust.trend - truth.trend).max() < np.abs(plain.trend - truth.trend).max() / 3
    assert (robust.rest[[30, 61, 95]] > 50).all()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-100, 100), min_size=16, max_size=40), st.sampled_from([2, 4, 5]))
def test_the_parts_add_up(values, season):
    for parts in (moving_average(values, season), seasonal_trend(values, season, outer_passes=2)):
        assert parts.trend + parts.season + parts.rest == pytest.approx(np.array(values), abs=1e-9)
        assert 0 <= parts.seasonality <= 1


def test_a_short_or_bad_series_is_refused():
    with pytest.raises(TooFew):
        moving_average([1.0] * 7, 4)
    with pytest.raises(NotFinite):
        seasonal_trend([np.nan] * 20, 4)
    with pytest.raises(OutOfRange):
        seasonal_trend([1.0] * 20, 4, seasonal_span=4)
    with pytest.raises(OutOfRange):
        moving_average([1.0] * 20, 1)
