"""The distribution over baselines against plain quadrature, simulation, its own mean and known limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from andon_quality.arl import RunLength, cusum, cusum_run, ewma, ewma_run, shewhart, shewhart_run, steady_state_delay
from andon_quality.errors import Inconsistent, OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

WESTERN = ("WE1", "WE2", "WE3", "WE4")
Array = NDArray[np.float64]
Step = Callable[[Array, Array], tuple[Array, NDArray[np.bool_]]]


def plain_survival(phase1_size: int, shift: float, points: int) -> float:
    """(1 - p)^points over the baselines, by the trapezoidal rule in the centre and the logarithm of the spread."""
    degrees = phase1_size - 1
    low, high = np.log(stats.chi.ppf([1e-13, 1.0 - 1e-13], degrees))
    logs = np.linspace(low, high, 900)
    spreads = np.exp(logs) / degrees**0.5
    centres = np.linspace(-7.0, 7.0, 201) / phase1_size**0.5
    quiet = stats.norm.sf(3.0 * spreads[:, None] + centres - shift) + stats.norm.sf(
        3.0 * spreads[:, None] - centres + shift
    )
    across = ((1.0 - quiet) ** points) @ stats.norm.pdf(centres, 0.0, phase1_size**-0.5) * (centres[1] - centres[0])
    density = stats.chi.pdf(np.exp(logs), degrees) * np.exp(logs) * (logs[1] - logs[0])
    return float(across @ density)


@pytest.mark.parametrize(
    ("phase1_size", "shift"), [(4, 1.0), (6, 0.0), (10, 1.0), (30, 0.3), (100, 0.0), (100, 2.0), (500, 0.1)]
)
def test_the_plain_chart_survives_over_baselines_as_plain_quadrature_says(phase1_size: int, shift: float) -> None:
    run = shewhart_run(["WE1"], shift, phase1_size=phase1_size)
    error = 2e-7 if phase1_size > 5 else 2e-5
    for points in (0, 1, 5, 30, 200, 2000, 30_000):
        assert run.survival(points) == pytest.approx(plain_survival(phase1_size, shift, points), abs=error)


CHARTS: list[tuple[Callable[..., RunLength], Callable[..., float], tuple[object, ...]]] = [
    (cusum_run, cusum, (0.5, 4.0)),
    (cusum_run, cusum, (0.25, 8.0, 0.4)),
    (cusum_run, cusum, (0.5, 4.0, 0.5, 2.0, "one")),
    (ewma_run, ewma, (0.1, 2.8)),
    (ewma_run, ewma, (0.2, 2.6, 1.5)),
    (shewhart_run, shewhart, (("WE1",),)),
    (shewhart_run, shewhart, (("WE1", "WE2"), 0.5)),
    (shewhart_run, shewhart, (WESTERN,)),
]


@pytest.mark.parametrize(("run_of", "mean_of", "scheme"), CHARTS)
@pytest.mark.parametrize("phase1_size", [40, 200])
def test_the_mean_of_the_distribution_is_the_arl_over_baselines(
    run_of: Callable[..., RunLength], mean_of: Callable[..., float], scheme: tuple[object, ...], phase1_size: int
) -> None:
    mean = mean_of(*scheme, phase1_size=phase1_size)
    assert run_of(*scheme, phase1_size=phase1_size).mean() == pytest.approx(mean, rel=1e-6)


def test_the_mean_and_the_sd_are_those_of_the_survival_function() -> None:
    run = cusum_run(0.5, 2.5, 1.0, phase1_size=60)
    survival = np.array([run.survival(points) for points in range(400)])
    mean = float(survival.sum())
    assert run.mean() == pytest.approx(mean, rel=1e-6)
    assert run.sd() == pytest.approx(np.sqrt((2 * np.arange(400) + 1) @ survival - mean**2), rel=1e-5)


@settings(deadline=None, max_examples=12)
@given(
    st.sampled_from([(cusum_run, (0.5, 4.0)), (ewma_run, (0.2, 2.7)), (shewhart_run, (("WE1", "WE2"),))]),
    st.integers(5, 300),
    st.floats(0.0, 2.0),
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=4),
)
def test_quantiles_grow_with_the_probability_and_undo_the_survival_function(
    scheme: tuple[Callable[..., RunLength], tuple[object, ...]],
    phase1_size: int,
    shift: float,
    probabilities: list[float],
) -> None:
    run_of, parameters = scheme
    run = run_of(*parameters, shift=shift, phase1_size=phase1_size)
    quantiles = [run.quantile(probability) for probability in sorted(probabilities)]
    assert quantiles == sorted(quantiles)
    for probability, quantile in zip(sorted(probabilities), quantiles, strict=True):
        assert run.survival(quantile) <= 1.0 - probability + 1e-12
        assert run.survival(quantile - 1) > 1.0 - probability - 1e-12


@pytest.mark.parametrize(("run_of", "mean_of", "scheme"), CHARTS)
def test_with_a_hundred_thousand_points_the_quantiles_are_those_of_known_limits(
    run_of: Callable[..., RunLength], mean_of: Callable[..., float], scheme: tuple[object, ...]
) -> None:
    known, estimated = run_of(*scheme), run_of(*scheme, phase1_size=100_000)
    for probability in (0.05, 0.5, 0.95):
        assert estimated.quantile(probability) == pytest.approx(known.quantile(probability), rel=2e-3, abs=1)


def test_a_small_baseline_alarms_sooner_at_the_median_and_later_at_the_far_end() -> None:
    known, few, more = (ewma_run(0.1, 2.8, phase1_size=size) for size in (None, 30, 120))
    assert few.quantile(0.5) < more.quantile(0.5) < known.quantile(0.5)
    assert few.quantile(0.99) > more.quantile(0.99) > known.quantile(0.99)


def test_where_the_mean_does_not_exist_the_quantiles_do() -> None:
    run = shewhart_run(["WE1"], phase1_size=8)
    assert run.mean() == run.sd() == np.inf
    assert 50 < run.quantile(0.5) < 200


def test_a_mixture_over_baselines_has_no_steady_state() -> None:
    run = cusum_run(0.5, 4.0, phase1_size=50)
    with pytest.raises(Inconsistent, match="widest"):
        steady_state_delay(run, run)


def test_what_has_no_distribution_over_baselines_is_refused() -> None:
    with pytest.raises(OutOfRange, match="at least 3"):
        shewhart_run(["WE1"], phase1_size=2)
    with pytest.raises(OutOfRange, match="known centre"):
        ewma_run(0.1, 2.7, limits="varying", phase1_size=50)
    with pytest.raises(OutOfRange, match="about zones"):
        shewhart_run(["N1", "N3"], phase1_size=50)


RUNS, AT = 1_000_000, (3, 10, 30, 100, 200)


def quiet_shares(advance: Step, phase1_size: int, states: int) -> list[float]:
    """The share of a million simulated charts, each with a baseline of its own, that are quiet at AT."""
    dice = np.random.default_rng(7)
    centre = dice.standard_normal(RUNS) / phase1_size**0.5
    spread = np.sqrt(dice.chisquare(phase1_size - 1, RUNS) / (phase1_size - 1))
    state, shares = np.zeros((states, RUNS)), []
    for point in range(1, AT[-1] + 1):
        state, alarm = advance(state, (dice.standard_normal(len(centre)) - centre) / spread)
        state, centre, spread = state[:, ~alarm], centre[~alarm], spread[~alarm]
        if point in AT:
            shares.append(len(centre) / RUNS)
    return shares


def cusum_step(state: Array, z: Array) -> tuple[Array, NDArray[np.bool_]]:
    sums = np.maximum(state + np.array([z - 0.5, -z - 0.5]), 0.0)
    return sums, (sums > 4.0).any(axis=0)


def ewma_step(state: Array, z: Array) -> tuple[Array, NDArray[np.bool_]]:
    average = 0.9 * state + 0.1 * z
    return average, np.abs(average[0]) > 2.7 * np.sqrt(0.1 / 1.9)


def two_rules_step(state: Array, z: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Rows: beyond two sigma above and below, one point ago and two."""
    now = np.array([z > 2.0, z < -2.0])
    return np.concatenate([now, state[:2]]), (np.abs(z) > 3.0) | (now & ((state[:2] + state[2:]) > 0)).any(axis=0)


SIMULATED: list[tuple[Step, int, int, Callable[[int], RunLength]]] = [
    (cusum_step, 2, 50, lambda size: cusum_run(0.5, 4.0, phase1_size=size)),
    (ewma_step, 1, 30, lambda size: ewma_run(0.1, 2.7, phase1_size=size)),
    (two_rules_step, 4, 20, lambda size: shewhart_run(["WE1", "WE2"], phase1_size=size)),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "states", "phase1_size", "run_of"), SIMULATED, ids=[step.__name__ for step, _, _, _ in SIMULATED]
)
def test_a_million_simulated_baselines_survive_as_long(
    step: Step,
    states: int,
    phase1_size: int,
    run_of: Callable[[int], RunLength],
) -> None:
    run = run_of(phase1_size)
    for points, share in zip(AT, quiet_shares(step, phase1_size, states), strict=True):
        exact = run.survival(points)
        assert share == pytest.approx(exact, abs=4.5 * np.sqrt(exact * (1.0 - exact) / RUNS))
