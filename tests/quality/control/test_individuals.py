"""Individuals, moving ranges and the attribute charts: what their baselines are made of."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality.control import proportion, rate, xbar_r, xbar_s, xmr
from andon_quality.control.constants import c4, d2
from andon_quality.control.subgroups import summarise
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from scipy import stats

NAN = math.nan


def test_a_moving_range_does_not_span_a_missing_point() -> None:
    frozen = xmr.baseline([1.0, 2.0, NAN, 9.0, 8.0])
    assert frozen.sigma == pytest.approx(1.0 / d2(2))
    assert int(frozen.points) == 4
    chart = xmr.range_chart(frozen, [1.0, 2.0, NAN, 9.0, 8.0])
    assert np.isnan(chart.statistic).tolist() == [True, False, True, True, False]


@pytest.mark.parametrize("method", ["moving_range", "median_moving_range", "standard_deviation"])
def test_estimates_of_sigma_are_unbiased_but_for_the_known_bias_of_a_median(
    method: xmr.Method,
) -> None:
    values = np.random.default_rng(2).normal(5, 3, size=(4000, 50))
    bias = 0.015 if method == "median_moving_range" else 0.0
    assert xmr.baseline(values, method).sigma.mean() == pytest.approx(3.0 * (1 + bias), rel=0.005)


def test_the_median_moving_range_withstands_an_outlier() -> None:
    values = np.random.default_rng(2).normal(size=200)
    spoiled = values.copy()
    spoiled[100] = 1000.0
    assert xmr.baseline(spoiled, "median_moving_range").sigma == pytest.approx(
        float(xmr.baseline(values, "median_moving_range").sigma), rel=0.1
    )
    assert xmr.baseline(spoiled).sigma > 5


def test_a_baseline_needs_points_and_spread() -> None:
    with pytest.raises(TooFew):
        xmr.baseline([1.0, NAN, 3.0])
    with pytest.raises(NoSpread, match=r"series \[1\]"):
        xmr.baseline([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]])
    with pytest.raises(Inconsistent):
        xmr.baseline(3.0)


def test_limits_frozen_on_phase_one_do_not_move_with_later_points() -> None:
    frozen = xmr.baseline([9.0, 10.0, 11.0, 10.0])
    assert xmr.chart(frozen, [50.0, 60.0]).upper.tolist() == xmr.chart(frozen, [10.0, 10.0]).upper.tolist()


@pytest.mark.parametrize("method", ["minimum_variance", "average", "pooled"])
def test_within_sigma_is_unbiased_for_subgroups_of_varying_size(method: xbar_s.Method) -> None:
    rng = np.random.default_rng(4)
    raw = rng.normal(5, 3, size=(300, 40, 7))
    raw[rng.random(raw.shape) < 0.4] = NAN
    groups = summarise(raw)
    assert xbar_s.baseline(groups.means, groups.sds, groups.sizes, method).sigma.mean() == pytest.approx(3, rel=0.01)
    if method != "pooled":
        ranges = xbar_r.baseline(groups.means, groups.ranges, groups.sizes, method)
        assert ranges.sigma.mean() == pytest.approx(3, rel=0.01)


def test_equal_subgroups_reduce_to_the_textbook_averages() -> None:
    groups = summarise(np.random.default_rng(4).normal(size=(25, 5)))
    assert xbar_s.baseline(groups.means, groups.sds, 5).sigma == pytest.approx(groups.sds.mean() / c4(5))
    assert xbar_r.baseline(groups.means, groups.ranges, 5).sigma == pytest.approx(groups.ranges.mean() / d2(5))


def test_subgroup_limits_narrow_as_subgroups_grow() -> None:
    frozen = xbar_s.baseline([10.0, 12.0], [1.0, 1.0], 5)
    chart = xbar_s.chart(frozen, [11.0, 11.0, 11.0], [1, 4, 0])
    assert chart.upper[0] - 11 == pytest.approx(2 * (chart.upper[1] - 11))
    assert np.isnan(chart.statistic).tolist() == [False, False, True]


def test_subgroups_are_summarised_as_numpy_does() -> None:
    raw = np.random.default_rng(4).normal(size=(6, 4))
    groups = summarise(raw)
    assert groups.means == pytest.approx(raw.mean(axis=1))
    assert groups.sds == pytest.approx(raw.std(axis=1, ddof=1))
    assert groups.ranges == pytest.approx(np.ptp(raw, axis=1))


def test_the_np_chart_is_the_p_chart_in_counts() -> None:
    frozen = proportion.baseline([12, 8, 11], [50, 60, 40])
    p, number = (make(frozen, [9, 30], [50, 40]) for make in (proportion.chart, proportion.number_chart))
    assert number.upper == pytest.approx(p.upper * [50, 40])
    assert number.beyond.tolist() == p.beyond.tolist()


def test_the_c_chart_is_the_u_chart_of_one_unit() -> None:
    frozen = rate.baseline([12, 8, 11])
    assert rate.count_chart(frozen, [9, 30]).upper == pytest.approx(rate.chart(frozen, [9, 30]).upper)


def test_laney_limits_are_the_plain_ones_times_sigma_z() -> None:
    counts, sizes = [300, 420, 250, 380], [1000, 1000, 1000, 1000]
    plain, prime = proportion.baseline(counts, sizes), proportion.baseline(counts, sizes, laney=True)
    a, b = proportion.chart(plain, counts, sizes), proportion.chart(prime, counts, sizes)
    assert (b.upper - b.centre) == pytest.approx((a.upper - a.centre) * prime.sigma_z)


@pytest.mark.parametrize("is_binomial", [True, False])
def test_the_dispersion_test_keeps_its_level_and_finds_overdispersion(is_binomial: bool) -> None:
    rng = np.random.default_rng(8)
    sizes = np.full((2000, 24), 200.0)
    p = 0.3 if is_binomial else rng.beta(30, 70, size=sizes.shape)
    flagged = proportion.is_overdispersed(rng.binomial(200, p, size=sizes.shape), sizes)
    assert flagged.shape == (2000,)
    if is_binomial:
        assert flagged.mean() == pytest.approx(0.05, abs=0.02)
    else:
        assert flagged.mean() > 0.95


def test_the_dispersion_of_proportions_is_the_chi_square_of_their_table() -> None:
    counts, sizes = np.array([20.0, 5.0, 12.0]), np.array([50.0, 60.0, 40.0])
    oracle = stats.chi2_contingency(np.array([counts, sizes - counts]), correction=False)
    found = proportion.dispersion(counts, sizes)
    assert found.chi_square == pytest.approx(oracle.statistic)
    assert found.p_value == pytest.approx(oracle.pvalue)


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(OutOfRange):
        proportion.baseline([5, 60], [50, 50])
    with pytest.raises(OutOfRange):
        rate.baseline([-1, 2])
    with pytest.raises(NoSpread):
        proportion.baseline([0, 0], [50, 50])
    with pytest.raises(Inconsistent):
        rate.baseline([1, 2], [1, 2, 3])
    assert rate.baseline([7, 9], [2, 3]).centre == pytest.approx(3.2)
