"""Regression against certified values, known coefficients and statsmodels; drivers that add up."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from andon_quality.structure import Errors, drivers, regress, variance_inflation
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from statsmodels.stats.outliers_influence import variance_inflation_factor
from statsmodels.stats.stattools import durbin_watson

NORRIS = Path(__file__).parents[3] / ".." / "shared" / "data" / "spc" / "nist_Norris.dat"


def data(seed: int, n: int = 40, columns: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, columns)) + random.normal(size=(n, 1))
    noise = np.convolve(random.normal(size=n + 1), [1.0, 0.6], mode="valid")
    return 2.0 + x @ np.arange(1.0, columns + 1.0) + noise, x


def test_norris_has_its_certified_values() -> None:
    if not NORRIS.exists():
        pytest.skip("the shared data set is not here")
    rows = np.array([line.split() for line in NORRIS.read_text().splitlines()[60:] if line.strip()], dtype=float)
    fit = regress(rows[:, 0], rows[:, 1])
    assert_allclose(fit.coefficients, [-0.262323073774029, 1.00211681802045], rtol=1e-10)
    assert_allclose(fit.errors, [0.232818234301152, 0.429796848199937e-3], rtol=1e-9)
    assert fit.r2 == pytest.approx(0.999993745883712, rel=1e-12)
    assert fit.residual_sd == pytest.approx(0.884796396144373, rel=1e-9)
    assert fit.f == pytest.approx(5436385.54079785, rel=1e-8)


def test_the_attitude_survey_has_its_known_coefficients(attitude: dict[str, Any], expected: Any) -> None:
    known = expected["attitude_regression"]
    names = [name for name in known["coef"] if name != "const"]
    fit = regress(attitude["rating"], np.column_stack([attitude[name] for name in names]))
    assert_allclose(fit.coefficients, [known["coef"]["const"], *(known["coef"][name] for name in names)], atol=5e-6)
    assert fit.r2 == pytest.approx(known["r2"], abs=5e-7)
    assert fit.f == pytest.approx(known["f"], abs=5e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("errors", Errors)
def test_coefficients_and_errors_agree_with_statsmodels(seed: int, errors: Errors) -> None:
    y, x = data(seed)
    model = sm.OLS(y, sm.add_constant(x))
    options: dict[Errors, dict[str, Any]] = {
        Errors.CLASSIC: {},
        Errors.HC3: {"cov_type": "HC3"},
        Errors.HAC: {"cov_type": "HAC", "cov_kwds": {"maxlags": 3, "use_correction": True}},
    }
    theirs = model.fit(use_t=True, **options[errors])
    ours = regress(y, x, errors, lags=3)
    interval = theirs.conf_int()
    assert_allclose(ours.coefficients, theirs.params, rtol=1e-8)
    assert_allclose(ours.errors, theirs.bse, rtol=1e-8)
    assert_allclose(ours.p_value, theirs.pvalues, rtol=1e-6, atol=1e-15)
    assert_allclose(np.column_stack([ours.lower, ours.upper]), interval, rtol=1e-7)
    assert_allclose(
        (ours.r2, ours.r2_adjusted, ours.f), (theirs.rsquared, theirs.rsquared_adj, theirs.fvalue), rtol=1e-8
    )
    assert ours.durbin_watson == pytest.approx(durbin_watson(theirs.resid), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 500), unit=st.floats(0.01, 100.0), shift=st.floats(-100.0, 100.0))
def test_a_new_unit_scales_the_slope_and_a_shift_moves_the_constant_alone(seed: int, unit: float, shift: float) -> None:
    y, x = data(seed)
    plain, scaled, moved = regress(y, x), regress(y, x * unit), regress(y + shift, x)
    assert_allclose(scaled.coefficients[1:] * unit, plain.coefficients[1:], rtol=1e-8, atol=1e-10)
    assert_allclose(scaled.t[1:], plain.t[1:], rtol=1e-7)
    assert_allclose(moved.coefficients, plain.coefficients + np.array([shift, 0.0, 0.0, 0.0]), atol=1e-9)
    order = np.random.default_rng(seed).permutation(len(y))
    assert_allclose(regress(y[order], x[order]).coefficients, plain.coefficients, atol=1e-10)


def test_variance_inflation_agrees_with_statsmodels() -> None:
    _, x = data(3)
    design = sm.add_constant(x)
    assert_allclose(variance_inflation(x), [variance_inflation_factor(design, i) for i in (1, 2, 3)], rtol=1e-8)


def test_driver_shares_are_the_mean_rise_over_all_orders_and_sum_to_r2() -> None:
    y, x = data(6, columns=4)
    found = drivers(y, x)
    rise = np.zeros(4)
    for order in permutations(range(4)):
        before = 0.0
        for place, column in enumerate(order):
            after = regress(y, x[:, list(order[: place + 1])]).r2
            rise[column] += (after - before) / 24
            before = after
    assert_allclose(found.share, rise, atol=1e-10)
    assert found.share.sum() == pytest.approx(found.r2, abs=1e-12)
    assert found.r2 == pytest.approx(regress(y, x).r2, abs=1e-10)
    z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    assert_allclose(found.slope, regress((y - y.mean()) / y.std(ddof=1), z).coefficients[1:], atol=1e-10)


def test_complaints_drive_the_rating_of_the_attitude_survey(attitude: dict[str, Any]) -> None:
    names = ["complaints", "privileges", "learning", "raises", "critical", "advance"]
    found = drivers(attitude["rating"], np.column_stack([attitude[name] for name in names]))
    assert names[found.order[0]] == "complaints"


def test_what_cannot_be_fitted_is_refused() -> None:
    y, x = data(1)
    with pytest.raises(Inconsistent):
        regress(y, np.column_stack([x, x[:, 0] + x[:, 1]]))
    with pytest.raises(NoSpread):
        regress(np.ones(40), x)
    with pytest.raises(TooFew):
        regress(y[:4], x[:4])
    with pytest.raises(Inconsistent):
        regress(y[:-1], x)
    with pytest.raises(OutOfRange):
        regress(y, x, Errors.HAC, lags=40)
    with pytest.raises(OutOfRange):
        drivers(np.arange(40.0), np.random.default_rng(1).normal(size=(40, 17)))
