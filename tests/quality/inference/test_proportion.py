"""Intervals of shares against printed values and statsmodels, and what they cover."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.inference.proportion import clopper_pearson, compare_proportions, wilson
from numpy.testing import assert_allclose
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

COUNTS = [(0, 5), (1, 7), (5, 10), (81, 263), (263, 263), (15, 148)]


@pytest.mark.parametrize(("hits", "n"), COUNTS)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_and_clopper_pearson_agree_with_statsmodels(hits: int, n: int, confidence: float) -> None:
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
        expected = proportion_confint(hits, n, alpha=1 - confidence, method=method)
        assert_allclose(ours(hits, n, confidence), expected, atol=1e-12)


def test_wilson_of_81_in_263_is_as_printed_by_newcombe() -> None:
    """Newcombe 1998, Statistics in Medicine 17:857, table I: 0.2553 to 0.3662."""
    assert_allclose(wilson(81, 263), (0.2553, 0.3662), atol=5e-5)


@pytest.mark.parametrize(("first", "second"), [((56, 70), (48, 80)), ((9, 10), (3, 10)), ((10, 10), (0, 20))])
def test_the_difference_agrees_with_statsmodels(first: tuple[int, int], second: tuple[int, int]) -> None:
    result = compare_proportions(first, second)
    expected = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff")
    assert_allclose((result.interval.lower, result.interval.upper), expected, atol=1e-10)
    z, p = proportions_ztest([first[0], second[0]], [first[1], second[1]])
    assert_allclose((result.statistic, result.p_value), (z, p), rtol=1e-9, atol=1e-300)


def test_newcombe_56_of_70_against_48_of_80_is_as_printed() -> None:
    """Newcombe 1998, Statistics in Medicine 17:873, table II, method 10: 0.0524 to 0.3339."""
    result = compare_proportions((56, 70), (48, 80))
    assert_allclose((result.interval.lower, result.interval.upper), (0.0524, 0.3339), atol=5e-5)


def test_small_expected_counts_fail_their_check() -> None:
    assert not compare_proportions((1, 8), (0, 9)).sound
    assert compare_proportions((56, 70), (48, 80)).sound


def test_no_success_anywhere_is_no_difference() -> None:
    assert compare_proportions((0, 8), (0, 9)).p_value == 1.0


def test_wilson_covers_95_percent_on_average_over_shares() -> None:
    """Exact coverage at n = 100, averaged over p = 0.05 to 0.95."""
    from scipy.stats import binom

    low, high = wilson(np.arange(101), np.full(101, 100))
    shares = np.linspace(0.05, 0.95, 181)
    inside = (low <= shares[:, None]) & (shares[:, None] <= high)
    coverage = (binom.pmf(np.arange(101), 100, shares[:, None]) * inside).sum(axis=1)
    assert abs(coverage.mean() - 0.95) < 0.005


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(OutOfRange):
        wilson(3, 2)
    with pytest.raises(TooFew):
        wilson(0, 0)
    with pytest.raises(OutOfRange):
        wilson(1, 2, confidence=1.0)
