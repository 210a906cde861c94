"""Shiryaev-Roberts against simulation and the martingale that bounds it."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl import design_shiryaev_roberts, shiryaev_roberts, shiryaev_roberts_run, steady_state_delay
from andon_quality.errors import OutOfRange


@pytest.mark.parametrize(("shift", "head_start"), [(0.0, 0.0), (0.5, 0.0), (1.0, 20.0)])
def test_it_agrees_with_a_simulation(shift: float, head_start: float) -> None:
    rng = np.random.default_rng(19)
    state, alive, runs = np.full(40_000, head_start), np.ones(40_000, dtype=bool), np.zeros(40_000)
    while alive.any():
        state = np.where(alive, (1.0 + state) * np.exp(rng.normal(shift, 1.0, state.size) - 0.5), 0.0)
        runs += alive
        alive &= state < 50.0
    expected = pytest.approx(runs.mean(), abs=4 * runs.std() / runs.size**0.5)
    assert shiryaev_roberts(0.5, 50.0, shift, head_start) == expected


@pytest.mark.parametrize("k", [0.1, 0.25, 0.5])
def test_the_in_control_run_is_the_threshold_over_the_mean_overshoot(k: float) -> None:
    # R_n - n is a martingale, so the ARL is E[R at the alarm]; the overshoot in logarithm is 2 k 0.583.
    assert shiryaev_roberts(k, 1000.0) == pytest.approx(1000.0 * np.exp(1.166 * k), rel=0.02)


def test_the_designed_threshold_has_the_requested_run_length() -> None:
    assert shiryaev_roberts(0.25, design_shiryaev_roberts(0.25, 740.0)) == pytest.approx(740.0, rel=1e-7)


def test_after_many_quiet_points_it_is_sooner_than_from_the_start() -> None:
    quiet, shifted = shiryaev_roberts_run(0.5, 400.0), shiryaev_roberts_run(0.5, 400.0, 1.0)
    assert steady_state_delay(quiet, shifted) < shifted.mean()


@pytest.mark.parametrize(("k", "threshold", "head_start"), [(0.0, 9.0, 0.0), (0.5, 0.0, 0.0), (0.5, 9.0, 9.0)])
def test_parameters_outside_their_domain_are_refused(k: float, threshold: float, head_start: float) -> None:
    with pytest.raises(OutOfRange):
        shiryaev_roberts(k, threshold, 0.0, head_start)
