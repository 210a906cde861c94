"""Sums of products against matrices, and a design factored once against its normal equations."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arrays import BLOCK_NUMBERS
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.structure.least_squares import along, around, combined, factored, lag_count, long_run, products
from hypothesis import given, settings
from hypothesis import strategies as st

MANY = settings(max_examples=20, deadline=None)


@MANY
@given(seed=st.integers(0, 999), p=st.integers(1, 4), q=st.integers(1, 4), n=st.integers(4, 40), lags=st.integers(0, 3))
def test_sums_of_products_are_those_of_matrices(seed: int, p: int, q: int, n: int, lags: int) -> None:
    random = np.random.default_rng(seed)
    first, second, vectors = random.normal(size=(3, p, n)), random.normal(size=(3, q, n)), random.normal(size=(3, n))
    assert products(first, second) == pytest.approx(first @ np.swapaxes(second, -1, -2), abs=1e-12)
    assert along(first, vectors) == pytest.approx((first @ vectors[..., None])[..., 0], abs=1e-12)
    assert combined(vectors[:, :p], first) == pytest.approx((vectors[:, None, :p] @ first)[:, 0], abs=1e-12)
    kernel = np.maximum(1 - np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (lags + 1), 0.0)
    assert long_run(first, lags) == pytest.approx(first @ kernel @ np.swapaxes(first, -1, -2), abs=1e-12)


@MANY
@given(seed=st.integers(0, 999), p=st.integers(1, 4), n=st.integers(8, 40))
def test_a_factored_design_gives_the_coefficients_and_covariance_of_its_normal_equations(
    seed: int, p: int, n: int
) -> None:
    random = np.random.default_rng(seed)
    columns, y = np.vstack([np.ones(n), random.normal(size=(p - 1, n))]), random.normal(size=n)
    design = factored(columns)
    inverse = np.linalg.inv(columns @ columns.T)
    coefficients, rest = design.fit(y)
    assert coefficients == pytest.approx(inverse @ columns @ y, rel=1e-6, abs=1e-9)
    assert rest == pytest.approx(y - coefficients @ columns, abs=1e-9)
    assert design.covariance(np.eye(p)) == pytest.approx(inverse, rel=1e-6, abs=1e-9)
    assert around(columns[:, :p], np.eye(p)) == pytest.approx(columns[:, :p] @ columns[:, :p].T, abs=1e-12)


def test_large_sums_are_to_the_bit_those_of_small_ones() -> None:
    random = np.random.default_rng(5)
    first, vectors = random.normal(size=(40, 6, 301)), random.normal(size=(40, 301))
    assert first.size * 6 > BLOCK_NUMBERS
    assert np.array_equal(products(first, first), [products(one, one) for one in first])
    many = np.tile(vectors, (20, 1))
    assert many.size * 6 > BLOCK_NUMBERS
    assert np.array_equal(along(first[0], many)[:40], [along(first[0], one) for one in vectors])


def test_a_level_far_from_zero_costs_no_digits() -> None:
    random = np.random.default_rng(6)
    columns = np.vstack([np.ones(50), random.normal(size=(2, 50))])
    y = np.round(random.normal(size=50) * 1024) / 1024
    (near, rest), (far, far_rest) = factored(columns).fit(y), factored(columns).fit(y + 2.0**30)
    assert far[1:] == pytest.approx(near[1:], rel=1e-10)
    assert far_rest == pytest.approx(rest, abs=1e-10)


def test_columns_that_say_nothing_of_their_own_and_lags_that_are_not_there_are_refused() -> None:
    with pytest.raises(Inconsistent):
        factored(np.array([[1.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(Inconsistent):
        factored(np.array([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]))
    for lags in (-1, 30):
        with pytest.raises(OutOfRange):
            lag_count(30, lags)
