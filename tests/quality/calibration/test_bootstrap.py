"""The parts of the calibration: run lengths beyond a horizon, orders of autoregression, scales of values."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.calibration.autoregression import autocovariances, autoregression, choose_order
from andon_quality.calibration.bootstrap import _first_above, mean_run
from andon_quality.calibration.process import Sampling
from andon_quality.calibration.selection import choose_power
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_geometric_run_is_extrapolated_to_its_mean() -> None:
    runs = np.random.default_rng(1).geometric(0.01, 40_000).astype(np.float64)
    assert mean_run(np.where(runs > 150, np.inf, runs), 150) == pytest.approx(100.0, rel=0.03)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 30), st.integers(0, 2**32), st.floats(-3.0, 3.0))
def test_the_first_row_above_a_limit_is_found_in_every_column(rows: int, seed: int, limit: float) -> None:
    rising = np.maximum.accumulate(np.random.default_rng(seed).standard_normal((rows, 7)), axis=0)
    above = rising > limit
    assert (
        _first_above(rising, limit).tolist() == np.where(above.any(axis=0), above.argmax(axis=0) + 1, rows + 1).tolist()
    )


@pytest.mark.parametrize("phi", [(), (0.6,), (0.5, 0.3)])
def test_autocorrelation_is_found_where_there_is_some_and_its_order_is_no_shorter(phi: tuple[float, ...]) -> None:
    values = np.random.default_rng(2).standard_normal(1500)
    for at in range(2, values.size):
        values[at] += sum(share * values[at - lag] for lag, share in enumerate(phi, 1))
    known = autocovariances(values[:, None], np.ones(values.size, dtype=np.bool_), 5)
    order = choose_order(known, values.size)
    assert (order == 0) == (not phi)
    assert order >= len(phi)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_every_autoregression_is_stationary(seed: int, order: int) -> None:
    walks = np.random.default_rng(seed).standard_normal((40, 6)).cumsum(axis=0)
    phi, sd = autoregression(autocovariances(walks, np.random.default_rng(seed).random(40) > 0.2, order), order)
    for own in phi.T:
        assert np.abs(np.roots(np.concatenate([[1.0], -own]))).max() < 1.0
    assert (sd > 0.0).all()


@pytest.mark.parametrize(("power", "spread"), [(0.0, 0.6), (1.0, 0.05)])
def test_lognormal_values_are_charted_as_logarithms_and_nearly_symmetric_ones_as_they_are(
    power: float, spread: float
) -> None:
    values = np.exp(spread * np.random.default_rng(3).standard_normal(300))
    along = Sampling(np.ones(300), None, np.ones(300, dtype=np.bool_))
    assert choose_power(values, along) == power


def test_gamma_values_are_charted_as_roots() -> None:
    values = np.random.default_rng(4).gamma(2.0, 1.0, 500)
    along = Sampling(np.ones(500), None, np.ones(500, dtype=np.bool_))
    assert choose_power(values, along) == pytest.approx(1.0 / 3.0)
