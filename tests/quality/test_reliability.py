"""Alpha and kappa against printed values and statsmodels, and the coverage of their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.reliability import Disagreement, cohen, cronbach, fleiss, krippendorff
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
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
    assert_allclose((ours.interval.lower, ours.interval.upper), (theirs.kappa_low, theirs.kappa_upp), rtol=1e-8)


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


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    groups=st.integers(1, 7),
    n=st.integers(6, 40),
    k=st.integers(2, 9),
    disagreement=st.sampled_from(Disagreement),
)
def test_many_groups_are_as_one_by_one(
    each_the_same: Any, seed: int, groups: int, n: int, k: int, disagreement: Disagreement
) -> None:
    random = np.random.default_rng(seed)
    items = random.normal(size=(groups, n, k)) + random.normal(size=(groups, n, 1))
    each_the_same(cronbach(items), [cronbach(one) for one in items])
    first, second = random.integers(0, k, (2, groups, n))
    first[:, :2], second[:, :2] = [0, 1], [0, 1]
    pairs = zip(first, second, strict=True)
    each_the_same(cohen(first, second, k, disagreement), [cohen(a, b, k, disagreement) for a, b in pairs])
    each_the_same(cohen(first[0], second, k), [cohen(first[0], b, k) for b in second])
    counts = random.multinomial(6, np.full(k, 1 / k), (groups, n))
    each_the_same(fleiss(counts), [fleiss(one) for one in counts])
    gaps = random.integers(0, 3, (groups, n, k))
    gaps[:, :3, :2] = [[2, 0], [0, 2], [1, 1]]
    each_the_same(krippendorff(gaps, disagreement), [krippendorff(one, disagreement) for one in gaps])


def test_the_interval_of_fleiss_is_that_of_leaving_each_case_out() -> None:
    table = np.array(FLEISS_1971)
    left = np.array([fleiss(np.delete(table, case, axis=0)).kappa for case in range(len(table))])
    error = np.sqrt((len(left) - 1) / len(left) * np.square(left - left.mean()).sum())
    ours = fleiss(table)
    assert ours.kappa - ours.interval.lower == pytest.approx(stats.norm.ppf(0.975) * error, rel=1e-9)


def test_alpha_without_an_item_is_that_of_the_others() -> None:
    items = np.random.default_rng(4).normal(size=(30, 5)) + np.random.default_rng(5).normal(size=(30, 1))
    assert_allclose(cronbach(items).without, [cronbach(np.delete(items, i, axis=1)).alpha for i in range(5)])
    rest = items.sum(axis=1, keepdims=True) - items
    assert_allclose(cronbach(items).item_rest, [np.corrcoef(items[:, i], rest[:, i])[0, 1] for i in range(5)])


def test_the_first_group_that_cannot_be_judged_is_named() -> None:
    good, flat = np.arange(12.0).reshape(4, 3) ** 2 % 7, np.ones((4, 3))
    with pytest.raises(NoSpread, match="series 1"):
        cronbach([good, flat])
    with pytest.raises(NoSpread, match="all items but one"):
        cronbach([[1, 2, 1], [2, 1, 1], [1, 2, 2], [2, 1, 2]])
    with pytest.raises(NoSpread, match="series 1"):
        cohen([[0, 1], [1, 1]], [[0, 1], [1, 1]], 2)
    with pytest.raises(Inconsistent, match="series 1"):
        fleiss([[[2, 1], [1, 2], [3, 0]], [[2, 1], [1, 1], [3, 0]]])
    with pytest.raises(NoSpread, match=r"^one grade"):
        fleiss([[3, 0], [3, 0], [2, 1]])


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


# Krippendorff, 2011: four observers, twelve units, with gaps.
OBSERVERS = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]


def test_alpha_with_gaps_is_that_of_the_printed_example() -> None:
    counts = np.zeros((12, 5))
    for line in OBSERVERS:
        for unit, grade in enumerate(line):
            if grade.isdigit():
                counts[unit, int(grade) - 1] += 1
    assert krippendorff(counts).kappa == pytest.approx(0.743, abs=5e-4)
    assert krippendorff(counts, Disagreement.QUADRATIC).kappa == pytest.approx(0.849, abs=5e-4)
    # The unit that one observer rated says nothing.
    assert krippendorff(counts).kappa == krippendorff(np.delete(counts, 11, axis=0)).kappa


def test_the_interval_with_gaps_is_that_of_leaving_each_case_out() -> None:
    table = np.random.default_rng(2).integers(1, 3, (12, 4))
    left = np.array([krippendorff(np.delete(table, case, axis=0), Disagreement.LINEAR).kappa for case in range(12)])
    ours = krippendorff(table, Disagreement.LINEAR)
    error = np.sqrt(11 / 12 * np.square(left - left.mean()).sum())
    assert ours.interval.upper - ours.kappa == pytest.approx(1.959963984540054 * error)


def test_without_three_cases_of_two_ratings_or_any_difference_there_is_no_alpha() -> None:
    with pytest.raises(TooFew):
        krippendorff([[2, 0], [0, 2], [1, 0], [0, 1]])
    with pytest.raises(NoSpread):
        krippendorff([[2, 0], [2, 0], [3, 0]])
    with pytest.raises(OutOfRange):
        krippendorff([[2, -1], [2, 0], [3, 0]])
