"""Exponential smoothing, against statsmodels and by its measured coverage."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from andon_quality.errors import NotFinite, OutOfRange, TooFew
from andon_quality.trend import Smoother, advance, coverage, forecast, forecast_on
from andon_quality.trend.exponential import initial
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

CALLS = Path(__file__).parents[3] / ".." / "shared" / "data" / "spc" / "bank_call_volume_5min.csv.gz"


def series(rng, n=120, period=7):
    time = np.arange(n)
    return 50 + 0.2 * time + 6 * np.cos(2 * np.pi * time / period) + rng.normal(0, 1, n)


def test_errors_and_forecast_with_given_weights_agree_with_statsmodels():
    values = series(np.random.default_rng(1))
    smoother = Smoother(0.3, 0.2, 0.15, 0.95, 7)
    start = initial(values, True, 7)
    model = ETSModel(
        pd.Series(values),
        error="add",
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=7,
        initialization_method="known",
        initial_level=start.level,
        initial_trend=start.slope,
        initial_seasonal=start.phases,
    )
    theirs = model.smooth([0.3, 0.3 * 0.2, 0.15, 0.95])
    _, errors = advance(smoother, start, values)
    assert errors == pytest.approx(theirs.resid.to_numpy(), abs=1e-9)
    ours = forecast(values, 20, season=7, smoother=smoother)
    assert ours.mean == pytest.approx(theirs.forecast(20).to_numpy(), abs=1e-9)
    variance = np.asarray(theirs.get_prediction(120, 139).forecast_variance)
    widths = ((ours.upper - ours.lower) / (ours.upper[0] - ours.lower[0])) ** 2
    assert widths == pytest.approx(variance / variance[0], rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), cuts=st.lists(st.integers(1, 119), max_size=5, unique=True), many=st.booleans())
def test_any_split_of_the_stream_gives_the_same_bits_and_the_forecast_of_the_batch(seed, cuts, many):
    rng = np.random.default_rng(seed)
    values = np.stack([series(rng) for _ in range(3)]) if many else series(rng)
    smoother = Smoother(0.3, 0.2, 0.15, 0.95, 7)
    state = start = initial(values, True, 7)
    errors = []
    for page in np.split(values, sorted(cuts), axis=-1):
        state, some = advance(smoother, state, page)
        errors.append(some)
    last, whole = advance(smoother, start, values)
    assert np.array_equal(np.concatenate(errors, axis=-1), whole)
    for part in ("level", "slope", "phases", "squares", "points"):
        assert np.array_equal(getattr(state, part), getattr(last, part))
    assert np.array_equal(forecast_on(smoother, state, 9).upper, forecast(values, 9, season=7, smoother=smoother).upper)


def test_the_interval_covers_as_promised_on_its_own_kind_of_series():
    rng = np.random.default_rng(3)
    values = series(rng, n=400)
    assert coverage(values, 1, first=140, season=7, confidence=0.9) == pytest.approx(0.9, abs=0.06)
    assert coverage(values, 7, first=140, season=7, confidence=0.9) == pytest.approx(0.9, abs=0.09)


@pytest.mark.skipif(not CALLS.exists(), reason="the bank's calls are not in ../shared/data")
def test_daily_calls_to_a_bank_are_covered_about_as_promised():
    days = {}
    with gzip.open(CALLS, "rt") as file:
        for row in csv.DictReader(file):
            day = row["DateTime"][:10]
            days[day] = days.get(day, 0.0) + float(row["Calls"])
    values = np.log([days[day] for day in sorted(days)])
    share = coverage(values, 1, first=60, season=5, trend=False)
    print(f"one day ahead, 95 % interval: {share:.3f} of {values.size - 60} days covered")
    assert share == pytest.approx(0.95, abs=0.06)


def test_a_line_and_a_season_without_noise_are_foretold_exactly():
    time = np.arange(60.0)
    values = 3 + 2 * time + np.resize([1.0, -1.0, 0.0], 60)
    result = forecast(values, 6, season=3, smoother=Smoother(0.5, 0.5, 0.2, 1.0, 3))
    assert result.mean == pytest.approx(3 + 2 * np.arange(60, 66) + np.resize([1.0, -1.0, 0.0], 6))
    assert result.upper == pytest.approx(result.mean, abs=1e-6)


def test_bad_input_is_refused():
    with pytest.raises(TooFew):
        forecast([1.0] * 5, 1)
    with pytest.raises(TooFew):
        forecast([1.0] * 12, 1, season=7)
    with pytest.raises(OutOfRange):
        forecast([1.0] * 12, 0)
    with pytest.raises(NotFinite):
        forecast([np.nan] * 12, 1)
    with pytest.raises(TooFew):
        coverage([1.0, 2.0] * 10, 5, first=18)
