"""Individuals with moving ranges, against simulation and against both charts alone."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl import (
    design_individuals_range,
    individuals_range,
    individuals_range_run,
    shewhart,
    steady_state_delay,
)
from andon_quality.errors import OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(("range_width", "shift"), [(3.6863, 0.0), (3.6863, 1.0), (2.0, 0.0), (0.9, 0.5)])
def test_it_agrees_with_a_simulation(range_width: float, shift: float) -> None:
    rng = np.random.default_rng(7)
    before, alive, runs = np.full(40_000, np.nan), np.ones(40_000, dtype=bool), np.zeros(40_000)
    while alive.any():
        x = rng.normal(shift, 1.0, before.size)
        runs += alive
        alive &= ~((np.abs(x) > 3.0) | (np.abs(x - before) > range_width))
        before = x
    expected = pytest.approx(runs.mean(), abs=4 * runs.std() / runs.size**0.5)
    assert individuals_range(3.0, range_width, shift) == expected


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_a_range_that_never_alarms_leaves_the_individuals_chart(shift: float) -> None:
    assert individuals_range(3.0, 6.0, shift) == pytest.approx(shewhart(["WE1"], shift), rel=1e-10)


@settings(deadline=None, max_examples=25)
@given(st.floats(2.0, 4.0), st.floats(0.6, 7.0), st.floats(0.0, 2.0))
def test_up_and_down_are_alike_and_the_range_only_adds_alarms(width: float, range_width: float, shift: float) -> None:
    both = individuals_range(width, range_width, shift)
    assert both == pytest.approx(individuals_range(width, range_width, -shift), rel=1e-8)
    assert both <= individuals_range(width, 3.0 * width, shift) * (1 + 1e-8)
    assert both <= individuals_range(width, range_width * 1.01, shift) * (1 + 1e-8)


def test_the_designed_limits_have_the_requested_run_length() -> None:
    width = design_individuals_range(370.0)
    assert individuals_range(width, 3.6863 / 3.0 * width) == pytest.approx(370.0, rel=1e-7)


def test_the_steady_state_delay_is_no_longer_than_from_a_start_without_a_range() -> None:
    quiet, shifted = individuals_range_run(3.0), individuals_range_run(3.0, shift=2.0)
    assert steady_state_delay(quiet, shifted) < shifted.mean()


@pytest.mark.parametrize(("width", "range_width"), [(0.0, 3.0), (3.0, 0.1), (np.inf, 3.0)])
def test_limits_outside_their_domain_are_refused(width: float, range_width: float) -> None:
    with pytest.raises(OutOfRange):
        individuals_range(width, range_width)
