"""Count CUSUMs against Lucas's Poisson tables, closed forms and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl import (
    binomial_cusum,
    binomial_cusum_run,
    design_binomial_cusum,
    design_poisson_cusum,
    lattice_run,
    poisson_cusum,
    poisson_cusum_run,
    steady_state_delay,
)
from andon_quality.errors import OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats


@pytest.mark.parametrize(
    ("side", "head_start", "printed"),
    [("upper", 0, 438), ("upper", 5, 333), ("lower", 0, 437), ("lower", 5, 318)],
)
def test_poisson_k_quarter_h_10_at_a_mean_of_a_quarter_is_lucas(side: str, head_start: float, printed: float) -> None:
    assert poisson_cusum(0.25, 10.0, 0.25, head_start, side) == pytest.approx(printed, abs=0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_binomial_agrees_with_a_simulation(side: str) -> None:
    rng = np.random.default_rng(13)
    state, alive, runs = np.full(20_000, 1.0), np.ones(20_000, dtype=bool), np.zeros(20_000)
    while alive.any():
        step = rng.binomial(20, 0.1, state.size) - 1.75
        state = np.maximum(0.0, state + (step if side == "upper" else -step))
        runs += alive
        alive &= state < 4.0
    expected = pytest.approx(runs.mean(), abs=4 * runs.std() / runs.size**0.5)
    assert binomial_cusum(1.75, 4.0, 20, 0.1, 1.0, side) == expected  # type: ignore[arg-type]


def test_a_bernoulli_sum_that_needs_three_failures_without_enough_successes_between_is_the_known_chain() -> None:
    p = 0.3
    chain = np.array([[1 - p, p, 0], [1 - p, 0, p], [0, 1 - p, 0]])
    expected = np.linalg.solve(np.eye(3) - chain, np.ones(3))[0]
    assert lattice_run(np.array([1 - p, p]), 0.5, 1.5).mean() == pytest.approx(expected, rel=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from([0.5, 0.75, 1.0, 1.5]), st.floats(0.1, 2.0), st.floats(50.0, 2000.0))
def test_the_designed_interval_is_the_smallest_that_keeps_the_request(k: float, mean: float, requested: float) -> None:
    mean = min(mean, k)
    h = design_poisson_cusum(k, requested, mean)
    step = 0.25 if k == 0.75 else 0.5 if k != 1.0 else 1.0
    assert poisson_cusum(k, h, mean) >= requested
    assert h == step or poisson_cusum(k, h - step, mean) < requested


def test_a_design_for_proportions_keeps_the_request_and_finds_a_doubling_soon() -> None:
    h = design_binomial_cusum(1.5, 500.0, 20, 0.05)
    assert binomial_cusum(1.5, h, 20, 0.05) >= 500.0
    delay = steady_state_delay(binomial_cusum_run(1.5, h, 20, 0.05), binomial_cusum_run(1.5, h, 20, 0.1))
    assert delay <= binomial_cusum(1.5, h, 20, 0.1) < 20


@pytest.mark.parametrize(("k", "h", "mean"), [(0.0, 4.0, 1.0), (0.5, 0.0, 1.0), (0.5, 4.0, 0.0), (0.123, 40.0, 1.0)])
def test_parameters_outside_their_domain_and_chains_too_large_are_refused(k: float, h: float, mean: float) -> None:
    with pytest.raises(OutOfRange):
        poisson_cusum(k, h, mean)


@pytest.mark.parametrize("side", ["upper", "lower"])
@pytest.mark.parametrize(("k", "h", "mean"), [(0.33, 3.0, 0.3), (1.37, 4.0, 1.5), (0.01, 2.0, 0.012)])
def test_long_chains_have_the_mean_of_their_distribution(side: str, k: float, h: float, mean: float) -> None:
    run = poisson_cusum_run(k, h, mean, 0.5, side)  # type: ignore[arg-type]
    assert poisson_cusum(k, h, mean, 0.5, side) == pytest.approx(run.mean(), rel=1e-9)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200), st.floats(0.001, 0.999))
def test_the_chance_of_each_count_is_binomial(n: int, p: float) -> None:
    one = lattice_run(stats.binom.pmf(np.arange(n + 1), n, p), 0.5, 1.0)
    assert binomial_cusum(0.5, 1.0, n, p) == pytest.approx(one.mean(), rel=1e-9)
