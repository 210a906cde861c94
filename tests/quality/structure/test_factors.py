"""Factors of the bank survey as known, and loadings against statsmodels and scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange
from andon_quality.reliability import cronbach
from andon_quality.structure import (
    Rotation,
    adequacy,
    eigenvalues,
    factor_analysis,
    parallel_analysis,
    promax,
    standardised,
    varimax,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from sklearn.decomposition import FactorAnalysis
from statsmodels.multivariate.factor import Factor
from statsmodels.multivariate.factor_rotation import rotate_factors

Columns = dict[str, NDArray[np.float64]]


def two_factor_items(seed: int = 4, n: int = 400) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    loadings = np.array([[0.9, 0], [0.8, 0], [0.7, 0], [0, 0.85], [0, 0.75], [0, 0.65]])
    scores = random.normal(size=(n, 2)) @ np.array([[1.0, 0.3], [0.0, 0.95]])
    return np.asarray(scores @ loadings.T + 0.5 * random.normal(size=(n, 6)), dtype=np.float64)


def test_the_bank_survey_has_its_known_adequacy_and_eigenvalues(bank: Columns, expected: Any) -> None:
    known = expected["bank_ecsi"]
    table = np.column_stack(list(bank.values()))
    found = adequacy(table)
    assert found.kmo == pytest.approx(known["kmo"], abs=5e-5)
    assert found.chi_square == pytest.approx(known["bartlett"]["chi2"], abs=5e-3)
    assert found.df == known["bartlett"]["df"]
    assert found.p_value < 1e-300
    assert (eigenvalues(table) > 1).sum() == known["eigenvalues_over_1"]


def test_the_bank_survey_has_its_known_alphas(bank: Columns, expected: Any) -> None:
    for scale, alpha in expected["bank_ecsi"]["alpha"].items():
        items = np.column_stack([bank[name] for name in bank if name.startswith(scale)])
        assert cronbach(items).alpha == pytest.approx(alpha, abs=5e-5)


def test_loadings_agree_with_statsmodels_up_to_sign() -> None:
    table = two_factor_items()
    ours = factor_analysis(table, 2, Rotation.NONE)
    theirs = Factor(table, n_factor=2, method="ml").fit()
    assert_allclose(np.abs(ours.loadings), np.abs(theirs.loadings), atol=2e-4)
    assert_allclose(ours.uniqueness, theirs.uniqueness, atol=2e-4)


def test_reproduced_correlations_agree_with_scikit_learn() -> None:
    table = standardised(two_factor_items()) * np.sqrt(400 / 399)
    ours = factor_analysis(table, 2, Rotation.VARIMAX)
    theirs = FactorAnalysis(2, tol=1e-10, max_iter=20_000, svd_method="lapack").fit(table).components_
    assert_allclose(ours.loadings @ ours.loadings.T, theirs.T @ theirs, atol=2e-3)


def test_varimax_reaches_what_statsmodels_reaches() -> None:
    start = factor_analysis(two_factor_items(), 2, Rotation.NONE).loadings
    ours, theirs = varimax(start, kaiser=False), rotate_factors(start, "varimax")[0]

    def simplicity(loadings: NDArray[np.float64]) -> float:
        return float((loadings**2).var(axis=0).sum())

    assert simplicity(ours) >= simplicity(theirs) - 1e-9
    assert_allclose(np.sort(np.abs(ours).sum(axis=0)), np.sort(np.abs(theirs).sum(axis=0)), atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 500), factors=st.integers(2, 4))
def test_varimax_keeps_communalities_and_no_turn_of_the_start_matters(seed: int, factors: int) -> None:
    random = np.random.default_rng(seed)
    start = np.kron(np.eye(factors), [[0.8], [0.7], [0.6]]) + random.normal(0, 0.05, (3 * factors, factors))
    turn = np.linalg.qr(random.normal(size=(factors, factors)))[0]
    ours = varimax(start)
    assert_allclose((ours**2).sum(axis=1), (start**2).sum(axis=1), atol=1e-9)
    assert_allclose(varimax(start @ turn), ours, atol=1e-6)


def test_promax_reproduces_the_same_correlations_and_finds_the_factors_related() -> None:
    found = factor_analysis(two_factor_items(), 2, Rotation.PROMAX)
    plain = factor_analysis(two_factor_items(), 2, Rotation.NONE)
    reproduced = found.loadings @ found.between @ found.loadings.T
    assert_allclose(reproduced, plain.loadings @ plain.loadings.T, atol=1e-9)
    assert_allclose(np.diag(found.between), 1.0, atol=1e-12)
    assert 0.15 < found.between[0, 1] < 0.5
    assert (np.abs(found.loadings[:3, 1]) < 0.1).all() != (np.abs(found.loadings[:3, 0]) < 0.1).all()


def test_two_factors_are_enough_for_two_factors_and_one_is_not() -> None:
    enough, short = (factor_analysis(two_factor_items(), k).p_value for k in (2, 1))
    assert enough is not None
    assert short is not None
    assert short < 1e-6 < 0.01 < enough
    assert parallel_analysis(two_factor_items(), draws=50) == 2
    assert parallel_analysis(np.random.default_rng(1).normal(size=(200, 6)), draws=50) == 0


def test_loadings_do_not_know_the_order_of_cases_the_shift_or_the_unit() -> None:
    table = two_factor_items()
    plain = factor_analysis(table, 2)
    for other in (table[::-1], table * 3.0 - 8.0):
        assert_allclose(factor_analysis(other, 2).loadings, plain.loadings, atol=1e-5)


def test_what_has_no_factors_is_refused() -> None:
    table = two_factor_items()
    with pytest.raises(OutOfRange):
        factor_analysis(table, 4)
    with pytest.raises(Inconsistent):
        factor_analysis(np.column_stack([table, table[:, 0] + table[:, 1]]), 1)
    with pytest.raises(NoSpread):
        adequacy(np.column_stack([table, np.ones(400)]))
    with pytest.raises(OutOfRange):
        promax(table[:6], power=1)
