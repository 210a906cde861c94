"""BWM: consistent judgements give their weights, the optimum is one, and contradictions are refused."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent, NotFinite, OutOfRange, TooFew
from andon_quality.weights import bwm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose


def deviation(weights: FloatArray, to_others: FloatArray, to_worst: FloatArray) -> float:
    best, worst = int(np.argmax(to_worst)), int(np.argmax(to_others))
    gaps = [np.abs(weights[best] - to_others * weights), np.abs(weights - to_worst * weights[worst])]
    return float(np.concatenate(gaps).max())


def test_three_criteria_have_the_optimum_that_the_equations_give_by_hand() -> None:
    """8 2 1 and 1 5 8: xi = 1/28, weights 2/28 9/28 17/28."""
    result = bwm([8, 2, 1], [1, 5, 8])
    assert_allclose(result.weights, np.array([2, 9, 17]) / 28, atol=1e-9)
    assert result.deviation == pytest.approx(1 / 28, abs=1e-9)
    assert result.consistency_ratio == pytest.approx(2 / 56)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=6), st.integers(0, 99))
def test_no_weights_nearby_deviate_less(extra: list[int], seed: int) -> None:
    to_others = np.array([1.0, *extra, 9.0])
    to_worst = np.array([9.0, *(max(1.0, round(9.0 / value)) for value in extra), 1.0])
    result = bwm(to_others, to_worst, ratio_max=None)
    assert result.weights.sum() == pytest.approx(1.0)
    assert deviation(result.weights, to_others, to_worst) == pytest.approx(result.deviation, abs=1e-9)
    near = np.abs(result.weights + np.random.default_rng(seed).normal(0, 0.01, (200, len(to_others))))
    assert min(deviation(w / w.sum(), to_others, to_worst) for w in near) >= result.deviation - 1e-12


def test_consistent_judgements_return_their_weights() -> None:
    result = bwm([1, 2, 6], [6, 3, 1])
    assert_allclose(result.weights, [0.6, 0.3, 0.1], atol=1e-12)
    assert result.consistency_ratio == 0.0


def test_criteria_that_are_all_alike_weigh_alike() -> None:
    assert_allclose(bwm([1, 1, 1], [1, 1, 1]).weights, 1 / 3)


def test_contradictions_are_refused() -> None:
    with pytest.raises(Inconsistent, match="ratio"):
        bwm([1, 8, 9], [9, 8, 1])
    with pytest.raises(Inconsistent, match="same in both"):
        bwm([1, 2, 6], [5, 3, 1])
    with pytest.raises(Inconsistent, match="per criterion"):
        bwm([1, 2, 6], [6, 1])
    with pytest.raises(OutOfRange):
        bwm([1, 0.5, 6], [6, 3, 1])
    with pytest.raises(NotFinite):
        bwm([1, np.inf, 6], [6, 3, 1])
    with pytest.raises(TooFew):
        bwm([1], [1])
