"""The mean over baselines against plain quadrature with many charts, and against its own moments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from andon_quality.arl import cusum, cusum_curve, design_cusum, design_ewma, ewma, ewma_curve, shewhart
from andon_quality.arl.estimated import averaged
from andon_quality.errors import OutOfRange
from numpy.typing import NDArray
from scipy import stats

Curve = Callable[[float, NDArray[np.float64]], NDArray[np.float64]]


def plainly(curve_at: Curve, phase1_size: int) -> float:
    """The trapezoidal rule over both, far finer than it needs to be: 161 charts for each of 55 spreads."""
    degrees = phase1_size - 1
    low, high = np.sqrt(stats.chi2.ppf([1e-12, 1.0 - 1e-15], degrees) / degrees)
    spreads = np.linspace(float(low), float(2.0 * high - 1.0), 55)
    centres = np.linspace(-7.0, 7.0, 161) / phase1_size**0.5
    law = stats.norm.pdf(centres, 0.0, phase1_size**-0.5) * (centres[1] - centres[0])
    means = np.array([law @ np.minimum(curve_at(spread, centres), 1e13) for spread in spreads])
    density = stats.chi.pdf(spreads, degrees, scale=degrees**-0.5) * (spreads[1] - spreads[0])
    return float(density @ means)


@pytest.mark.parametrize(("phase1_size", "shift"), [(30, 0.0), (40, 0.6), (100, 0.15), (200, 1.0)])
def test_the_ewma_over_baselines_is_that_of_plain_quadrature(phase1_size: int, shift: float) -> None:
    def curve_at(spread: float, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        return ewma_curve(0.2, 2.6 * spread, shift - centres)

    assert ewma(0.2, 2.6, shift, phase1_size=phase1_size) == pytest.approx(plainly(curve_at, phase1_size), rel=1e-6)


@pytest.mark.parametrize(("phase1_size", "shift", "sided"), [(50, 0.0, "two"), (60, 0.5, "two"), (80, 0.0, "one")])
def test_the_cusum_over_baselines_is_that_of_plain_quadrature(phase1_size: int, shift: float, sided: str) -> None:
    def curve_at(spread: float, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        return cusum_curve(0.5 * spread, 4.0 * spread, shift - centres, sided=sided)  # type: ignore[arg-type]

    exact = cusum(0.5, 4.0, shift, sided=sided, phase1_size=phase1_size)  # type: ignore[arg-type]
    assert exact == pytest.approx(plainly(curve_at, phase1_size), rel=1e-6)


def test_the_plain_chart_over_baselines_is_that_of_plain_quadrature() -> None:
    def curve_at(spread: float, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1.0 / (stats.norm.sf(3.0 * spread - centres) + stats.norm.sf(3.0 * spread + centres)))

    assert shewhart(["WE1"], phase1_size=40) == pytest.approx(plainly(curve_at, 40), rel=1e-6)


def test_rules_whose_run_is_bounded_need_more_nodes_and_get_them() -> None:
    # From 24 nodes over the spread and twice as many over the centre.
    assert shewhart(["WE1", "WE2", "WE3", "WE4"], phase1_size=30) == pytest.approx(76.861040, rel=1e-6)


def test_a_head_start_is_not_taken_for_an_even_chart() -> None:
    both = [ewma(0.1, 2.8, 0.0, head_start=start, phase1_size=50) for start in (1.4, -1.4)]
    assert both[0] == pytest.approx(both[1], rel=1e-6)
    assert both[0] < ewma(0.1, 2.8, phase1_size=50)


def test_the_designed_limits_keep_the_requested_run_over_baselines() -> None:
    assert ewma(0.1, design_ewma(0.1, 370.0, phase1_size=50), phase1_size=50) == pytest.approx(370.0, rel=1e-7)
    assert cusum(0.5, design_cusum(0.5, 370.0, phase1_size=50), phase1_size=50) == pytest.approx(370.0, rel=1e-7)


def test_the_average_over_baselines_knows_its_moments() -> None:
    assert averaged(lambda centre, spread: np.ones_like(centre), 20) == pytest.approx(1.0, rel=1e-7)
    assert averaged(lambda centre, spread: 1.0 + centre**2, 20) == pytest.approx(1.05, rel=1e-7)
    assert averaged(lambda centre, spread: 1.0 + centre**2, 20, 0.0, even=True) == pytest.approx(1.05, rel=1e-6)
    assert averaged(lambda centre, spread: spread**4, 21) == pytest.approx(1.1, rel=1e-7)


def test_two_points_are_not_a_baseline() -> None:
    with pytest.raises(OutOfRange, match="at least 3"):
        ewma(0.2, 2.6, phase1_size=2)
