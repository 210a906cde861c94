"""Entropy, CRITIC and MEREC against printed tables and pymcdm, and what all of them must keep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from andon_quality.arrays import FloatArray
from andon_quality.errors import NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.weights import critic, entropy, merec
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from pymcdm.weights import critic_weights, entropy_weights, merec_weights

METHODS = (entropy, critic, merec)
Method = Callable[[FloatArray], FloatArray]

FIRMS = [
    [61, 1.08, 4.33],
    [20.7, 0.26, 4.34],
    [16.3, 1.98, 2.53],
    [9, 3.29, 1.65],
    [5.4, 2.77, 2.33],
    [4, 4.12, 1.21],
    [-6.1, 3.52, 2.10],
    [-34.6, 3.31, 0.98],
]


def test_critic_has_the_weights_printed_in_its_paper() -> None:
    assert_allclose(critic(FIRMS), [0.20222554, 0.48090173, 0.31687273], atol=5e-9)


def test_merec_has_its_printed_weights() -> None:
    rows = [[450, 8000, 54, 145], [10, 9100, 2, 160], [100, 8200, 31, 153], [220, 9300, 1, 162], [5, 8400, 23, 158]]
    assert_allclose(merec(rows, [1, 1, -1, -1]), [0.5752, 0.0141, 0.4016, 0.0091], atol=5e-5)


def table(seed: int, units: int = 7, criteria: int = 4) -> FloatArray:
    return np.random.default_rng(seed).uniform(1.0, 50.0, (units, criteria))


@pytest.mark.parametrize("seed", range(5))
def test_all_three_agree_with_pymcdm(seed: int) -> None:
    rows = table(seed)
    assert_allclose(entropy(rows), entropy_weights(rows), atol=1e-10)
    assert_allclose(critic(rows), critic_weights(rows), atol=1e-10)
    types = np.array([1, -1, 1, -1])
    assert_allclose(merec(rows, types), merec_weights(rows, types), atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 500), unit=st.floats(0.01, 100.0))
def test_order_of_units_and_unit_of_a_criterion_do_not_matter(method: Method, seed: int, unit: float) -> None:
    rows = table(seed)
    weights = method(rows)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()
    assert_allclose(method(rows[::-1]), weights, atol=1e-9)
    assert_allclose(method(rows * [1.0, unit, 1.0, 1.0]), weights, atol=1e-9)
    assert_allclose(method(rows[:, ::-1]), weights[::-1], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 500), shift=st.floats(-1e3, 1e3))
def test_critic_does_not_care_where_zero_is(seed: int, shift: float) -> None:
    rows = table(seed)
    assert_allclose(critic(rows + shift), critic(rows), atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_criterion_that_is_equal_everywhere_weighs_nothing(method: Method) -> None:
    rows = table(1)
    rows[:, 2] = 0.1
    assert method(rows)[2] == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_units_that_are_all_alike_have_no_weights(method: Method) -> None:
    with pytest.raises(NoSpread):
        method(np.full((3, 3), 0.1))


@pytest.mark.parametrize("method", METHODS)
def test_missing_and_single_rows_are_refused(method: Method) -> None:
    with pytest.raises(NotFinite):
        method(np.array([[1.0, np.nan], [1.0, 2.0]]))
    with pytest.raises(TooFew):
        method(np.array([[1.0, 2.0]]))


def test_values_outside_the_domain_are_refused() -> None:
    with pytest.raises(OutOfRange):
        entropy([[-1.0, 1.0], [1.0, 2.0]])
    with pytest.raises(OutOfRange):
        merec([[0.0, 1.0], [1.0, 2.0]])
    with pytest.raises(OutOfRange):
        critic([[0.0, 1.0], [1.0, 2.0]], directions=[1, 2])
