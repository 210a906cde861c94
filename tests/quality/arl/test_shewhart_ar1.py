"""The run length on autocorrelated points against Kramer and Schmid, and against what is measured in practice."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl import design_shewhart_ar1, shewhart, shewhart_ar1, shewhart_ar1_run
from andon_quality.errors import OutOfRange

PRINTED = (515.44, 215.48, 61.85, 21.63, 9.19, 4.58, 2.61, 1.71, 1.29)


@pytest.mark.parametrize(("step", "printed"), list(enumerate(PRINTED)))
def test_phi_0_4_limit_3_09023_is_kramer_and_schmid_table_1_at_shifts_of_half_a_sigma_of_the_process(
    step: int, printed: float
) -> None:
    # In control the table ends in 4 where four different node counts all give 515.4508.
    assert shewhart_ar1(0.4, 3.09023, 0.5 * step) == pytest.approx(printed, abs=0.011)


def test_without_correlation_it_is_the_plain_chart() -> None:
    for shift in (0.0, 1.5):
        assert shewhart_ar1(0.0, 3.0, shift) == pytest.approx(shewhart(["WE1"], shift), rel=1e-10)


@pytest.mark.parametrize(("phi", "measured"), [(0.25, 132), (0.5, 35), (0.75, 12)])
def test_limits_from_moving_ranges_promise_370_and_hold_what_is_measured(phi: float, measured: float) -> None:
    # Measured is the mean over baselines of 100 points, which the widest of them lift above a known moving range's.
    assert shewhart_ar1(phi, 3.0 * np.sqrt(1.0 - phi)) == pytest.approx(measured, rel=0.2)


def test_negative_correlation_agrees_with_a_simulation() -> None:
    rng = np.random.default_rng(3)
    state, alive, runs = rng.standard_normal(20_000), np.ones(20_000, dtype=bool), np.zeros(20_000)
    while alive.any():
        runs += alive
        alive &= np.abs(state + 1.0) <= 2.5
        state = -0.6 * state + 0.8 * rng.standard_normal(state.size)
    assert shewhart_ar1(-0.6, 2.5, 1.0) == pytest.approx(runs.mean(), abs=4 * runs.std() / runs.size**0.5)


def test_the_designed_limit_has_the_requested_run_length_and_the_median_is_below_the_mean() -> None:
    width = design_shewhart_ar1(0.8, 200.0)
    assert shewhart_ar1(0.8, width) == pytest.approx(200.0, rel=1e-7)
    assert shewhart_ar1_run(0.8, width).quantile(0.5) < 200


@pytest.mark.parametrize(("phi", "width"), [(1.0, 3.0), (-1.0, 3.0), (0.5, 0.0)])
def test_parameters_outside_their_domain_are_refused(phi: float, width: float) -> None:
    with pytest.raises(OutOfRange):
        shewhart_ar1(phi, width)
