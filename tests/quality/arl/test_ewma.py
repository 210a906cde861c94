"""The EWMA run length against Crowder, Lucas and Saccucci, simulation, and its own limits and symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl import design_ewma, ewma, ewma_curve, ewma_run, shewhart, steady_state_delay
from andon_quality.errors import OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st

LUCAS_SACCUCCI = [
    *((0, 500), (0.25, 255), (0.5, 88.8), (0.75, 35.9), (1, 17.5), (1.5, 6.53)),
    *((2, 3.63), (2.5, 2.50), (3, 1.93), (3.5, 1.58), (4, 1.34), (5, 1.07)),
]
# The paper prints 3.95 at a shift of 1.25, a misprint; 3.59 is the value.
CROWDER = [26.45, 20.12, 11.89, 7.29, 4.91, 3.59, 2.80, 2.29, 1.94]


@pytest.mark.parametrize(("shift", "printed"), LUCAS_SACCUCCI)
def test_two_sided_smoothing_half_limit_3_071_is_lucas_and_saccucci_table_3_zero_state(
    shift: float, printed: float
) -> None:
    assert ewma(0.5, 3.071, shift) == pytest.approx(printed, rel=3e-3)


@pytest.mark.parametrize(("step", "printed"), list(enumerate(CROWDER)))
def test_two_sided_smoothing_half_limit_2_is_crowder_at_shifts_of_a_quarter_sigma(step: int, printed: float) -> None:
    assert round(ewma(0.5, 2.0, 0.25 * step), 2) == pytest.approx(printed, abs=0.0101)


def test_two_sided_smoothing_a_quarter_limit_3_shift_1_to_eight_digits() -> None:
    assert ewma(0.25, 3.0, 1.0) == pytest.approx(11.154267, abs=5e-7)


def test_without_smoothing_it_is_the_shewhart_chart_with_either_kind_of_limits() -> None:
    for shift in (0.0, 1.0):
        assert ewma(1.0, 3.0, shift) == pytest.approx(shewhart(["WE1"], shift), rel=1e-9)
        assert ewma(1.0, 3.0, shift, limits="varying") == pytest.approx(shewhart(["WE1"], shift), rel=1e-7)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_varying_limits_agree_with_a_chain_of_narrowing_limits_followed_to_the_end(shift: float) -> None:
    smoothing, width = 0.2, 2.5
    nodes, weights = np.polynomial.legendre.leggauss(60)
    row, states, mean = np.ones(1), np.zeros(1), 0.0
    for point in range(1, 6000):
        mean += row.sum()
        reach = width * np.sqrt(smoothing / (2 - smoothing) * (1 - (1 - smoothing) ** (2 * point)))
        z = (reach * nodes - (1 - smoothing) * states[:, None]) / smoothing - shift
        row = row @ (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / smoothing) * weights * reach
        states = reach * nodes
    assert ewma(smoothing, width, shift, limits="varying") == pytest.approx(mean, rel=1e-7)


@pytest.mark.parametrize(("smoothing", "width"), [(1.0, 3.0), (0.5, 3.0), (0.1, 2.7), (0.03, 2.4)])
@pytest.mark.parametrize(("shift", "head_start"), [(0.0, 0.0), (0.2, 0.0), (1.0, 0.5)])
def test_the_distribution_under_varying_limits_has_the_mean_of_the_extrapolation(
    smoothing: float, width: float, shift: float, head_start: float
) -> None:
    run = ewma_run(smoothing, width, shift, head_start, limits="varying")
    assert ewma(smoothing, width, shift, "varying", head_start) == pytest.approx(run.mean(), rel=1e-6)
    assert run.survival(0) == 1.0
    at = run.quantile(0.1)
    assert run.survival(at) <= 0.9 < run.survival(at - 1)


def test_after_a_long_quiet_time_varying_limits_are_fixed_ones() -> None:
    varying, fixed = (
        steady_state_delay(ewma_run(0.1, 2.7, limits=limits), ewma_run(0.1, 2.7, 1.0, limits=limits))
        for limits in ("varying", "fixed")
    )
    assert varying == pytest.approx(fixed, rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 1.0), st.floats(1.5, 3.5), st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=5))
def test_a_curve_is_its_points(smoothing: float, width: float, shifts: list[float]) -> None:
    curve = ewma_curve(smoothing, width, np.array(shifts))
    assert curve == pytest.approx([ewma(smoothing, width, shift) for shift in shifts], rel=1e-9)


def test_a_reflecting_barrier_agrees_with_a_simulation() -> None:
    rng = np.random.default_rng(11)
    state, alive, runs = np.zeros(20_000), np.ones(20_000, dtype=bool), np.zeros(20_000)
    while alive.any():
        state = np.maximum(0.0, 0.8 * state + 0.2 * rng.normal(0.5, 1.0, state.size))
        runs += alive
        alive &= state <= 2.5 * np.sqrt(0.2 / 1.8)
    assert ewma(0.2, 2.5, 0.5, sided="upper") == pytest.approx(runs.mean(), abs=4 * runs.std() / runs.size**0.5)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.02, 1.0), st.floats(1.5, 3.5), st.floats(0.0, 3.0))
def test_shifts_up_and_down_are_alike_and_never_later_than_no_shift(
    smoothing: float, width: float, shift: float
) -> None:
    up = ewma(smoothing, width, shift)
    assert up == pytest.approx(ewma(smoothing, width, -shift), rel=1e-7)
    assert 1.0 <= up <= ewma(smoothing, width) * (1 + 1e-7)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 1.0), st.floats(10.0, 20_000.0), st.sampled_from(["two", "upper"]))
def test_the_designed_limit_has_the_requested_run_length(smoothing: float, requested: float, sided: str) -> None:
    width = design_ewma(smoothing, requested, sided=sided)  # type: ignore[arg-type]
    assert ewma(smoothing, width, sided=sided) == pytest.approx(requested, rel=1e-7)  # type: ignore[arg-type]


def test_the_quantiles_bracket_the_survival_function() -> None:
    run = ewma_run(0.1, 2.7)
    for probability in (0.01, 0.25, 0.5, 0.9, 0.999):
        at = run.quantile(probability)
        assert 1 - run.survival(at) >= probability > 1 - run.survival(at - 1)


def test_the_mean_is_the_sum_of_the_survival_function() -> None:
    run = ewma_run(0.3, 2.0, 0.5)
    assert run.mean() == pytest.approx(sum(run.survival(points) for points in range(400)), rel=1e-9)


def test_the_steady_state_delay_lies_between_the_best_and_the_worst_start() -> None:
    before, after = ewma_run(0.1, 2.7), ewma_run(0.1, 2.7, 1.0)
    means = after.from_each_state()
    assert means.min() < steady_state_delay(before, after) < means.max()
    assert steady_state_delay(before, after) == pytest.approx(after.mean(), rel=0.05)


@pytest.mark.parametrize(("smoothing", "width", "head_start"), [(0.0, 3, 0), (1.1, 3, 0), (0.2, 0, 0), (0.2, 3, 3.1)])
def test_parameters_outside_their_domain_are_refused(smoothing: float, width: float, head_start: float) -> None:
    with pytest.raises(OutOfRange):
        ewma(smoothing, width, head_start=head_start)
