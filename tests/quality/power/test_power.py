"""Power and sample size, against R's printed examples, published plans, scipy, enumeration and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality import power
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.inference import compare_proportions
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import FTestAnovaPower, TTestIndPower, TTestPower


def test_rs_printed_examples_of_the_t_test() -> None:
    """power.t.test(n = 20, delta = 1): .8689528, one tail; power = .90: n = 22.02110; one-sided: n = 17.84713."""
    assert power.two_means_power(20, 1.0) == pytest.approx(0.8689528, abs=5e-7)
    assert power.two_means_size(1.0).n == 23
    assert power.two_means_size(1.0, sided="upper").n == 18


def test_pwrs_printed_examples_of_the_analysis_of_variance() -> None:
    """Cohen, and R's pwr: f .28, 4 groups of 20: .5149793; n 35.75789 for power .80; f .25, 5 groups: n 39.15340."""
    means = np.array([-1.0, -1.0, 1.0, 1.0]) * 0.28
    assert power.anova_power(20, means) == pytest.approx(0.5149793, abs=5e-8)
    assert power.anova_size(means, power=0.8).n == 36
    five = np.array([-1.0, -1.0, 0.0, 1.0, 1.0]) * 0.25 * np.sqrt(5.0 / 4.0)
    assert power.anova_size(five, power=0.8).n == 40


def test_a_published_single_stage_design_is_found() -> None:
    """A'Hern, 2001, Statistics in Medicine 20:859: .2 against .4 with level .05 and power .8 takes 35 cases."""
    found = power.one_proportion_size(0.4, 0.2, power=0.8, sided="upper")
    assert found.n == 35
    assert found.power == pytest.approx(stats.binom.sf(11, 35, 0.4))


def test_rs_normal_approximation_of_two_shares_is_close_to_the_exact_power() -> None:
    """power.prop.test(n = 50, p1 = .5, p2 = .75): .7401659; power .9: n = 76.7."""
    assert power.two_proportions_power(50, 0.5, 0.75) == pytest.approx(0.7401659, abs=0.01)
    assert power.two_proportions_size(0.5, 0.75).n in (76, 77)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 80), st.floats(0.05, 0.4), st.floats(0.001, 0.2), st.sampled_from(["two", "upper"]))
def test_means_agree_with_statsmodels(n: int, shift: float, alpha: float, sided: str) -> None:
    way = "two-sided" if sided == "two" else "larger"
    one = TTestPower().power(shift, n, alpha, alternative=way)
    two = TTestIndPower().power(shift, n, alpha, ratio=1.5 if n % 2 == 0 else 1.0, alternative=way)
    second = n * 3 // 2 if n % 2 == 0 else n
    assert power.one_mean_power(n, shift, alpha, sided) == pytest.approx(one, rel=1e-6, abs=1e-9)  # type: ignore[arg-type]
    mine = power.two_means_power(n, shift, alpha, sided, second)  # type: ignore[arg-type]
    assert mine == pytest.approx(two, rel=1e-6, abs=1e-9)
    assert power.one_mean_power(n, -shift, alpha, "lower") == power.one_mean_power(n, shift, alpha, "upper")


def test_several_means_agree_with_statsmodels() -> None:
    means = np.array([1.0, 2.0, 4.0])
    known = FTestAnovaPower().power(means.std() / 3.0, 3 * 12, 0.05, k_groups=3)
    assert power.anova_power(12, means, sd=3.0) == pytest.approx(known, rel=1e-9)


@pytest.mark.parametrize("sided", ["two", "upper", "lower"])
@pytest.mark.parametrize(("n", "share", "reference"), [(7, 0.5, 0.2), (40, 0.1, 0.3), (25, 0.3, 0.3)])
def test_one_share_is_the_sum_over_what_the_exact_test_rejects(
    n: int, share: float, reference: float, sided: str
) -> None:
    counts, outside = np.arange(n + 1), 0.025 if sided == "two" else 0.05
    above = (stats.binom.sf(counts - 1, n, reference) <= outside) & (sided != "lower")
    below = (stats.binom.cdf(counts, n, reference) <= outside) & (sided != "upper")
    expected = stats.binom.pmf(counts, n, share)[above | below].sum()
    assert power.one_proportion_power(n, share, reference, 0.05, sided) == pytest.approx(expected)  # type: ignore[arg-type]


def test_two_shares_are_the_sum_over_what_the_score_test_rejects() -> None:
    a, b = np.meshgrid(np.arange(13.0), np.arange(21.0), indexing="ij")
    p = np.asarray(compare_proportions((a.ravel(), 12.0), (b.ravel(), 20.0)).p_value).reshape(a.shape)
    mass = stats.binom.pmf(np.arange(13), 12, 0.2)[:, None] * stats.binom.pmf(np.arange(21), 20, 0.6)
    assert power.two_proportions_power(12, 0.2, 0.6, n_second=20) == pytest.approx(mass[p < 0.05].sum())
    assert power.two_proportions_power(12, 0.2, 0.6, sided="lower", n_second=20) > power.two_proportions_power(
        12, 0.2, 0.6, n_second=20
    )


@pytest.mark.parametrize("sided", ["two", "upper", "lower"])
def test_spreads_are_those_of_scipy(sided: str) -> None:
    outside = 0.025 if sided == "two" else 0.05
    for n, ratio in ((5, 1.8), (30, 0.7), (171, 1.245)):
        law = stats.chi2(n - 1)
        above, below = law.sf(law.isf(outside) / ratio**2), law.cdf(law.ppf(outside) / ratio**2)
        known = {"two": above + below, "upper": above, "lower": below}[sided]
        assert power.one_sd_power(n, ratio, 0.05, sided) == pytest.approx(known)  # type: ignore[arg-type]
        pair = stats.f(n - 1, n + 3)
        above, below = pair.sf(pair.isf(outside) / ratio**2), pair.cdf(pair.ppf(outside) / ratio**2)
        known = {"two": above + below, "upper": above, "lower": below}[sided]
        assert power.two_sds_power(n, ratio, 0.05, sided, n + 4) == pytest.approx(known)  # type: ignore[arg-type]


def test_the_level_is_the_power_where_there_is_nothing_to_find() -> None:
    assert power.one_mean_power(9, 0.0, 0.03) == pytest.approx(0.03)
    assert power.two_means_power(9, 0.0, 0.03) == pytest.approx(0.03)
    assert power.anova_power(9, [2.0, 2.0, 2.0]) == pytest.approx(0.05)
    assert power.one_sd_power(9, 1.0) == pytest.approx(0.05)
    assert power.two_sds_power(9, 1.0) == pytest.approx(0.05)
    assert power.one_proportion_power(30, 0.2, 0.2) <= 0.05


@settings(deadline=None, max_examples=25)
@given(st.floats(0.2, 2.0), st.floats(0.5, 0.99))
def test_a_size_has_the_power_asked_for_and_one_less_has_not(difference: float, wanted: float) -> None:
    pairs = [
        (power.one_mean_size(difference, wanted), lambda n: power.one_mean_power(n, difference)),
        (power.two_means_size(difference, wanted), lambda n: power.two_means_power(n, difference)),
        (power.one_sd_size(1.0 + difference, wanted), lambda n: power.one_sd_power(n, 1.0 + difference)),
        (power.two_sds_size(1.0 + difference, wanted), lambda n: power.two_sds_power(n, 1.0 + difference)),
    ]
    for found, power_of in pairs:
        assert found.power == power_of(found.n) >= wanted
        assert found.n == 2 or power_of(found.n - 1) < wanted


def test_what_cannot_be_found_is_refused() -> None:
    for call in (
        lambda: power.one_mean_size(0.0),
        lambda: power.one_mean_size(-1.0, sided="upper"),
        lambda: power.two_means_size(1.0, power=1.0),
        lambda: power.two_means_size(1e-6),
        lambda: power.one_mean_power(10, float("nan")),
        lambda: power.one_mean_power(10, 1.0, alpha=0.0),
        lambda: power.anova_size([1.0, 1.0]),
        lambda: power.anova_power(5, [1.0, 2.0], sd=0.0),
        lambda: power.one_proportion_size(0.2, 0.2),
        lambda: power.one_proportion_power(10, 1.0, 0.2),
        lambda: power.two_proportions_size(0.2, 0.3, sided="upper"),
        lambda: power.two_proportions_power(200_000, 0.2, 0.3),
        lambda: power.one_sd_size(1.0),
        lambda: power.two_sds_power(10, 0.0),
    ):
        with pytest.raises(OutOfRange):
            call()
    for few in (
        lambda: power.one_mean_power(1, 1.0),
        lambda: power.two_means_power(1, 1.0),
        lambda: power.anova_power(1, [1.0, 2.0]),
        lambda: power.one_proportion_power(0, 0.5, 0.2),
        lambda: power.two_sds_power(1, 2.0),
    ):
        with pytest.raises(TooFew):
            few()
