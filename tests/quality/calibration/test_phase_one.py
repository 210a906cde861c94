"""What phase I shows, against simulated processes of known skewness, excess and autocorrelation, and scipy's laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality.calibration import (
    ValueKind,
    phase_one_of_individuals,
    phase_one_of_means,
    phase_one_of_rates,
    phase_one_of_shares,
)
from andon_quality.calibration.phase_one import autocorrelation_beyond, excess_of, mean_skewness, value_skewness
from andon_quality.errors import NoSpread, TooFew
from scipy import stats


@pytest.mark.parametrize("sigma", [0.3, 0.6])
def test_durations_have_the_skewness_of_the_lognormal_law_with_their_mean_and_spread(sigma: float) -> None:
    mean, variance, skewness = stats.lognorm.stats(sigma, moments="mvs")
    assert value_skewness(ValueKind.DURATIONS, mean, math.sqrt(variance)) == pytest.approx(skewness)


def test_counts_have_the_skewness_of_the_poisson_and_of_the_negative_binomial_law() -> None:
    assert value_skewness(ValueKind.COUNTS, 4.0, 2.0) == pytest.approx(stats.poisson.stats(4.0, moments="s"))
    mean, variance, skewness = stats.nbinom.stats(5, 0.4, moments="mvs")
    assert value_skewness(ValueKind.COUNTS, mean, math.sqrt(variance)) == pytest.approx(skewness)


@pytest.mark.parametrize("kind", list(ValueKind))
def test_values_around_or_below_zero_and_values_without_spread_count_as_symmetric(kind: ValueKind) -> None:
    assert value_skewness(kind, 0.0, 1.0) == value_skewness(kind, -1.0, 1.0) == value_skewness(kind, 1.0, 0.0) == 0.0


def test_plain_values_count_as_symmetric() -> None:
    assert value_skewness(ValueKind.VALUES, 4.0, 2.0) == 0.0


def test_the_skewness_of_means_is_that_of_cases_over_the_root_of_their_number() -> None:
    """Of gamma cases with sd 2 and mean 4: skewness 1 (2 sd / mean), a mean of 25 has a fifth of it."""
    counts = np.full(3, 25.0)
    assert mean_skewness(ValueKind.COUNTS, 4.0, 2.0, counts, 1.0) == pytest.approx(
        value_skewness(ValueKind.COUNTS, 4.0, 2.0, 75.0) / 5.0
    )


def test_the_skewness_of_means_whose_level_varies_agrees_with_a_simulation() -> None:
    """A lognormal level, and lognormal cases added to it: third moments of both add up."""
    rng, windows, cases = np.random.default_rng(4), 400_000, 30
    of_case, of_level = 0.6, 0.08
    level = np.exp(rng.normal(-0.5 * of_level**2, of_level, windows))
    total = np.zeros(windows)
    for _ in range(cases):
        total += np.exp(rng.normal(-0.5 * of_case**2, of_case, windows))
    simulated = stats.skew(level + total / cases)
    sd = math.sqrt(math.expm1(of_case**2))
    excess = 1.0 + math.expm1(of_level**2) * cases / sd**2
    found = mean_skewness(ValueKind.DURATIONS, 1.0, sd, np.full(10_000, float(cases)), excess)
    assert found == pytest.approx(simulated, rel=0.1)


def test_a_rate_is_all_events_over_all_exposure_and_skewed_as_poisson_counts_are() -> None:
    found = phase_one_of_rates([12, 20, 28, 20], [60.0, 100.0, 140.0, 100.0])
    assert (found.centre, found.overdispersion) == (0.2, 1.0)
    assert found.sigma == pytest.approx(math.sqrt(0.2))
    assert found.profile.skewness == pytest.approx(stats.poisson.stats(20.0, moments="s"))
    assert found.profile.lattice is None


def test_counts_that_vary_more_than_poisson_widen_the_spread_of_a_rate() -> None:
    counts = np.random.default_rng(3).negative_binomial(20, 0.25, 2_000)
    found = phase_one_of_rates(counts)
    mean, variance, skewness = stats.nbinom.stats(20, 0.25, moments="mvs")
    assert found.centre == pytest.approx(mean, rel=0.02)
    assert found.sigma**2 == pytest.approx(variance, rel=0.1)
    assert found.profile.skewness == pytest.approx(skewness, rel=0.1)


def test_a_rate_without_an_event_is_bounded_by_its_exposure() -> None:
    found = phase_one_of_rates([0] * 10, [20.0] * 10)
    assert found.is_bound
    assert found.centre == pytest.approx(-math.log(0.05) / 200.0)
    assert stats.poisson.pmf(0, 200.0 * found.centre) == pytest.approx(0.05)
    assert found.sigma == pytest.approx(math.sqrt(found.centre))


def test_the_excess_is_the_variance_of_standardised_values_and_never_below_one() -> None:
    z = np.array([2.0, -1.0, 3.0, -4.0])
    assert excess_of(z) == pytest.approx((z**2).sum() / 3)
    assert excess_of(0.1 * z) == 1.0


def test_only_what_windows_vary_beyond_their_cases_counts_as_autocorrelated() -> None:
    slow = np.sin(np.arange(60) / 8.0)
    assert autocorrelation_beyond(5.0 * slow) == pytest.approx(0.9)
    assert autocorrelation_beyond(1.6 * slow) == pytest.approx(1.0 - 1.0 / excess_of(1.6 * slow))
    assert autocorrelation_beyond(0.5 * slow) == 0.0


def test_individuals_are_known_by_their_mean_and_their_unbiased_standard_deviation() -> None:
    values = np.array([4.0, 7.0, 5.0, 8.0, 6.0, 3.0, 9.0, 6.0, 5.0, 7.0, 4.0, 8.0])
    phase_one = phase_one_of_individuals(values, ValueKind.COUNTS)
    c4 = math.sqrt(2 / 11) * math.gamma(6.0) / math.gamma(5.5)
    assert phase_one.centre == pytest.approx(values.mean())
    assert phase_one.sigma == pytest.approx(values.std(ddof=1) / c4)
    assert (phase_one.overdispersion, phase_one.profile.size, phase_one.profile.excess) == (1.0, 12, None)
    assert phase_one.profile.skewness == value_skewness(ValueKind.COUNTS, phase_one.centre, phase_one.sigma)


def test_the_law_is_lognormal_for_durations_only() -> None:
    values = np.array([4.0, 7.0, 5.0, 8.0])
    laws = {kind: phase_one_of_individuals(values, kind).profile.law for kind in ValueKind}
    assert laws == {ValueKind.VALUES: "gamma", ValueKind.COUNTS: "gamma", ValueKind.DURATIONS: "lognormal"}


@pytest.mark.parametrize("excess", [1.0, 4.0])
def test_means_that_vary_more_than_their_cases_explain_are_overdispersed_by_as_much(excess: float) -> None:
    rng, windows, size = np.random.default_rng(8), 3000, 20
    level = rng.normal(10.0, math.sqrt((excess - 1.0) / size), windows)
    cases = level[:, None] + rng.standard_normal((windows, size))
    phase_one = phase_one_of_means(cases.mean(axis=1), cases.std(axis=1, ddof=1), np.full(windows, float(size)))
    assert phase_one.overdispersion**2 == pytest.approx(excess, rel=0.06)
    assert phase_one.sigma == pytest.approx(math.sqrt(excess), rel=0.04)
    assert phase_one.centre == pytest.approx(10.0, abs=0.03)


def test_binomial_shares_are_not_overdispersed_and_beta_binomial_ones_are() -> None:
    rng, sizes = np.random.default_rng(9), np.full(3000, 100.0)
    plain = phase_one_of_shares(rng.binomial(100, 0.3, 3000), sizes)
    assert plain.overdispersion == pytest.approx(1.0, abs=0.03)
    assert plain.sigma == pytest.approx(math.sqrt(0.21), rel=0.03)
    rho = 0.02
    rates = rng.beta(0.3 * (1 / rho - 1), 0.7 * (1 / rho - 1), 3000)
    more = phase_one_of_shares(rng.binomial(100, rates), sizes)
    assert more.overdispersion**2 == pytest.approx(1 + 99 * rho, rel=0.06)


def test_few_expected_hits_make_a_lattice_and_many_do_not() -> None:
    few = phase_one_of_shares([2.0, 3.0, 4.0, 3.0], [40.0] * 4).profile.lattice
    assert few is not None
    assert (few.hits, few.size) == (3.0, 40.0)
    assert phase_one_of_shares([20.0, 30.0, 25.0, 25.0], [100.0] * 4).profile.lattice is None
    at_the_edge = phase_one_of_shares([20.0, 20.0, 21.0, 19.0], [40.0] * 4).profile.lattice
    assert at_the_edge is None


def test_a_phase_one_without_spread_or_with_one_window_is_refused() -> None:
    with pytest.raises(NoSpread):
        phase_one_of_individuals([3.0, 3.0, 3.0])
    with pytest.raises(TooFew):
        phase_one_of_individuals([3.0])
    with pytest.raises(TooFew):
        phase_one_of_shares([0.0], [10.0])
