"""Constants as R's qcc, JASP and Minitab print them give those programs' limits to the last digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from andon_quality.control import xbar_r, xmr
from andon_quality.control.constants import a2, big_d1, big_d2, big_d3, big_d4, d2, d3, e2
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.float64]]


def test_printed_constants_have_three_decimals_of_d2_and_are_else_exact() -> None:
    """R's qcc (qcc.options("exp.R.unscaled")), n = 2 to 10."""
    printed = [1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078]
    assert [d2(n, "printed") for n in range(2, 11)] == printed
    assert a2(5, table="printed") == pytest.approx(3 / (2.326 * 5**0.5))
    assert big_d4(5, table="printed") == pytest.approx(1 + 3 * 0.8640855 / 2.326, rel=1e-5)
    assert big_d3(10, table="printed") == pytest.approx(1 - 3 * d3(10) / 3.078)
    assert big_d1(10, table="printed") == pytest.approx(3.078 - 3 * d3(10))
    assert big_d2(10, table="printed") == pytest.approx(3.078 + 3 * d3(10))
    assert e2(2, table="printed") == pytest.approx(3 / 1.128)
    assert d2(5) != d2(5, "printed")


def test_piston_rings_with_printed_constants_have_every_digit_that_qcc_prints(
    pistonrings: NDArray[np.float64],
) -> None:
    rows = pistonrings[:25]
    means, ranges = rows.mean(axis=1), np.ptp(rows, axis=1)
    frozen = xbar_r.baseline(means, ranges, 5, table="printed")
    assert float(frozen.sigma) == pytest.approx(0.009785039, abs=5e-10)
    chart = xbar_r.chart(frozen, means, 5)
    assert (chart.lower[0], chart.upper[0]) == pytest.approx((73.98805, 74.01430), abs=5e-6)
    spread = xbar_r.range_chart(frozen, ranges, 5, table="printed")
    assert spread.centre[0] == pytest.approx(0.02276, abs=5e-9)
    # The d3 of qcc is .8640855, simulated; the integral is .8640819.
    assert spread.upper[0] == pytest.approx(0.04812533, abs=1.1e-7)
    exact = xbar_r.baseline(means, ranges, 5)
    assert abs(float(exact.sigma) - 0.009785039) > 2e-7


def test_viscosity_with_printed_constants_has_every_digit_that_qcc_prints(spc: Callable[[str], Columns]) -> None:
    data = spc("qcc_viscosity")
    viscosity = data["viscosity"][data["trial"] == 1]
    frozen = xmr.baseline(viscosity, table="printed")
    assert float(frozen.sigma) == pytest.approx(0.5076521, abs=5e-8)
    chart = xmr.chart(frozen, viscosity)
    assert (chart.lower[0], chart.upper[0]) == pytest.approx((32.56504, 35.61096), abs=5e-6)
    mean_range = np.abs(np.diff(viscosity)).mean()
    assert xmr.range_chart(frozen, viscosity, table="printed").centre[1] == pytest.approx(mean_range)
