"""AHP against the printed table, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from andon_quality.weights import ahp, group_judgements, most_inconsistent
from andon_quality.weights.ahp import RANDOM_INDEX
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from pymcdm.weights.subjective import AHP

PRINTED: list[list[float]] = [
    [1, 4, 3, 1, 3, 4],
    [1 / 4, 1, 7, 3, 1 / 5, 1],
    [1 / 3, 1 / 7, 1, 1 / 5, 1 / 5, 1 / 6],
    [1, 1 / 3, 5, 1, 1, 1 / 3],
    [1 / 3, 5, 5, 1, 1, 3],
    [1 / 4, 1, 6, 3, 1 / 3, 1],
]


def test_the_printed_six_by_six_has_its_printed_weights_and_ratio() -> None:
    result = ahp(PRINTED, ratio_max=None)
    assert_allclose(result.weights, [0.3208, 0.1395, 0.0348, 0.1285, 0.2374, 0.1391], atol=5e-5)
    assert result.eigenvalue_max == pytest.approx(7.419870, abs=5e-7)
    assert result.consistency_index == pytest.approx(0.283974, abs=5e-7)
    assert result.consistency_ratio == pytest.approx(0.2290, abs=5e-5)


def test_the_printed_six_by_six_is_refused_as_too_inconsistent() -> None:
    with pytest.raises(Inconsistent, match=r"0\.2290"):
        ahp(PRINTED)


def test_the_random_index_is_the_first_table_of_saaty() -> None:
    assert RANDOM_INDEX == (0, 0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)


def test_weights_agree_with_pymcdm() -> None:
    assert_allclose(ahp(PRINTED, ratio_max=None).weights, AHP(matrix=np.array(PRINTED))(), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1.0, 9.0), min_size=1, max_size=10), st.randoms())
def test_consistent_judgements_return_their_weights_in_any_order(importance: list[float], random: object) -> None:
    weights = np.array(importance) / sum(importance)
    result = ahp(weights[:, None] / weights)
    assert_allclose(result.weights, weights, atol=1e-9)
    assert abs(result.consistency_ratio) < 1e-9
    turned = weights[::-1]
    assert_allclose(ahp(turned[:, None] / turned).weights, result.weights[::-1], atol=1e-9)


def test_the_worst_judgement_is_named() -> None:
    i, j, implied = most_inconsistent(PRINTED)
    assert (i, j) == (0, 2)
    assert implied == pytest.approx(0.3208 / 0.0348, rel=2e-3)


def test_one_voice_of_several_is_that_expert_and_the_order_of_experts_does_not_matter() -> None:
    first, second = np.array(PRINTED), np.array(PRINTED).T
    assert_allclose(group_judgements([first, second], [1, 0]), first, rtol=1e-12)
    assert_allclose(group_judgements([first, second]), 1.0, rtol=1e-12)
    assert_allclose(group_judgements([first, second], [2, 1]), group_judgements([second, first], [1, 2]), rtol=1e-12)
    with pytest.raises(Inconsistent):
        group_judgements([first], [1, 1])
    with pytest.raises(OutOfRange):
        group_judgements([first, second], [0, 0])
    with pytest.raises(TooFew):
        group_judgements(first)


def test_malformed_judgements_are_refused() -> None:
    with pytest.raises(Inconsistent):
        ahp([[1, 2], [2, 1]])
    with pytest.raises(OutOfRange):
        ahp([[1.0, -2.0], [-0.5, 1.0]])
    with pytest.raises(OutOfRange):
        ahp(np.ones((16, 16)))
    with pytest.raises(TooFew):
        ahp([[1, 2, 3], [1, 2, 3]])
    with pytest.raises(NotFinite):
        ahp([[1.0, np.nan], [np.nan, 1.0]])
    with pytest.raises(TooFew):
        ahp([])
