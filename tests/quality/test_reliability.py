"""Alpha and kappa against printed values and statsmodels, and the coverage of their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.reliability import Disagreement, cohen, cronbach, fleiss
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

FLEISS_1971 = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


@pytest.mark.parametrize("disagreement", Disagreement)
@pytest.mark.parametrize("seed", range(3))
def test_cohen_agrees_with_statsmodels(disagreement: Disagreement, seed: int) -> None:
    random = np.random.default_rng(seed)
    first = random.integers(0, 4, 60)
    second = np.where(random.random(60) < 0.6, first, random.integers(0, 4, 60))
    table = np.zeros((4, 4))
    np.add.at(table, (first, second), 1)
    weights = {Disagreement.NOMINAL: None, Disagreement.LINEAR: "linear", Disagreement.QUADRATIC: "quadratic"}
    theirs = cohens_kappa(table, wt=weights[disagreement])
    ours = cohen(first, second, 4, disagreement)
    assert ours.kappa == pytest.approx(theirs.kappa, rel=1e-10)
    assert_allclose((ours.interval.low, ours.interval.high), (theirs.kappa_low, theirs.kappa_upp), rtol=1e-8)


def test_fleiss_has_the_kappa_of_the_often_printed_ten_cases() -> None:
    """Ten cases, fourteen raters, five grades: 0.210."""
    ours = fleiss(FLEISS_1971)
    assert ours.kappa == pytest.approx(0.210, abs=5e-4)
    assert ours.kappa == pytest.approx(fleiss_kappa(FLEISS_1971), rel=1e-12)
    assert ours.interval.contains(ours.kappa)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 500))
def test_order_of_cases_and_of_items_and_shift_do_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    table = random.normal(size=(15, 4)) + random.normal(size=(15, 1))
    plain = cronbach(table)
    for other in (table[::-1], table[:, ::-1], table + 9.0, table * 3.0):
        assert cronbach(other).alpha == pytest.approx(plain.alpha, abs=1e-10)
    first, second = random.integers(0, 3, (2, 20))
    assert cohen(first, second, 3).kappa == pytest.approx(cohen(second, first, 3).kappa)
    assert cohen(first[::-1], second[::-1], 3).kappa == pytest.approx(cohen(first, second, 3).kappa)


def test_the_interval_of_alpha_covers_the_alpha_of_the_population() -> None:
    """Five parallel items with reliability 0.5 each have alpha 5/6."""
    random = np.random.default_rng(3)
    hits = [
        cronbach(random.normal(size=(40, 5)) + random.normal(size=(40, 1))).interval.contains(5 / 6)
        for _ in range(2000)
    ]
    assert abs(np.mean(hits) - 0.95) < 0.015


def test_alpha_without_a_stranger_is_larger() -> None:
    random = np.random.default_rng(5)
    common = random.normal(size=(200, 1))
    items = np.hstack([common + 0.5 * random.normal(size=(200, 3)), random.normal(size=(200, 1))])
    found = cronbach(items)
    assert found.without.argmax() == 3
    assert found.without[3] > found.alpha
    assert found.item_rest.argmin() == 3
    assert np.isnan(cronbach(items[:, :2]).without).all()


def test_full_agreement_is_one_and_one_grade_throughout_says_nothing() -> None:
    assert cohen([0, 1, 2], [0, 1, 2], 3).kappa == 1.0
    with pytest.raises(NoSpread):
        cohen([1, 1], [1, 1], 2)
    with pytest.raises(NoSpread):
        fleiss([[2, 0], [2, 0], [2, 0]])
    with pytest.raises(NoSpread):
        cronbach(np.ones((4, 3)))


def test_malformed_ratings_are_refused() -> None:
    with pytest.raises(OutOfRange):
        cohen([0, 3], [0, 1], 2)
    with pytest.raises(Inconsistent):
        cohen([0, 1], [0, 1, 1], 2)
    with pytest.raises(Inconsistent):
        fleiss([[2, 1], [3, 0], [1, 1]])
    with pytest.raises(TooFew):
        fleiss([[2, 1], [3, 0]])
    with pytest.raises(TooFew):
        cronbach([[1.0], [2.0]])
    with pytest.raises(NotFinite):
        fleiss([[2.0, 1.0], [np.nan, 0.0], [1.0, 1.0]])
