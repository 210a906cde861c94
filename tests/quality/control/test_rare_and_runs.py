"""The g, t and run charts keep to the probabilities that they are built on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality.control import gap, run_chart, time_between
from andon_quality.errors import NoSpread, OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats


@settings(deadline=None, max_examples=60)
@given(mean=st.floats(0.3, 500), width=st.floats(1.0, 4.0))
def test_gap_limits_are_the_tightest_whose_tails_keep_the_promise(mean: float, width: float) -> None:
    frozen = gap.baseline([mean, mean])
    chart = gap.chart(frozen, [0.0], width)
    gaps = stats.geom(1 / (1 + mean), loc=-1)
    alpha = stats.norm.sf(width)
    upper, lower = float(chart.upper[0]), float(chart.lower[0])
    assert gaps.sf(upper) <= alpha * (1 + 1e-9)
    assert gaps.sf(upper - 1) > alpha * (1 - 1e-9) or upper == 0
    assert gaps.cdf(lower - 1) <= alpha * (1 + 1e-9)
    assert gaps.cdf(lower) > alpha * (1 - 1e-9)


def test_gap_sigma_limits_are_those_of_the_geometric_variance() -> None:
    chart = gap.chart(gap.baseline([10, 30, 20]), [20.0], limits="sigma")
    assert chart.upper[0] == pytest.approx(20 + 3 * math.sqrt(20 * 21))
    assert chart.lower[0] == 0


def test_gaps_that_cannot_be_are_refused() -> None:
    with pytest.raises(OutOfRange):
        gap.baseline([1, -1])
    with pytest.raises(NoSpread):
        gap.baseline([0, 0])
    with pytest.raises(OutOfRange):
        time_between.baseline([1.0, -1.0])


def test_times_between_poisson_events_are_rarely_beyond_and_a_stop_is() -> None:
    times = np.random.default_rng(6).exponential(5.0, size=(50, 400))
    frozen = time_between.baseline(times)
    assert time_between.chart(frozen, times).beyond.mean() < 0.006
    assert time_between.chart(frozen, np.full((50, 1), 60.0)).beyond.all()


def test_run_chart_counts_runs_and_crossings_by_hand() -> None:
    """Median 5: sides + + - . - + with the point on the median left out; runs 2, 2, 1 and two crossings."""
    frozen = run_chart.baseline([4.0, 5.0, 6.0])
    chart = run_chart.chart(frozen, [6.0, 7.0, 4.0, 5.0, 3.0, 8.0, math.nan])
    assert chart.useful.tolist() == [1, 2, 3, 3, 4, 5, 5]
    assert chart.longest_run.tolist() == [1, 2, 2, 2, 2, 2, 2]
    assert chart.crossings.tolist() == [0, 0, 1, 1, 1, 2, 2]


def test_run_chart_limits_are_those_published_for_10_to_30_points() -> None:
    """Anhoej and Olesen 2014, table 1: longest run and fewest crossings for 10, 15, 20, 24 and 30 useful points."""
    frozen = run_chart.baseline([-1.0, 1.0])
    chart = run_chart.chart(frozen, np.tile([-1.0, 1.0], 15))
    at = [9, 14, 19, 23, 29]
    assert chart.longest_run_max[at].tolist() == [6, 7, 7, 8, 8]
    assert chart.crossings_min[at].tolist() == [2, 4, 6, 8, 10]


def test_fewest_crossings_are_the_five_percent_binomial_quantile() -> None:
    chart = run_chart.chart(run_chart.baseline([-1.0, 1.0]), np.tile([-1.0, 1.0], 2000))
    trials = np.maximum(chart.useful - 1, 0)
    oracle = np.maximum(stats.binom.ppf(0.05, trials, 0.5), 0)
    assert chart.crossings_min.tolist() == oracle.astype(int).tolist()


def test_chance_seldom_signals_and_a_lasting_shift_does() -> None:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(2000, 24))
    share = run_chart.chart(run_chart.baseline(x), x).signal[:, -1].mean()
    later = rng.normal(2.0, 1.0, size=(2000, 24))
    found = run_chart.chart(run_chart.baseline(x), later).signal[:, -1].mean()
    assert share < 0.1
    assert found > 0.9
