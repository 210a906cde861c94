"""The CUSUM run length against Lucas and Crosier, Brook and Evans, simulation, and its own symmetries."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from andon_quality.arl import cusum, cusum_curve, cusum_run, design_cusum, steady_state_delay
from andon_quality.errors import OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st

SHIFTS = (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5)
PRINTED = (168, 74.2, 26.6, 13.3, 8.38, 4.75, 3.34, 2.62, 2.19, 1.71, 1.31)
MORE_DIGITS = (
    *(167.68379, 74.22403, 26.63020, 13.28509, 8.38313, 4.74717),
    *(3.34277, 2.61952, 2.19448, 1.70846, 1.30874),
)


@pytest.mark.parametrize(("shift", "printed", "exact"), list(zip(SHIFTS, PRINTED, MORE_DIGITS, strict=True)))
def test_two_sided_k_half_h_4_without_head_start_is_lucas_and_crosier_table_1(
    shift: float, printed: float, exact: float
) -> None:
    assert cusum(0.5, 4.0, shift) == pytest.approx(printed, rel=3e-3)
    assert cusum(0.5, 4.0, shift) == pytest.approx(exact, abs=6e-6)


def test_one_sided_k_half_h_3_in_control_without_head_start_is_exact() -> None:
    assert cusum(0.5, 3.0, sided="one") == pytest.approx(117.5957, abs=5e-5)


def test_one_sided_k_half_h_3_at_a_mean_shift_of_1_5_without_head_start_is_brook_and_evans() -> None:
    assert cusum(0.5, 3.0, 1.5, sided="one") == pytest.approx(3.7491, abs=5e-5)


def test_k_quarter_h_8_shift_2_5_one_sided_with_a_head_start_of_a_tenth_and_two_sided() -> None:
    assert cusum(0.25, 8.0, 2.5, sided="one") == pytest.approx(4.1500836, abs=1e-5)
    assert cusum(0.25, 8.0, 2.5, 0.1, sided="one") == pytest.approx(4.1061588, abs=1e-5)
    assert cusum(0.25, 8.0, 2.5) == pytest.approx(4.1500827, abs=1e-5)


def simulated(k: float, h: float, shift: float, head_start: float, quiet: int = 0) -> tuple[float, float, float]:
    """Mean, its standard error and median of the two-sided run length after `quiet` points without shift or alarm."""
    rng = np.random.default_rng(1)
    up, down = np.full(60_000, head_start), np.full(60_000, head_start)
    for _ in range(quiet):
        x = rng.standard_normal(up.size)
        up, down = np.maximum(0.0, up + x - k), np.maximum(0.0, down - x - k)
        up, down = up[(up <= h) & (down <= h)], down[(up <= h) & (down <= h)]
    runs, alive = np.zeros(up.size), np.ones(up.size, dtype=bool)
    while alive.any():
        x = rng.normal(shift, 1.0, up.size)
        up, down = np.maximum(0.0, up + x - k), np.maximum(0.0, down - x - k)
        runs += alive
        alive &= (up <= h) & (down <= h)
    return float(runs.mean()), float(runs.std() / runs.size**0.5), float(np.median(runs))


@pytest.mark.parametrize(("shift", "head_start"), [(0.2, 0.0), (0.2, 1.5), (0.0, 1.5)])
def test_both_sides_with_a_head_start_agree_with_a_simulation_in_mean_and_median(
    shift: float, head_start: float
) -> None:
    mean, error, median = simulated(0.5, 3.0, shift, head_start)
    run = cusum_run(0.5, 3.0, shift, head_start)
    assert cusum(0.5, 3.0, shift, head_start) == pytest.approx(mean, abs=4 * error)
    assert run.mean() == pytest.approx(cusum(0.5, 3.0, shift, head_start), rel=1e-9)
    assert run.quantile(0.5) == pytest.approx(median, abs=1 + 0.03 * median)


def test_the_two_sided_steady_state_delay_agrees_with_a_simulation() -> None:
    mean, error, _ = simulated(0.3, 3.0, 0.5, 0.0, quiet=60)
    delay = steady_state_delay(cusum_run(0.3, 3.0), cusum_run(0.3, 3.0, 0.5))
    assert delay == pytest.approx(mean, abs=4 * error)


def test_limits_from_a_sample_agree_with_the_average_over_simulated_samples() -> None:
    rng = np.random.default_rng(2)
    samples = rng.standard_normal((1500, 200))
    centre, spread = samples.mean(axis=1), samples.std(axis=1, ddof=1)
    means = [cusum(0.5 * s, 4.0 * s, 0.25 - c) for c, s in zip(centre, spread, strict=True)]
    expected = pytest.approx(np.mean(means), abs=4 * np.std(means) / len(means) ** 0.5)
    assert cusum(0.5, 4.0, 0.25, phase1_size=200) == expected


def test_a_large_baseline_is_as_good_as_known_parameters() -> None:
    assert cusum(0.5, 4.0, phase1_size=4_000_000) == pytest.approx(cusum(0.5, 4.0), rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.1, 1.5), st.floats(0.5, 8.0), st.floats(0.0, 3.0), st.floats(0.0, 0.5))
def test_the_signed_kernel_has_the_mean_of_the_two_sided_formula_and_a_falling_survival(
    k: float, h: float, shift: float, share: float
) -> None:
    run = cusum_run(k, h, shift, share * h)
    if cusum(k, h, shift, share * h) < 1e9:
        assert run.mean() == pytest.approx(cusum(k, h, shift, share * h), rel=1e-6)
    survival = [run.survival(points) for points in (0, 1, 2, 5, 20)]
    assert survival[0] == pytest.approx(1.0)
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(survival))


@settings(deadline=None, max_examples=40)
@given(st.floats(0.1, 1.5), st.floats(0.5, 8.0), st.floats(0.0, 2.0))
def test_up_and_down_are_alike_two_sides_are_never_later_and_a_head_start_only_helps(
    k: float, h: float, shift: float
) -> None:
    assert cusum(k, h, shift) == pytest.approx(cusum(k, h, -shift), rel=1e-9)
    assert cusum(k, h, shift) <= cusum(k, h, shift, sided="one") * (1 + 1e-9)
    assert cusum(k, h, shift, 0.5 * h) <= cusum(k, h, shift) * (1 + 1e-9)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.2, 1.2), st.floats(10.0, 50_000.0), st.sampled_from([0.0, 0.5]))
def test_the_designed_interval_has_the_requested_run_length(k: float, requested: float, share: float) -> None:
    h = design_cusum(k, requested, share)
    assert cusum(k, h, 0.0, share * h) == pytest.approx(requested, rel=1e-7)


@pytest.mark.parametrize(("k", "h", "head_start"), [(0.5, 0.0, 0.0), (-0.1, 4.0, 0.0), (0.5, 4.0, 2.6), (0.5, 4.0, -1)])
def test_parameters_outside_their_domain_are_refused(k: float, h: float, head_start: float) -> None:
    with pytest.raises(OutOfRange):
        cusum(k, h, 0.0, head_start)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.1, 1.5), st.floats(0.5, 8.0), st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=5))
def test_a_curve_is_its_points(k: float, h: float, shifts: list[float]) -> None:
    assert cusum_curve(k, h, np.array(shifts)) == pytest.approx([cusum(k, h, shift) for shift in shifts], rel=1e-7)
    one = cusum_curve(k, h, np.array(shifts), sided="one")
    assert one == pytest.approx([cusum(k, h, shift, sided="one") for shift in shifts], rel=1e-7)


def test_a_sample_too_small_for_a_finite_mean_is_refused() -> None:
    with pytest.raises(OutOfRange, match="no finite value"):
        cusum(0.5, 5.0, phase1_size=8)
