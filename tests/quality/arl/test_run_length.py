"""The run-length distribution of any kernel, and the search for a limit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from andon_quality.arl import RunLength, cusum, design, ewma, shewhart_ar1, steady_state_delay
from andon_quality.errors import Inconsistent, OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def chains(draw: st.DrawFn) -> RunLength:
    size = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kernel = rng.random((size, size)) + 0.05
    kernel *= rng.uniform(0.3, 0.98, (size, 1)) / kernel.sum(axis=1, keepdims=True)
    return RunLength(kernel, rng.dirichlet(np.ones(size)))


@settings(deadline=None, max_examples=60)
@given(chains())
def test_mean_sd_and_quantiles_are_those_of_the_survival_function(run: RunLength) -> None:
    survival = np.array([run.survival(points) for points in range(1200)])
    mean = survival.sum()
    square = (2 * np.arange(1200) + 1) @ survival
    assert run.mean() == pytest.approx(mean, rel=1e-8)
    assert run.sd() == pytest.approx(np.sqrt(square - mean**2), rel=1e-6)
    for probability in (0.1, 0.5, 0.95):
        assert run.quantile(probability) == int(np.argmax(1 - survival >= probability))


@settings(deadline=None, max_examples=60)
@given(chains())
def test_the_quasi_stationary_state_keeps_its_shape(run: RunLength) -> None:
    settled = run.quasi_stationary()
    ahead = settled @ run.kernel
    assert ahead / ahead.sum() == pytest.approx(settled, abs=1e-9)
    assert steady_state_delay(run, run) == pytest.approx(1 / (1 - ahead.sum()), rel=1e-8)


@settings(deadline=None, max_examples=40)
@given(chains(), st.integers(1, 12))
def test_a_chart_that_settles_late_is_the_same_chart_seen_later(run: RunLength, points: int) -> None:
    early = np.array([run.survival(point) for point in range(points)])
    late = RunLength(run.kernel, run.start @ np.linalg.matrix_power(run.kernel, points), early)
    assert late.mean() == pytest.approx(run.mean(), rel=1e-9)
    assert late.sd() == pytest.approx(run.sd(), rel=1e-7)
    assert late.survival(points - 1) == pytest.approx(run.survival(points - 1), rel=1e-9)
    assert late.survival(points + 3) == pytest.approx(run.survival(points + 3), rel=1e-9)
    assert [late.quantile(p) for p in (0.05, 0.5, 0.99)] == [run.quantile(p) for p in (0.05, 0.5, 0.99)]


def test_a_chart_that_never_alarms_has_an_infinite_mean() -> None:
    assert RunLength(np.eye(1), np.ones(1)).mean() == np.inf


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1])
def test_a_quantile_needs_a_probability_inside_zero_and_one(probability: float) -> None:
    with pytest.raises(OutOfRange):
        RunLength(np.array([[0.5]]), np.ones(1)).quantile(probability)


def test_states_that_differ_are_refused() -> None:
    with pytest.raises(Inconsistent):
        steady_state_delay(RunLength(np.array([[0.5]]), np.ones(1)), RunLength(np.eye(2) / 2, np.ones(2)))


@settings(deadline=None, max_examples=60)
@given(st.floats(1.5, 1e6), st.floats(0.5, 20.0))
def test_design_inverts_any_growing_run_length(requested: float, guess: float) -> None:
    assert np.exp(design(np.exp, requested, guess) - np.log(requested)) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("requested", [50.0, 370.0, 1000.0])
@pytest.mark.parametrize(
    "chart", [lambda h: cusum(0.5, h), lambda limit: ewma(0.1, limit), lambda c: shewhart_ar1(0.4, c)]
)
def test_design_asks_for_its_chart_a_handful_of_times(chart: Callable[[float], float], requested: float) -> None:
    asked: list[float] = []

    def counted(limit: float) -> float:
        asked.append(limit)
        return chart(limit)

    assert chart(design(counted, requested)) == pytest.approx(requested, rel=1e-8)
    assert len(asked) <= 8


@pytest.mark.parametrize("requested", [1.0, 0.0, np.inf, np.nan])
def test_design_refuses_a_request_that_no_chart_has(requested: float) -> None:
    with pytest.raises(OutOfRange):
        design(np.exp, requested)


def test_design_says_how_far_it_gets() -> None:
    with pytest.raises(OutOfRange, match="the nearest is 8"):
        design(lambda limit: min(np.exp(limit), 8.0), 100.0)
