"""Tests of normality and the probability plot, against statsmodels, printed critical values, and simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.normality import anderson_darling, probability_plot, ryan_joiner, shapiro_wilk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.diagnostic import normal_ad

TESTS = (anderson_darling, shapiro_wilk, ryan_joiner)
# Weights of 20 chicks: D'Agostino and Stephens, Goodness-of-Fit Techniques (1986), table 4.1 (Bliss, 1946).
CHICKS = [156, 162, 168, 182, 186, 190, 190, 196, 202, 210, 214, 220, 226, 230, 230, 236, 236, 242, 246, 270]
# Weights of 11 men: Shapiro and Wilk, 1965, Biometrika 52:591, section 5.
MEN = [148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236]


def test_the_chicks_have_the_printed_squared_distance() -> None:
    """D'Agostino and Stephens, 4.8: A^2 = .214, which is far from significant."""
    found = anderson_darling(CHICKS)
    assert found.statistic == pytest.approx(0.214, abs=5e-4)
    assert found.p_value > 0.5


def test_the_men_have_the_printed_w() -> None:
    """Shapiro and Wilk: W = .79, below its 1 % point .792."""
    found = shapiro_wilk(MEN)
    assert round(found.statistic, 2) == 0.79
    assert found.p_value < 0.01


@pytest.mark.parametrize("n", [10, 20, 50, 100])
def test_ryan_and_joiners_printed_critical_values_have_their_p(n: int) -> None:
    """Their approximations of the 10, 5 and 1 % points against Royston's p at that correlation."""
    root = np.sqrt(n)
    critical = {
        0.1: 1.0071 - 0.1371 / root - 0.3682 / n + 0.7780 / n**2,
        0.05: 1.0063 - 0.1288 / root - 0.6118 / n + 1.3505 / n**2,
        0.01: 0.9963 - 0.0211 / root - 1.4106 / n + 3.1791 / n**2,
    }
    scores = stats.norm.ppf((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    bent = scores**3 - scores * (scores**4).sum() / (scores**2).sum()
    for p, correlation in critical.items():
        # What is uncorrelated with the scores sets the correlation to the printed one.
        size = np.sqrt((scores**2).sum() / (bent**2).sum() * (1.0 / correlation**2 - 1.0))
        slope = scores + size * bent
        if (np.diff(slope) > 0).all():
            found = ryan_joiner(slope)
            assert found.statistic == pytest.approx(correlation, abs=1e-9)
            assert found.p_value == pytest.approx(p, rel=0.2, abs=0.004)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(8, 200), st.sampled_from([1.0, 1.3]))
def test_anderson_darling_agrees_with_statsmodels(seed: int, n: int, power: float) -> None:
    x = np.random.default_rng(seed).normal(size=n)
    x = np.sign(x) * np.abs(x) ** power
    # statsmodels takes the logarithm of 1 - F, which has fewer digits far in the upper tail.
    known, found = normal_ad(x), anderson_darling(x)
    assert (found.statistic, found.p_value) == pytest.approx((known[0], min(known[1], 1.0)), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("test", TESTS)
def test_normal_values_are_refused_as_often_as_p_says_and_skewed_ones_nearly_always(test: Callable[..., Any]) -> None:
    random = np.random.default_rng(4)
    p = test(random.normal(5.0, 3.0, (3000, 25))).p_value
    assert [(p < level).mean() for level in (0.01, 0.05, 0.1)] == pytest.approx([0.01, 0.05, 0.1], abs=0.015)
    assert (test(random.exponential(size=(300, 40))).p_value < 0.05).mean() > 0.95


@pytest.mark.parametrize("test", TESTS)
def test_the_unit_does_not_matter_and_many_series_are_as_one_by_one(
    test: Callable[..., Any], each_the_same: Callable[[Any, Sequence[Any]], None]
) -> None:
    x = np.random.default_rng(5).gamma(3.0, size=(6, 30))
    each_the_same(test(x), [test(one) for one in x])
    assert test(-3.0 * x + 7.0).p_value == pytest.approx(test(x).p_value, rel=1e-6)


@pytest.mark.parametrize("test", TESTS)
def test_what_cannot_be_tested_is_refused(test: Callable[..., Any]) -> None:
    with pytest.raises(TooFew):
        test([1.0, 2.0])
    with pytest.raises(NoSpread):
        test([0.3, 0.1 + 0.2] * 5)
    with pytest.raises(NotFinite):
        test([1.0, np.nan] * 5)


def test_roystons_approximations_reach_to_five_thousand_values() -> None:
    with pytest.raises(OutOfRange, match="at most 5,000"):
        shapiro_wilk(np.arange(5001.0))


def test_a_probability_plot_has_scipys_scores_and_its_band_holds_points_as_often_as_it_says() -> None:
    random = np.random.default_rng(6)
    found = probability_plot(CHICKS)
    assert found.score == pytest.approx(stats.norm.ppf((np.arange(1, 21) - 0.375) / 20.25))
    assert (found.location, found.scale) == pytest.approx((np.mean(CHICKS), np.std(CHICKS, ddof=1)))
    assert not found.beyond.any()
    # About the true line each ordered value lies within with 95 %; about a fitted one a little more often.
    shares = [probability_plot(random.normal(size=50)).beyond.mean() for _ in range(300)]
    assert np.mean(shares) < 0.05
    assert probability_plot(random.exponential(size=80)).beyond.any()


def test_a_lognormal_plot_is_that_of_the_logarithms() -> None:
    x = np.exp(np.array(CHICKS) / 50.0)
    found, plain = probability_plot(x, "lognormal"), probability_plot(np.array(CHICKS) / 50.0)
    assert np.log(found.fitted) == pytest.approx(plain.fitted)
    assert np.log(found.upper) == pytest.approx(plain.upper)
    assert found.plot().get_xscale() == "log"
    with pytest.raises(OutOfRange, match="positive"):
        probability_plot([0.0, 1.0, 2.0], "lognormal")
    with pytest.raises(Inconsistent, match="one series"):
        probability_plot(np.arange(6.0).reshape(2, 3))
