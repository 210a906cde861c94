"""Many responses, pairs and groups in one call are, bit for bit, what they are one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from andon_quality.arrays import BLOCK_NUMBERS
from andon_quality.errors import NoSpread, NotFinite
from andon_quality.structure import Association, Errors, correlate, correlation_matrix, drivers, regress
from hypothesis import given, settings
from hypothesis import strategies as st

MANY = settings(max_examples=20, deadline=None)


@pytest.mark.parametrize("errors", Errors)
@MANY
@given(seed=st.integers(0, 999), responses=st.integers(1, 9), n=st.integers(8, 60), columns=st.integers(1, 5))
def test_responses_on_one_design_are_as_one_by_one(
    each_the_same: Any, errors: Errors, seed: int, responses: int, n: int, columns: int
) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, columns))
    y = random.normal(size=(responses, columns)) @ x.T + random.normal(size=(responses, n))
    each_the_same(regress(y, x, errors), [regress(one, x, errors) for one in y])


@pytest.mark.parametrize("association", Association)
@MANY
@given(seed=st.integers(0, 999), pairs=st.integers(1, 9), n=st.integers(4, 60), graded=st.booleans())
def test_pairs_are_as_one_by_one(
    each_the_same: Any, association: Association, seed: int, pairs: int, n: int, graded: bool
) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(2, pairs, n))
    x, y = (np.round(x), np.round(y)) if graded else (x, x + y)
    for each in (x, y):
        each[:, 0] = 9.0
    one_by_one = [correlate(a, b, association) for a, b in zip(x, y, strict=True)]
    each_the_same(correlate(x, y, association), one_by_one)
    each_the_same(correlate(x[0], y, association), [correlate(x[0], b, association) for b in y])
    matrix = correlation_matrix(np.stack([x[0], y[0]], axis=1), association)
    ours = one_by_one[0]
    figures = ours.effect, ours.interval.lower, ours.interval.upper, ours.p_value
    theirs = [table[0, 1] for table in (matrix.r, matrix.lower, matrix.upper, matrix.p_value)]
    assert figures == pytest.approx(theirs, abs=1e-6)


@MANY
@given(seed=st.integers(0, 999), outcomes=st.integers(1, 7), n=st.integers(9, 60), columns=st.integers(1, 6))
def test_drivers_of_many_outcomes_are_as_one_by_one(
    each_the_same: Any, seed: int, outcomes: int, n: int, columns: int
) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, columns)) + random.normal(size=(n, 1))
    y = random.normal(size=(outcomes, columns)) @ x.T + random.normal(size=(outcomes, n))
    each_the_same(drivers(y, x), [drivers(one, x) for one in y])


def test_more_responses_than_one_block_holds_are_as_one_by_one(each_the_same: Any) -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=(300, 4)), random.normal(size=(100, 300))
    assert y.size * 5 * 5 > 2 * BLOCK_NUMBERS
    each_the_same(regress(y, x, Errors.HAC), [regress(one, x, Errors.HAC) for one in y])


def test_what_cannot_be_judged_is_named_with_the_first_that_cannot() -> None:
    x, y = np.arange(9.0), np.random.default_rng(1).normal(size=(4, 9))
    y[2] = 7.0
    with pytest.raises(NoSpread, match="series 2"):
        regress(y, x)
    with pytest.raises(NoSpread, match="series 2"):
        correlate(x, y)
    with pytest.raises(NoSpread, match="series 2"):
        drivers(y, x)
    y[1, 3] = np.nan
    with pytest.raises(NotFinite, match="series 1"):
        regress(y, x)
