"""What is fitted to a baseline, and whether the streams made from it are like it."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arrays import FloatArray
from andon_quality.calibration.process import Form, ProcessFit, Sampling, deviations, fit, simulate, zero_inflation
from hypothesis import given, settings
from hypothesis import strategies as st


def rows(count: int, sizes: FloatArray | None = None) -> Sampling:
    return Sampling(np.ones(count) if sizes is None else sizes, None, np.ones(count, dtype=np.bool_))


def one(level: float, dispersion: float = 0.0, phi: tuple[float, ...] = (), first: float = 0.0) -> ProcessFit:
    return ProcessFit(
        np.array([[level]]), np.array([dispersion]), np.array(phi)[:, None], np.ones(1), np.ones(1), np.array([first])
    )


@pytest.mark.parametrize(("alpha", "share"), [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.8, 0.5)])
def test_simulated_counts_have_the_mean_and_the_variance_of_the_fit(alpha: float, share: float) -> None:
    counts = simulate(Form("count", zeros_share=share), one(5.0, alpha), rows(400), 500, np.random.default_rng(1))
    assert counts.mean() == pytest.approx(5.0, rel=0.01)
    assert counts.var() == pytest.approx(5.0 + alpha * 25.0, rel=0.03)


@settings(deadline=None, max_examples=50)
@given(st.floats(0.0, 5.0), st.floats(0.0, 1.0))
def test_extra_zeros_and_what_is_left_make_up_the_whole_dispersion(alpha: float, share: float) -> None:
    extra, left = zero_inflation(alpha, share)
    assert 0.0 <= extra < 1.0
    assert left >= 0.0
    assert (left + extra) / (1.0 - extra) == pytest.approx(alpha, abs=1e-9)


@pytest.mark.parametrize("kind", ["count", "proportion"])
def test_autocorrelated_counts_have_the_autocorrelation_of_the_fit(kind: str) -> None:
    form = Form(kind, order=1)  # type: ignore[arg-type]
    known = one(10.0, 0.2, (0.4,), 0.4) if kind == "count" else one(0.2, 0.05, (0.4,), 0.4)
    along = rows(4000, np.full(4000, 1.0 if kind == "count" else 50.0))
    again = fit(form, simulate(form, known, along, 20, np.random.default_rng(2)), along)
    assert again.first.mean() == pytest.approx(0.4, abs=0.05)
    assert again.dispersion.mean() == pytest.approx(known.dispersion[0], rel=0.2)


def test_an_autoregression_is_recovered_with_its_innovations() -> None:
    form, known = Form("continuous", order=2), one(3.0, 0.0, (0.5, 0.3))
    again = fit(form, simulate(form, known, rows(5000), 10, np.random.default_rng(3)), rows(5000))
    assert again.phi.mean(axis=1) == pytest.approx([0.5, 0.3], abs=0.02)
    assert again.sd.mean() == pytest.approx(1.0, abs=0.02)


def test_proportions_of_varying_sizes_have_unit_deviations() -> None:
    sizes = np.random.default_rng(4).integers(10, 300, 3000).astype(np.float64)
    along, form = rows(3000, sizes), Form("proportion")
    values = simulate(form, one(0.3, 0.04), along, 20, np.random.default_rng(5))
    again = fit(form, values, along)
    assert again.dispersion.mean() == pytest.approx(0.04, rel=0.1)
    assert deviations(form, again, values, along).std() == pytest.approx(1.0, abs=0.02)


def test_the_smoothed_bootstrap_keeps_the_spread_and_the_skew_of_its_residuals() -> None:
    residuals = np.random.default_rng(6).exponential(1.0, 400)
    residuals = (residuals - residuals.mean()) / residuals.std()
    drawn = simulate(Form("continuous", innovations=residuals), one(0.0), rows(500), 200, np.random.default_rng(7))
    assert drawn.std() == pytest.approx(1.0, abs=0.02)
    assert ((drawn - drawn.mean()) ** 3).mean() > 0.8 * (residuals**3).mean()


def test_missing_points_do_not_reach_the_fit() -> None:
    values = np.random.default_rng(8).normal(5.0, 1.0, (100, 1))
    present = np.arange(100) % 3 > 0
    holes = np.where(present[:, None], values, np.nan)
    form = Form("continuous", order=1)
    fitted = fit(form, holes, Sampling(np.ones(100), None, present))
    assert fitted.level[0, 0] == pytest.approx(values[present].mean())
    assert np.isfinite(fitted.phi).all()
