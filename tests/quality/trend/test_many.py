"""Many series in one call are, bit for bit, the series one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from andon_quality.arrays import BLOCK_NUMBERS, FloatArray
from andon_quality.errors import Inconsistent, NoSpread
from andon_quality.trend import (
    Correction,
    advance,
    coverage,
    forecast,
    mann_kendall,
    moving_average,
    seasonal_mann_kendall,
    seasonal_trend,
    theil_sen,
)
from andon_quality.trend.simplex import minimise
from hypothesis import given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=20, deadline=None)
SEED = st.integers(0, 999)
COUNT = st.integers(1, 7)


def wandering(seed: int, series: int, n: int, graded: bool = False) -> FloatArray:
    random = np.random.default_rng(seed)
    steps = random.normal(0, 1, (series, n)) + 0.3 * random.normal(0, 1, (series, n)).cumsum(axis=1)
    values = steps + np.resize([2.0, 0.0, -3.0, 1.0], n) + random.normal(0, 20, (series, 1))
    return np.round(values) if graded else values


@pytest.mark.parametrize("correction", Correction)
@FEW
@given(seed=SEED, series=COUNT, n=st.integers(8, 50), graded=st.booleans())
def test_trends_are_as_one_by_one(
    correction: Correction, each_the_same: Any, seed: int, series: int, n: int, graded: bool
) -> None:
    values = wandering(seed, series, n, graded)
    values[:, 0] += 9.0
    each_the_same(mann_kendall(values, correction), [mann_kendall(one, correction) for one in values])
    each_the_same(seasonal_mann_kendall(values, 3), [seasonal_mann_kendall(one, 3) for one in values])


@FEW
@given(seed=SEED, series=COUNT, n=st.integers(4, 40), gaps=st.booleans())
def test_lines_are_as_one_by_one(each_the_same: Any, seed: int, series: int, n: int, gaps: bool) -> None:
    values = wandering(seed, series, n)
    times = np.floor(np.arange(n) * 0.7) if gaps else None
    inflation = 1.0 + np.arange(series)
    one_by_one = [theil_sen(one, times, inflation=1.0 + i) for i, one in enumerate(values)]
    each_the_same(theil_sen(values, times, inflation=inflation), one_by_one)


@FEW
@given(seed=SEED, series=COUNT, n=st.integers(24, 60), season=st.integers(2, 12), robust=st.booleans())
def test_decompositions_are_as_one_by_one(
    each_the_same: Any, seed: int, series: int, n: int, season: int, robust: bool
) -> None:
    values = wandering(seed, series, n)
    each_the_same(moving_average(values, season), [moving_average(one, season) for one in values])
    one_by_one = [seasonal_trend(one, season, robust=robust) for one in values]
    each_the_same(seasonal_trend(values, season, robust=robust), one_by_one)


@settings(max_examples=10, deadline=None)
@given(seed=SEED, series=COUNT, n=st.integers(16, 40), trend=st.booleans(), season=st.sampled_from([None, 4]))
def test_forecasts_are_as_one_by_one(
    each_the_same: Any, seed: int, series: int, n: int, trend: bool, season: int | None
) -> None:
    values = wandering(seed, series, n)
    one_by_one = [forecast(one, 5, trend=trend, season=season) for one in values]
    each_the_same(forecast(values, 5, trend=trend, season=season), one_by_one)
    shares = [coverage(one, 2, first=12, every=2, trend=trend, season=season) for one in values]
    assert coverage(values, 2, first=12, every=2, trend=trend, season=season).tolist() == shares


def test_more_series_than_one_block_holds_are_as_one_by_one(each_the_same: Any) -> None:
    values = wandering(7, 12, 300)
    assert values.shape[0] * values.shape[1] ** 2 > 2 * BLOCK_NUMBERS
    each_the_same(theil_sen(values), [theil_sen(one) for one in values])
    each_the_same(mann_kendall(values), [mann_kendall(one) for one in values])
    each_the_same(seasonal_trend(values, 24), [seasonal_trend(one, 24) for one in values])


def test_each_problem_finds_its_own_minimum_and_takes_the_path_it_takes_alone() -> None:
    goals = np.array([[0.0, 0.0], [3.0, -2.0], [-1.0, 8.0]])

    def valley(points: FloatArray, which: Any) -> FloatArray:
        away = points - goals[which]
        return away[:, 0] ** 2 + 10 * (away[:, 1] - 0.2 * away[:, 0] ** 2) ** 2

    found = minimise(valley, np.array([1.0, 1.0]), 3)
    assert found == pytest.approx(goals, abs=0.01)
    goals = goals[2:]
    assert np.array_equal(minimise(valley, np.array([1.0, 1.0]), 1)[0], found[2])


def test_a_series_without_spread_is_named_and_a_state_belongs_to_its_series() -> None:
    values = wandering(1, 3, 20)
    known = forecast(values, 3)
    with pytest.raises(Inconsistent):
        advance(known.smoother, known.state, values[0])
    values[1] = 4.0
    with pytest.raises(NoSpread, match="series 1"):
        mann_kendall(values)
