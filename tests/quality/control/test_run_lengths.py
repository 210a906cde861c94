"""Charts and rules, run on simulated points, have the published average run lengths (zero state, shifts in sigma)."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.control import cusum, ewma, hotelling, mewma, xmr
from andon_quality.control.chart import StatisticKind
from andon_quality.rules import WESTERN_ELECTRIC, fire
from numpy.typing import NDArray

RUNS = 6000
KNOWN = xmr.XmrBaseline(StatisticKind.INDIVIDUALS, np.zeros(RUNS), np.ones(RUNS), np.full(RUNS, 1), "known")


def points(shift: float, length: int) -> NDArray[np.float64]:
    return np.random.default_rng(31).normal(shift, 1.0, size=(RUNS, length))


def run_length(fired: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean points up to and including the first alarm, and four standard errors of it."""
    assert fired.any(axis=1).mean() > 0.999
    first = np.argmax(fired, axis=1) + 1.0
    return float(first.mean()), 4 * float(first.std() / np.sqrt(RUNS))


def first_of(rules: int, shift: float, length: int) -> tuple[float, float]:
    hits = fire(WESTERN_ELECTRIC[:rules], points(shift, length), 0.0, 1.0)
    return run_length(np.logical_or.reduce(list(hits.values())))


def test_all_four_western_electric_rules_in_control() -> None:
    """Champ and Woodall 1987: 91.75, not the "about 46" of some libraries."""
    mean, error = first_of(4, 0.0, 750)
    assert mean == pytest.approx(91.75, abs=error)


@pytest.mark.parametrize(("shift", "published"), [(0.6, 57.92), (1.0, 20.01), (1.8, 4.66), (3.0, 1.68)])
def test_the_limits_and_two_of_three(shift: float, published: float) -> None:
    """Champ and Woodall 1987, table 1."""
    mean, error = first_of(2, shift, 500)
    assert mean == pytest.approx(published, abs=error)


@pytest.mark.parametrize(("shift", "published"), [(0.5, 26.63020), (1.0, 8.38313), (2.0, 3.34277)])
def test_two_sided_cusum_k_half_h_4(shift: float, published: float) -> None:
    """Lucas and Crosier 1982, table 1; no head start."""
    mean, error = run_length(cusum.chart(KNOWN, points(shift, 300), 0.5, 4.0).beyond)
    assert mean == pytest.approx(published, abs=error)


@pytest.mark.parametrize(("shift", "published"), [(1.0, 17.5), (1.5, 6.53), (3.0, 1.93)])
def test_two_sided_ewma_smoothing_half_fixed_limits_3071(shift: float, published: float) -> None:
    """Lucas and Saccucci 1990, table 3."""
    mean, error = run_length(ewma.chart(KNOWN, points(shift, 200), 0.5, 3.071, "fixed").beyond)
    assert mean == pytest.approx(published, abs=error)


@pytest.mark.parametrize(("delta", "published"), [(1.0, 12.17), (2.0, 5.19)])
def test_mewma_smoothing_01_of_four_measures_limit_1273(delta: float, published: float) -> None:
    """Prabhu and Runger 1997; fixed limits, delta is the Mahalanobis length of the shift."""
    eye = np.broadcast_to(np.eye(4), (RUNS, 4, 4))
    one = np.full(RUNS, 1)
    known = hotelling.VectorBaseline(
        StatisticKind.T2, np.zeros((RUNS, 4)), eye, eye, one, one * 1.0, one * 1.0, "known"
    )
    x = np.random.default_rng(7).normal(size=(RUNS, 80, 4))
    x[..., 1] += delta
    mean, error = run_length(mewma.chart(known, x, 12.73, 0.1).beyond)
    assert mean == pytest.approx(published, abs=error)
