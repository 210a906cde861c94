"""Constants agree with the printed tables, with closed forms and with scipy, for any n."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from andon_quality.control import constants
from andon_quality.errors import OutOfRange
from scipy import stats


def test_constants_of_five_are_those_printed() -> None:
    """ASTM MNL 7, six decimals."""
    assert constants.d2(5) == pytest.approx(2.325929, abs=5e-7)
    assert constants.d3(5) == pytest.approx(0.864082, abs=5e-7)
    assert constants.c4(5) == pytest.approx(0.939986, abs=5e-7)
    assert constants.a2(5) == pytest.approx(0.576819, abs=5e-7)
    assert constants.big_d4(5) == pytest.approx(2.114499, abs=5e-7)
    assert constants.a3(5) == pytest.approx(1.427299, abs=5e-7)
    assert constants.b4(5) == pytest.approx(2.088998, abs=5e-7)


@pytest.mark.parametrize(
    ("name", "n", "printed"),
    [
        ("a", 5, 1.342), ("a2", 10, 0.308), ("a3", 10, 0.975), ("b3", 10, 0.284), ("b4", 10, 1.716),
        ("b5", 10, 0.276), ("b6", 10, 1.669), ("big_d3", 10, 0.223), ("big_d4", 10, 1.777),
        ("big_d2", 2, 3.686), ("big_d4", 2, 3.267), ("d2", 25, 3.931), ("d3", 25, 0.708), ("c4", 25, 0.9896),
        ("e2", 2, 2.660), ("e3", 2, 3.760),
    ],
)  # fmt: skip
def test_constants_match_the_printed_table(name: str, n: int, printed: float) -> None:
    """Montgomery, appendix VI: three to four decimals (E2 there from d2 rounded to 1.128)."""
    assert getattr(constants, name)(n) == pytest.approx(printed, abs=2e-3)


def test_small_sizes_have_closed_forms() -> None:
    assert constants.d2(2) == pytest.approx(2 / math.sqrt(math.pi), abs=1e-13)
    assert constants.d2(3) == pytest.approx(3 / math.sqrt(math.pi), abs=1e-13)
    assert constants.d3(2) == pytest.approx(math.sqrt(2 - 4 / math.pi), abs=1e-12)
    variance = 2 + 3 * math.sqrt(3) / math.pi - 9 / math.pi
    assert constants.d3(3) == pytest.approx(math.sqrt(variance), abs=1e-12)
    assert constants.c4(2) == pytest.approx(math.sqrt(2 / math.pi), abs=1e-15)


@pytest.mark.parametrize("n", [4, 7, 30, 250, 2000])
def test_moments_of_the_range_agree_with_its_textbook_distribution_function(n: int) -> None:
    """P(W <= w) = n int phi(x) (Phi(x + w) - Phi(x))^(n - 1) dx, on a dense grid."""
    nodes, weights = np.polynomial.legendre.leggauss(300)
    w, x = (nodes + 1) * 9, np.linspace(-12, 10, 1501)
    inside = (stats.norm.cdf(x + w[:, None]) - stats.norm.cdf(x)) ** (n - 1)
    tail = 1 - np.trapezoid(n * stats.norm.pdf(x) * inside, x, axis=1)
    mean, square = (weights * 9) @ tail, 2 * (weights * 9) @ (w * tail)
    assert constants.d2(n) == pytest.approx(mean, abs=1e-9)
    assert constants.d3(n) == pytest.approx(math.sqrt(square - mean**2), abs=1e-9)


@pytest.mark.parametrize("n", [2, 10, 199, 200, 500, 1_000_000])
def test_c4_is_the_mean_of_a_scaled_chi(n: int) -> None:
    exact = 1 - 1 / (4 * n) - 7 / (32 * n**2) - 19 / (128 * n**3)
    if n >= 199:
        assert constants.c4(n) == pytest.approx(exact, abs=1e-9)
    else:
        assert constants.c4(n) == pytest.approx(stats.chi.mean(n - 1) / math.sqrt(n - 1), abs=1e-12)


def test_width_scales_the_limits() -> None:
    assert constants.a2(5, width=1.5) == pytest.approx(constants.a2(5) / 2)
    assert constants.big_d4(5, width=2) == pytest.approx(1 + 2 * constants.d3(5) / constants.d2(5))


def test_each_gives_nan_where_there_is_no_spread_and_keeps_the_shape() -> None:
    found = constants.each(constants.c4, np.array([[2, 1], [math.nan, 0]]))
    assert found.shape == (2, 2)
    assert np.isnan(found).tolist() == [[False, True], [True, True]]


@pytest.mark.parametrize("constant", [constants.c4, constants.d2, constants.d3])
def test_a_single_value_has_no_spread(constant: object) -> None:
    with pytest.raises(OutOfRange):
        constant(1)  # type: ignore[operator]


def test_importing_the_charts_does_not_import_scipy() -> None:
    names = (
        "control.constants", "control.xmr", "control.xbar_s", "control.xbar_r", "control.proportion", "control.rate",
        "control.gap", "control.time_between", "control.run_chart", "control.cusum", "control.ewma",
        "control.hotelling", "control.mewma", "control.stages", "control.rebase", "rules", "capability", "loss",
        "pareto", "funnel",
    )  # fmt: skip
    imports = "".join(f"import andon_quality.{name}\n" for name in names)
    program = f"{imports}import sys\nassert 'scipy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
