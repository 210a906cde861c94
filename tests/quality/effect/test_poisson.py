"""Poisson regressions of many series, against statsmodels and each as it is alone."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from andon_quality.arrays import FloatArray
from andon_quality.effect.poisson import fit_poisson
from hypothesis import given, settings
from hypothesis import strategies as st


def made(seed: int, series: int, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    columns = np.vstack([np.ones(n), random.normal(size=(2, n))])
    offset = np.log(random.uniform(0.5, 2.0, (series, n)))
    slopes = np.column_stack([np.log(random.uniform(2, 400, series)), random.normal(0, 0.4, (series, 2))])
    counts = random.poisson(np.exp(slopes @ columns + offset)).astype(float)
    counts[:, 0] += 1.0
    return columns, counts, offset


@pytest.mark.parametrize("seed", range(3))
def test_coefficients_agree_with_a_glm(seed: int) -> None:
    columns, counts, offset = made(seed, 4, 40)
    coefficients, mean, settled = fit_poisson(columns, counts, offset)
    assert settled.all()
    for place in range(4):
        theirs = sm.GLM(counts[place], columns.T, sm.families.Poisson(), offset=offset[place]).fit(tol=1e-12)
        assert coefficients[place] == pytest.approx(theirs.params, rel=1e-6, abs=1e-8)
        assert mean[place] == pytest.approx(theirs.mu, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), series=st.integers(1, 8), n=st.integers(6, 40))
def test_each_takes_the_steps_that_it_takes_alone(seed: int, series: int, n: int) -> None:
    columns, counts, offset = made(seed, series, n)
    coefficients, mean, settled = fit_poisson(columns, counts, offset)
    assert settled.all()
    for place in range(series):
        own, level, _ = fit_poisson(columns, counts[place : place + 1], offset[place : place + 1])
        assert np.array_equal(coefficients[place], own[0])
        assert np.array_equal(mean[place], level[0])


def test_a_segment_without_events_does_not_settle_and_leaves_the_others_alone() -> None:
    columns = np.vstack([np.ones(8), np.arange(8) >= 4])
    counts = np.array([[3.0, 4.0, 2.0, 3.0, 5.0, 4.0, 6.0, 5.0], [3.0, 4.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0]])
    coefficients, _, settled = fit_poisson(columns, counts, np.zeros((2, 8)))
    assert settled.tolist() == [True, False]
    assert coefficients[0] == pytest.approx([np.log(3), np.log(5 / 3)])


def test_columns_that_repeat_each_other_have_no_single_answer() -> None:
    assert fit_poisson(np.ones((2, 8)), np.full((3, 8), 2.0), np.zeros((3, 8)))[2].tolist() == [False] * 3
