"""The MEWMA run length against the published table, an independent Markov chain, and one dimension."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from andon_quality.arl import design_mewma, ewma, mewma, mewma_run, steady_state_delay
from andon_quality.arl.krylov import gmres
from andon_quality.errors import Inconsistent, OutOfRange
from scipy.stats import chi2, ncx2, norm

PRINTED = [(0, 199.78), (0.5, 35.05), (1, 12.17), (1.5, 7.22), (2, 5.19), (3, 3.42)]


@pytest.mark.parametrize(("shift", "printed"), PRINTED)
def test_smoothing_a_tenth_four_dimensions_limit_12_73_is_the_table_to_its_own_error(
    shift: float, printed: float
) -> None:
    # The table comes from Markov chains of a few dozen rings, which are that far from the limit of infinitely many.
    assert mewma(0.1, 12.73, 4, shift) == pytest.approx(printed, rel=4e-3)


def runger_prabhu(smoothing: float, limit: float, dimensions: int, rings: int) -> float:
    radius = np.sqrt(limit * smoothing / (2 - smoothing))
    width = 2 * radius / (2 * rings + 1)
    state = np.arange(rings + 1)
    away = ((1 - smoothing) * state * width / smoothing) ** 2
    edges = ((state + 0.5) * width / smoothing) ** 2
    below = np.vstack([chi2.cdf(edges, dimensions), ncx2.cdf(edges, dimensions, away[1:, None])])
    chain = np.diff(below, axis=1, prepend=0.0)
    return float(np.linalg.solve(np.eye(rings + 1) - chain, np.ones(rings + 1))[0])


def test_the_printed_in_control_value_is_that_of_some_47_rings_and_the_exact_one_is_where_the_rings_lead() -> None:
    assert runger_prabhu(0.1, 12.73, 4, 47) < 199.78 < runger_prabhu(0.1, 12.73, 4, 48)
    few, many = runger_prabhu(0.1, 12.73, 4, 60), runger_prabhu(0.1, 12.73, 4, 120)
    assert mewma(0.1, 12.73, 4) == pytest.approx(many + (many - few) / 3, rel=2e-5)


def test_a_shift_agrees_with_the_trapezium_rule_over_the_half_disc_in_two_dimensions() -> None:
    smoothing, limit, shift = 0.3, 9.0, 1.0
    radius, cells = np.sqrt(limit * smoothing / (2 - smoothing)), 45
    side = np.linspace(-radius, radius, cells, endpoint=False) + radius / cells
    x, y = (grid.ravel() for grid in np.meshgrid(side, side))
    inside = x**2 + y**2 <= radius**2
    x, y = x[inside], y[inside]
    step = side[1] - side[0]
    to_x = norm.pdf(x, (1 - smoothing) * x[:, None] + smoothing * shift, smoothing)
    to_y = norm.pdf(y, (1 - smoothing) * y[:, None], smoothing)
    means = np.linalg.solve(np.eye(len(x)) - to_x * to_y * step**2, np.ones(len(x)))
    first = norm.pdf(x, smoothing * shift, smoothing) * norm.pdf(y, 0, smoothing) * step**2
    assert mewma(smoothing, limit, 2, shift) == pytest.approx(1 + first @ means, rel=2e-2)


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_one_dimension_is_the_ewma_chart(shift: float) -> None:
    assert mewma(0.2, 7.29, 1, shift) == pytest.approx(ewma(0.2, 2.7, shift), rel=1e-12)


@pytest.mark.parametrize("dimensions", [2, 5])
def test_without_smoothing_it_is_hotellings_chart(dimensions: int) -> None:
    for shift in (0.0, 1.5):
        tail = ncx2.sf(12.0, dimensions, shift**2) if shift else chi2.sf(12.0, dimensions)
        assert mewma(1.0, 12.0, dimensions, shift) == pytest.approx(1 / tail, rel=1e-7)


@pytest.mark.parametrize("dimensions", [2, 3, 10])
def test_the_plane_and_the_radius_agree_in_control_and_a_tiny_shift_is_none(dimensions: int) -> None:
    exact = mewma(0.15, 14.0, dimensions)
    assert mewma_run(0.15, 14.0, dimensions).mean() == pytest.approx(exact, rel=1e-7)
    assert mewma(0.15, 14.0, dimensions, 1e-6) == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize(
    ("smoothing", "limit", "dimensions"),
    [(0.02, 13.0, 4), (0.02, 10.0, 2), (0.05, 24.0, 10), (0.1, 38.0, 20), (0.1, 80.0, 60)],
)
def test_a_large_disc_and_many_dimensions_keep_seven_digits(smoothing: float, limit: float, dimensions: int) -> None:
    in_control = mewma(smoothing, limit, dimensions)
    assert mewma(smoothing, limit, dimensions, 1e-7) == pytest.approx(in_control, rel=5e-7)


def test_the_run_behind_the_mean_has_that_mean_and_a_steady_state() -> None:
    shifted = mewma_run(0.2, 11.0, 3, 1.0)
    assert shifted.mean() == pytest.approx(mewma(0.2, 11.0, 3, 1.0), rel=1e-8)
    assert steady_state_delay(mewma_run(0.2, 11.0, 3), shifted) == pytest.approx(shifted.mean(), rel=0.1)


@pytest.mark.parametrize("dimensions", [2, 4, 20])
def test_the_designed_limit_has_the_requested_run_length(dimensions: int) -> None:
    assert mewma(0.1, design_mewma(0.1, 370.0, dimensions), dimensions) == pytest.approx(370.0, rel=1e-7)


@pytest.mark.parametrize(("smoothing", "limit", "dimensions"), [(0.0, 9.0, 2), (0.1, 0.0, 2), (0.1, 9.0, 0)])
def test_parameters_outside_their_domain_are_refused(smoothing: float, limit: float, dimensions: int) -> None:
    with pytest.raises(OutOfRange):
        mewma(smoothing, limit, dimensions)


def test_the_krylov_solution_is_that_of_elimination_and_too_few_steps_are_refused() -> None:
    rng = np.random.default_rng(0)
    matrix, right = np.eye(30) - 0.1 * rng.random((30, 30)), rng.random(30)
    assert gmres(lambda x: matrix @ x, right) == pytest.approx(np.linalg.solve(matrix, right), rel=1e-7)
    with pytest.raises(Inconsistent):
        gmres(lambda x: matrix @ x, right, most=2)


@pytest.mark.parametrize(("limit", "shift"), [(120.0, 1.0), (300.0, 1.0), (1e4, 3.0)])
def test_a_mean_that_is_surely_beyond_what_is_computed_is_infinite_without_being_computed(
    limit: float, shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A settled T^2 is noncentral chi-square; an alarm within t points has at most t times its chance."""
    assert ncx2.sf(limit, 4, shift**2 * 19.0) < 0.5e-9
    monkeypatch.setattr(sys.modules[mewma.__module__], "_planar", None)
    assert mewma(0.1, limit, 4, shift) == np.inf


def test_a_mean_next_to_what_is_computed_is_computed() -> None:
    assert mewma(0.5, 60.0, 2, 1.0) == pytest.approx(5.1235e8, rel=1e-4)
