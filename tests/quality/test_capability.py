"""Capability agrees with published studies, with scipy, and its intervals have their nominal coverage."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from andon_quality.capability import (
    Estimate,
    Specification,
    by_fit,
    by_percentiles,
    defectives,
    defects,
    dpmo_of_sigma_level,
    from_moments,
    of,
    sigma_level,
)
from andon_quality.capability.distribution import FAMILIES, Family, fit, log_likelihood, quantile, survival
from andon_quality.control import xbar_r
from andon_quality.control.constants import d2
from andon_quality.control.subgroups import summarise
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

RINGS = Path(__file__).parents[2] / ".." / "shared" / "data" / "spc" / "qcc_pistonrings.csv"
ROUNDED_D2_OF_5 = 2.326  # as in the published study


@pytest.fixture(scope="module")
def rings() -> NDArray[np.float64]:
    if not RINGS.exists():
        pytest.skip("the published data sets are not next to this checkout")
    with RINGS.open(encoding="utf-8") as file:
        diameters = [float(row["diameter"]) for row in csv.DictReader(file)]
    return np.array(diameters).reshape(-1, 5)[:25]


def shown(estimate: Estimate | None) -> list[float]:
    assert estimate is not None
    return [round(float(part), 2) for part in (estimate.value, estimate.lower, estimate.upper)]


def ring_moments(rings: NDArray[np.float64]) -> tuple[float, float, int]:
    groups = summarise(rings)
    sigma = float(xbar_r.baseline(groups.means, groups.ranges, 5).sigma) * d2(5) / ROUNDED_D2_OF_5
    return float(rings.mean()), sigma, rings.size


def test_piston_rings_between_7395_and_7405_with_95_percent_intervals(rings: NDArray[np.float64]) -> None:
    found = from_moments(*ring_moments(rings), Specification(73.95, 74.05))
    assert shown(found.cp) == [1.70, 1.49, 1.91]
    assert shown(found.cpk) == [1.66, 1.45, 1.88]
    assert shown(found.cpm) == [1.69, 1.48, 1.90]
    assert shown(found.cpl)[0] == 1.74
    assert shown(found.cpu)[0] == 1.66


def test_piston_rings_with_target_7402(rings: NDArray[np.float64]) -> None:
    """The published interval leaves out a square that Boyles has; see the coverage of both below."""
    cpm = from_moments(*ring_moments(rings), Specification(73.95, 74.05, 74.02), cpm_interval="linear").cpm
    assert cpm is not None
    assert [float(cpm.value), float(cpm.lower), float(cpm.upper)] == pytest.approx([0.786, 0.656, 0.915], abs=5e-4)


def test_piston_rings_between_7399_and_7401_with_expected_and_observed_shares(rings: NDArray[np.float64]) -> None:
    found = from_moments(*ring_moments(rings), Specification(73.99, 74.01))
    assert found.cp is not None
    assert found.cpm is not None
    values = [float(found.cp.value), float(found.cpk.value), float(found.cpm.value)]
    assert values == pytest.approx([0.341, 0.301, 0.338], abs=5e-4)
    assert [round(float(found.ppm_below) / 1e6, 2), round(float(found.ppm_above) / 1e6, 2)] == [0.13, 0.18]
    assert [np.mean(rings < 73.99), np.mean(rings > 74.01)] == pytest.approx([0.12, 0.16], abs=5e-3)


def test_a_published_study_of_100_values_overall_and_within() -> None:
    """LSL 0, target 6, USL 12, mean 7.08 as printed with two decimals; one tail each."""
    specification = Specification(0.0, 12.0, 6.0)
    overall = from_moments(7.08, 1.85635681, 100, specification)
    within = from_moments(7.08, 1.76268271, 100, specification)
    assert [shown(overall.cp)[0], shown(overall.cpk)[0]] == [1.08, 0.88]
    assert [shown(within.cp)[0], shown(within.cpk)[0]] == [1.13, 0.93]
    assert float(overall.ppm_above) == pytest.approx(4020.39, rel=2e-3)
    assert float(within.ppm_above) == pytest.approx(2625.65, rel=2e-3)


def test_intervals_of_cp_and_cpk_cover_what_they_promise() -> None:
    x = np.random.default_rng(3).normal(10, 1, size=(4000, 60))
    study = of(x, Specification(6.0, 13.0)).overall
    for estimate, truth in ((study.cp, 7 / 6), (study.cpk, 1.0)):
        assert estimate is not None
        covered = np.mean((estimate.lower <= truth) & (truth <= estimate.upper))
        assert covered == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("mean", [9.0, 10.0, 12.0])
def test_the_interval_of_cpm_covers_what_it_promises_on_and_off_target(mean: float) -> None:
    x = np.random.default_rng(3).normal(mean, 1, size=(4000, 80))
    truth = 4 / 3 / np.sqrt(1 + (mean - 10) ** 2)
    coverage = {}
    for interval in ("boyles", "linear"):
        found = from_moments(x.mean(axis=1), x.std(axis=1), 80, Specification(6.0, 14.0), cpm_interval=interval).cpm
        assert found is not None
        coverage[interval] = np.mean((found.lower <= truth) & (truth <= found.upper))
    assert coverage["boyles"] == pytest.approx(0.95, abs=0.015)
    assert coverage["linear"] > (0.99 if mean == 12.0 else 0.93)


def test_a_one_sided_specification_has_no_cp() -> None:
    found = from_moments(10.0, 1.0, 50, Specification(upper=13.0))
    assert found.cp is None
    assert found.cpl is None
    assert found.cpm is None
    assert float(found.cpk.value) == 1.0
    assert float(found.ppm_below) == 0.0


def test_cpk_belongs_to_the_nearer_limit_in_each_series() -> None:
    found = from_moments([9.0, 11.0], [1.0, 1.0], 50, Specification(7.0, 13.0))
    assert found.cpk.value == pytest.approx([2 / 3, 2 / 3])
    assert found.cpl is not None
    assert found.cpl.value == pytest.approx([2 / 3, 4 / 3])


def test_moving_the_scale_does_not_move_the_index() -> None:
    x = np.random.default_rng(3).normal(10, 1, size=80)
    a, b = of(x, Specification(6.0, 13.0)), of(x * 60, Specification(360.0, 780.0))
    assert a.within.cpk.value == pytest.approx(b.within.cpk.value)


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(OutOfRange):
        Specification()
    with pytest.raises(OutOfRange):
        Specification(2.0, 1.0)
    with pytest.raises(NoSpread):
        of([5.0, 5.0, 5.0], Specification(1.0))
    with pytest.raises(TooFew):
        of([5.0], Specification(1.0))
    with pytest.raises(NotFinite):
        of([5.0, np.nan], Specification(1.0))
    with pytest.raises(Inconsistent):
        by_percentiles(np.ones((3, 4, 5)), Specification(1.0))
    with pytest.raises(OutOfRange):
        by_percentiles([1.0, 2.0], Specification(1.0), quantile_type=10)
    with pytest.raises(OutOfRange):
        by_fit([-1.0, 2.0], Specification(1.0), families=("gamma",))


@pytest.mark.parametrize(
    ("family", "oracle"),
    [
        ("normal", stats.norm(5, 2)), ("lognormal", stats.lognorm(0.5, scale=3)), ("gamma", stats.gamma(3.3, scale=2)),
        ("weibull", stats.weibull_min(1.7, scale=4)), ("exponential", stats.expon(scale=3)),
    ],
)  # fmt: skip
def test_fits_agree_with_scipy(family: Family, oracle: stats.rv_continuous) -> None:
    x = oracle.rvs(400, random_state=7)
    fixed = {} if family == "normal" else {"floc": 0}
    theirs = oracle.dist(*oracle.dist.fit(x, **fixed))
    mine = fit(family, x)
    for p in (0.00135, 0.5, 0.99865):
        assert float(quantile(mine, p)) == pytest.approx(theirs.ppf(p), rel=2e-4)
    assert float(survival(mine, 6.0)) == pytest.approx(theirs.sf(6.0), rel=1e-3)
    assert float(log_likelihood(mine, x)) == pytest.approx(theirs.logpdf(x).sum(), rel=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_many_samples_are_fitted_as_each_alone(family: Family) -> None:
    rows = np.random.default_rng(3).gamma(4.0, 2.0, size=(6, 50))
    together = fit(family, rows)
    for row in range(6):
        alone = fit(family, rows[row])
        assert (float(alone.first), float(alone.second)) == (together.first[row], together.second[row])


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 999), series=st.integers(1, 6), n=st.integers(12, 60), quantile_type=st.integers(1, 9))
def test_many_series_are_judged_as_each_alone(
    each_the_same: Any, seed: int, series: int, n: int, quantile_type: int
) -> None:
    random = np.random.default_rng(seed)
    values = random.gamma(4.0, 2.0, size=(series, n)) - random.choice([0.0, 5.0], (series, 1))
    limits = Specification(-6.0, 30.0, 8.0)
    each_the_same(of(values, limits), [of(one, limits) for one in values])
    for method in (
        lambda x: by_fit(x, limits, resamples=40, seed=3),
        lambda x: by_percentiles(x, limits, quantile_type, resamples=40, seed=3),
    ):
        each_the_same(method(values), [method(one) for one in values])
    with pytest.raises(NoSpread, match="series 0"):
        by_fit(np.ones((2, 5)), limits)


@pytest.mark.parametrize("quantile_type", range(1, 10))
def test_the_percentiles_of_every_type_are_those_of_numpy(quantile_type: int) -> None:
    names = "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull linear"
    name = f"{names} median_unbiased normal_unbiased".split()[quantile_type - 1]
    for n in (5, 40, 2000):
        x = np.random.default_rng(n).normal(size=n)
        found = by_percentiles(x, Specification(-5.0, 5.0), quantile_type, resamples=5)
        shares = (0.0013498980316301, 0.5, 0.9986501019683699)
        expected = np.quantile(x, shares, method=name)  # type: ignore[call-overload]
        assert [found.low, found.median, found.high] == pytest.approx(expected, rel=1e-12)


def test_the_right_family_is_chosen_and_its_ppk_is_the_true_one() -> None:
    x = np.random.default_rng(5).lognormal(1.0, 0.6, size=3000)
    truth = stats.lognorm(0.6, scale=np.e)
    found = by_fit(x, Specification(upper=25.0), resamples=200)
    expected = (25.0 - truth.ppf(0.5)) / (truth.ppf(0.99865) - truth.ppf(0.5))
    assert found.method == "fit, lognormal"
    assert float(found.ppk.value) == pytest.approx(expected, rel=0.06)
    assert float(found.ppk.lower) < expected < float(found.ppk.upper)
    assert found.ppm_above == pytest.approx(1e6 * truth.sf(25.0), rel=0.5)


def test_the_normal_index_would_praise_a_skewed_process_and_the_others_do_not() -> None:
    x = np.random.default_rng(5).lognormal(1.0, 0.6, size=3000)
    limit = Specification(upper=12.0)
    normal = float(of(x, limit).overall.cpk.value)
    assert float(by_fit(x, limit, resamples=50).ppk.value) < normal
    assert float(by_percentiles(x, limit, resamples=50).ppk.value) < normal


@pytest.mark.parametrize("quantile_type", range(1, 10))
def test_percentiles_of_every_type_agree_with_the_normal_on_a_large_normal_sample(quantile_type: int) -> None:
    x = np.random.default_rng(5).normal(10, 1, size=60_000)
    found = by_percentiles(x, Specification(6.0, 14.0), quantile_type, resamples=20)
    assert found.pp is not None
    assert float(found.pp.value) == pytest.approx(4 / 3, rel=0.03)
    assert found.method == f"percentile, type {quantile_type}"


def test_too_small_a_sample_for_its_percentiles_says_so() -> None:
    x = np.random.default_rng(5).normal(10, 1, size=741)
    assert by_percentiles(x[:740], Specification(6.0), resamples=10).is_extrapolated
    assert not by_percentiles(x, Specification(6.0), resamples=10).is_extrapolated


def test_bootstrap_intervals_are_the_same_for_the_same_seed_only() -> None:
    x = np.random.default_rng(5).gamma(3.0, size=100)
    a, b, c = (by_fit(x, Specification(upper=12.0), resamples=100, seed=seed).ppk for seed in (1, 1, 2))
    assert float(a.lower) == float(b.lower)
    assert float(a.lower) != float(c.lower)


def test_bootstrap_intervals_of_a_fit_cover_about_what_they_promise() -> None:
    truth = stats.gamma(4.0)
    expected = (14.0 - truth.ppf(0.5)) / (truth.ppf(0.99865) - truth.ppf(0.5))
    rng, inside = np.random.default_rng(17), 0
    for _ in range(150):
        ppk = by_fit(rng.gamma(4.0, size=100), Specification(upper=14.0), ("gamma",), resamples=200, seed=rng).ppk
        inside += bool(ppk.lower <= expected <= ppk.upper)
    assert inside / 150 > 0.87


def test_dpmo_at_two_to_six_sigma_one_tail_shifted_by_one_and_a_half() -> None:
    printed = [308537.54, 66807.20, 6209.67, 232.63, 3.3977]
    assert dpmo_of_sigma_level([2, 3, 4, 5, 6]) == pytest.approx(printed, abs=5e-3)
    assert float(dpmo_of_sigma_level(6.0)) == pytest.approx(3.3977, abs=5e-5)


def test_both_tails_unshifted_at_three_sigma_hold_2700_per_million() -> None:
    assert float(dpmo_of_sigma_level(3.0, shift=0.0, tail="two")) == pytest.approx(2699.796, abs=1e-3)
    assert float(dpmo_of_sigma_level(3.0, shift=0.0)) == pytest.approx(1349.898, abs=1e-3)


def test_sigma_level_and_dpmo_undo_each_other() -> None:
    levels = np.array([0.5, 2.0, 4.5])
    assert sigma_level(dpmo_of_sigma_level(levels)) == pytest.approx(levels)
    assert sigma_level(dpmo_of_sigma_level(levels, 0.0), 0.0) == pytest.approx(levels)


def test_attribute_intervals_are_the_exact_ones_of_scipy() -> None:
    found = defectives([0, 3, 50], [10, 1000, 50])
    for i, (x, n) in enumerate([(0, 10), (3, 1000), (50, 50)]):
        oracle = stats.binomtest(x, n).proportion_ci(method="exact")
        assert (found.p.lower[i], found.p.upper[i]) == pytest.approx((oracle.low, oracle.high))
    assert found.ppk.value[1] == pytest.approx(stats.norm.isf(0.003) / 3)
    rate = defects([0, 34], 1000, opportunities=10)
    assert rate.dpu.upper[1] == pytest.approx(stats.chi2.ppf(0.975, 70) / 2000)
    assert rate.dpu.lower[1] == pytest.approx(stats.chi2.ppf(0.025, 68) / 2000)
    assert rate.dpu.lower[0] == 0.0
    assert rate.sigma_level.value[1] == pytest.approx(stats.norm.isf(0.0034) + 1.5)
    assert rate.first_pass_yield.value[1] == pytest.approx(np.exp(-0.034))


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(OutOfRange):
        defectives(5, 4)
    with pytest.raises(OutOfRange):
        defects(-1, 4)
    with pytest.raises(OutOfRange):
        sigma_level(2e6)
