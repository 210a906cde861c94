"""Correlations against scipy, their coverage, and what they must keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, TooFew
from andon_quality.inference import benjamini_hochberg, holm
from andon_quality.structure import Association, MultiplicityAdjustment, correlate, correlation_matrix
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats


@pytest.mark.parametrize("seed", range(4))
def test_pearson_agrees_with_scipy(seed: int) -> None:
    x, y = np.random.default_rng(seed).normal(size=(2, 15))
    ours, theirs = correlate(x, y + x), stats.pearsonr(x, y + x)
    interval = theirs.confidence_interval(0.95)
    assert_allclose((ours.effect, ours.p_value), (theirs.statistic, theirs.pvalue), rtol=1e-9)
    assert_allclose((ours.interval.lower, ours.interval.upper), (interval.low, interval.high), rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_spearman_with_ties_agrees_with_scipy(seed: int) -> None:
    x, y = np.random.default_rng(seed).integers(0, 6, (2, 30)).astype(float)
    ours, theirs = correlate(x, y, Association.SPEARMAN), stats.spearmanr(x, y)
    assert_allclose((ours.effect, ours.p_value), (theirs.statistic, theirs.pvalue), rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 500), association=st.sampled_from(Association))
def test_order_of_cases_shift_and_unit_do_not_matter(seed: int, association: Association) -> None:
    table = np.random.default_rng(seed).normal(size=(12, 3))
    plain = correlation_matrix(table, association)
    for other in (table[::-1], table + 7.0, table * [2.0, 0.25, 8.0]):
        assert_allclose(correlation_matrix(other, association).r, plain.r, atol=1e-12)
        assert_allclose(correlation_matrix(other, association).p_value_adjusted, plain.p_value_adjusted, atol=1e-9)
    turned = correlation_matrix(table * [-1.0, 1.0, 1.0], association)
    assert_allclose(turned.r[0, 1:], -plain.r[0, 1:], atol=1e-12)
    assert_allclose(turned.lower[0, 1:], -plain.upper[0, 1:], atol=1e-12)


@pytest.mark.parametrize(
    ("adjustment", "method"),
    [(MultiplicityAdjustment.HOLM, holm), (MultiplicityAdjustment.BENJAMINI_HOCHBERG, benjamini_hochberg)],
)
def test_p_values_are_adjusted_over_all_pairs(adjustment: MultiplicityAdjustment, method: object) -> None:
    result = correlation_matrix(np.random.default_rng(2).normal(size=(20, 5)), adjustment=adjustment)
    upper = np.triu_indices(5, k=1)
    chosen = holm if method is holm else benjamini_hochberg
    assert (result.p_value_adjusted[upper] == chosen(result.p_value[upper])).all()
    assert (result.p_value_adjusted == result.p_value_adjusted.T).all()


def test_a_straight_line_is_certain() -> None:
    result = correlate([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    assert result.effect == pytest.approx(1.0)
    assert result.p_value < 1e-6
    assert result.interval.lower > 0.99


@pytest.mark.slow
def test_intervals_cover_95_percent() -> None:
    random = np.random.default_rng(8)
    hits = dict.fromkeys(Association, 0)
    normal_rho, draws = 0.6, 4000
    truth = {Association.PEARSON: normal_rho, Association.SPEARMAN: 6 / math.pi * math.asin(normal_rho / 2)}
    for _ in range(draws):
        x = random.normal(size=60)
        y = normal_rho * x + math.sqrt(1 - normal_rho**2) * random.normal(size=60)
        for association in Association:
            hits[association] += correlate(x, y, association).interval.contains(truth[association])
    assert all(abs(hit / draws - 0.95) < 0.015 for hit in hits.values()), hits


def test_what_has_no_correlation_is_refused() -> None:
    with pytest.raises(NoSpread):
        correlate([1.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0])
    with pytest.raises(Inconsistent):
        correlate([1.0, 2.0, 3.0, 4.0], [1.0, 2.0])
    with pytest.raises(TooFew):
        correlate([1.0, 2.0, 3.0], [1.0, 3.0, 2.0])
