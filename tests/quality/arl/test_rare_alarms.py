"""Runs so long that one minus the chance of an alarm is one: what a double holds keeps its digits, beyond it is inf."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from andon_quality import arl
from andon_quality.arl.subtraction_free import until_alarm, until_alarm_of_band
from andon_quality.errors import OutOfRange
from andon_quality.rules import Pattern, Rule
from scipy.special import ndtr
from scipy.stats import chi2, poisson


@pytest.mark.parametrize("limit", [4.0, 5.0, 6.0, 7.0, 8.0, 20.0, 37.0])
def test_a_chart_of_single_points_waits_geometrically_however_rare_the_alarm(limit: float) -> None:
    exact = 1.0 / (2.0 * ndtr(-limit))
    for found in (
        arl.ewma(1.0, limit),
        arl.shewhart(["WE1"], width=limit),
        arl.shewhart_run(["WE1"], width=limit).mean(),
        arl.shewhart_ar1(0.0, limit),
        arl.ewma(1.0, limit, limits="varying"),
    ):
        assert found == pytest.approx(exact, rel=1e-9)
    assert arl.shewhart_one_sided(["WE1"], 0.0, limit) == pytest.approx(2.0 * exact, rel=1e-9)
    assert arl.ewma_one_sided(1.0, limit) == pytest.approx(2.0 * exact, rel=1e-9)


@pytest.mark.parametrize("limit", [30.0, 60.0, 120.0, 400.0])
def test_a_chart_of_vectors_waits_for_chi_square(limit: float) -> None:
    assert arl.mewma(1.0, limit, 4) == pytest.approx(1.0 / chi2.sf(limit, 4), rel=1e-9)


@pytest.mark.parametrize("above", [8, 20, 60])
def test_counts_of_which_one_alone_alarms_wait_geometrically(above: int) -> None:
    # From zero nothing remains of a count below k, so that the alarm is one count of at least k + h.
    assert arl.poisson_cusum(float(above), 1.0, 1.0) == pytest.approx(1.0 / poisson.sf(above, 1.0), rel=1e-9)


@pytest.mark.parametrize(("df", "rare"), [(4, 1e-6), (9, 1e-9), (30, 1e-11)])
def test_variances_alone_wait_for_chi_square(df: int, rare: float) -> None:
    limit = (chi2.isf(rare, df) / df - 1.0) / (2.0 / df) ** 0.5
    assert arl.s2_ewma(df, 1.0, limit) == pytest.approx(1.0 / rare, rel=1e-6)


def test_six_digits_hold_to_an_arl_of_a_billion_where_states_are_summed_without_a_difference() -> None:
    # Siegmund's exponential rate: the ARL of one side is multiplied by exp(2 k dh) once h is large.
    for h in (20.0, 40.0, 200.0):
        ratio = arl.cusum(0.5, h + 1.0, sided="one") / arl.cusum(0.5, h, sided="one")
        assert ratio == pytest.approx(math.e, rel=1e-6 if h > 20.0 else 1e-5)
    assert arl.cusum(0.5, 40.0) == pytest.approx(0.5 * arl.cusum(0.5, 40.0, sided="one"), rel=1e-9)
    # R_n - n is a martingale, so that thresholds a factor apart have runs the same factor apart.
    apart = arl.shiryaev_roberts(0.5, 1e15) / arl.shiryaev_roberts(0.5, 1e12)
    assert apart == pytest.approx(1e3, rel=1e-9)


def test_a_vector_chart_hardly_shifted_has_the_run_of_one_in_control() -> None:
    for limit in (30.0, 40.0):
        assert arl.mewma(0.1, limit, 4, 1e-9) == pytest.approx(arl.mewma(0.1, limit, 4), rel=1e-6)
        assert arl.mewma_run(0.1, limit, 4, 1e-9).mean() == pytest.approx(arl.mewma(0.1, limit, 4), rel=1e-6)


NEVER = {
    "ewma": lambda: arl.ewma(1.0, 40.0),
    "ewma varying": lambda: arl.ewma(0.2, 60.0, limits="varying"),
    "ewma of one side": lambda: arl.ewma_one_sided(0.2, 60.0),
    "ewma_run": lambda: arl.ewma_run(0.2, 60.0, limits="varying").mean(),
    "ewma_curve": lambda: arl.ewma_curve(0.2, 60.0, np.array([0.0]))[0],
    "cusum": lambda: arl.cusum(3.0, 300.0),
    "cusum_run": lambda: arl.cusum_run(3.0, 300.0).mean(),
    "shewhart": lambda: arl.shewhart(["WE1", "WE2"], width=90.0),
    "shewhart of four rules": lambda: arl.shewhart(["WE1", "WE2", "WE3"], width=120.0),
    "shewhart_one_sided": lambda: arl.shewhart_one_sided(["WE1"], width=90.0),
    "mewma": lambda: arl.mewma(0.1, 3000.0, 4),
    "mewma shifted": lambda: arl.mewma(0.1, 300.0, 4, 1.0),
    "mewma shifted a little": lambda: arl.mewma(0.1, 100.0, 4, 0.1),
    "shewhart_ar1": lambda: arl.shewhart_ar1(0.5, 40.0),
    "individuals_range": lambda: arl.individuals_range(40.0, 60.0),
    "poisson_cusum": lambda: arl.poisson_cusum(2.0, 900.0, 0.5),
    "binomial_cusum": lambda: arl.binomial_cusum(1, 2, 1, 0.3),
    "s2_ewma": lambda: arl.s2_ewma(4, 0.1, 20.0),
    "s2_cusum": lambda: arl.s2_cusum(9, 1.5, 20.0),
}


@pytest.mark.parametrize("chart", NEVER)
def test_what_all_but_never_alarms_has_an_infinite_run(chart: str) -> None:
    assert NEVER[chart]() == np.inf


def test_the_spread_of_a_rare_alarm_is_its_mean() -> None:
    for limit in (8.0, 36.0):
        run = arl.ewma_run(0.2, limit)
        assert run.sd() == pytest.approx(run.mean(), rel=1e-6)


def test_states_are_taken_out_in_bands_as_all_at_once() -> None:
    dice = np.random.default_rng(7)
    states, up, down = 40, 5, 3
    step = np.arange(states) - np.arange(states)[:, None]
    kernel = np.where((step <= up) & (step >= -down), dice.uniform(0.0, 1.0, (states, states)), 0.0)
    kernel[:, 0] += 0.3
    escape = np.where(np.arange(states) > states - up, 0.1, 0.0)
    total = kernel.sum(axis=1) + escape
    kernel, escape = kernel / total[:, None], escape / total
    whole = until_alarm(kernel, escape, np.ones(states))
    assert until_alarm_of_band(kernel.copy(), escape, up, down) == pytest.approx(whole, rel=1e-12)
    assert whole == pytest.approx(np.linalg.solve(np.eye(states) - kernel, np.ones(states)), rel=1e-6)


TOO_MUCH = {
    "cusum": lambda: arl.cusum(0.0, 1000.0),
    "mewma": lambda: arl.mewma(0.001, 10, 3, 0.5),
    "mewma_run": lambda: arl.mewma_run(0.01, 12, 4, 0.5),
    "ewma": lambda: arl.ewma(1e-9, 3.0),
    "ewma varying": lambda: arl.ewma(1e-5, 3.0, 0.1, "varying"),
    "ewma_run": lambda: arl.ewma_run(1e-5, 3.0, limits="varying"),
    "ewma_one_sided": lambda: arl.ewma_one_sided(1e-5, 3.0),
    "shewhart_ar1": lambda: arl.shewhart_ar1(0.999999, 3.0),
    "shiryaev_roberts": lambda: arl.shiryaev_roberts(1e-5, 500.0),
    "individuals_range": lambda: arl.individuals_range(300.0, 20.0),
    "poisson_cusum": lambda: arl.poisson_cusum(1e9, 1e9, 1e9),
    "binomial_cusum": lambda: arl.binomial_cusum(1.0, 2.0, 10**9, 0.1),
    "poisson_cusum_run": lambda: arl.poisson_cusum_run(0.333, 3.9, 0.3),
    "s2_ewma": lambda: arl.s2_ewma(4, 1e-12, 2.0),
    "shewhart of long memory": lambda: arl.shewhart([Rule("20_of_60", 20, 60, 1.0, Pattern.BEYOND)]),
}


@pytest.mark.parametrize("chart", TOO_MUCH)
def test_what_would_take_seconds_is_refused_at_once(chart: str) -> None:
    began = time.process_time()
    with pytest.raises(OutOfRange):
        TOO_MUCH[chart]()
    assert time.process_time() - began < 2.0


def test_a_small_smoothing_costs_little() -> None:
    began = time.process_time()
    assert arl.ewma_one_sided(0.003, 3.0) == pytest.approx(31663.28, rel=1e-6)
    assert time.process_time() - began < 3.0
