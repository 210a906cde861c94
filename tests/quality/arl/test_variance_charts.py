"""Variance charts against Knoth's CUSUM-S2 table and simulation."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from andon_quality.arl import design_s2_cusum, design_s2_ewma, s2_cusum, s2_cusum_run, s2_ewma
from andon_quality.errors import OutOfRange
from hypothesis import given, settings
from hypothesis import strategies as st

KNOTH = [
    *((1.0, 260.7369), (1.1, 90.1319), (1.2, 43.6867), (1.3, 26.2916)),
    *((1.4, 18.1231), (1.5, 13.6268), (2.0, 5.9904)),
]


@pytest.mark.parametrize(("sigma", "printed"), KNOTH)
def test_cusum_of_variances_df_1_k_1_46_h_10_without_head_start_is_knoth(sigma: float, printed: float) -> None:
    assert s2_cusum(1, 1.46, 10.0, sigma) == pytest.approx(printed, abs=6e-5)


def simulated_ewma(df: int, smoothing: float, width: float, sigma: float, two: bool) -> tuple[float, float]:
    rng = np.random.default_rng(17)
    reach = width * np.sqrt(smoothing / (2 - smoothing) * 2 / df)
    state, alive, runs = np.ones(30_000), np.ones(30_000, dtype=bool), np.zeros(30_000)
    while alive.any():
        state = (1 - smoothing) * state + smoothing * sigma**2 * rng.chisquare(df, state.size) / df
        runs += alive
        alive &= (state <= 1 + reach) & ((state >= 1 - reach) | (not two))
    return float(runs.mean()), float(runs.std() / runs.size**0.5)


@pytest.mark.parametrize(
    ("df", "smoothing", "width", "sigma", "sided"),
    [(4, 0.3, 2.4, 1.2, "two"), (1, 0.1, 1.0, 1.0, "two"), (1, 0.1, 1.0, 1.2, "upper"), (9, 0.2, 2.0, 1.1, "upper")],
)
def test_ewma_of_variances_agrees_with_a_simulation(
    df: int, smoothing: float, width: float, sigma: float, sided: str
) -> None:
    mean, error = simulated_ewma(df, smoothing, width, sigma, sided == "two")
    assert s2_ewma(df, smoothing, width, sigma, sided) == pytest.approx(mean, abs=4 * error)  # type: ignore[arg-type]


@pytest.mark.parametrize("df", [1, 2, 4, 9])
def test_without_smoothing_the_upper_ewma_is_the_chi_square_chart(df: int) -> None:
    from scipy.stats import chi2

    width = 2.5
    assert s2_ewma(df, 1.0, width) == pytest.approx(1 / chi2.sf(df * (1 + width * np.sqrt(2 / df)), df), rel=1e-8)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 12), st.floats(1.05, 1.8), st.floats(30.0, 3000.0))
def test_the_designed_interval_has_the_requested_run_length(df: int, k: float, requested: float) -> None:
    assert s2_cusum(df, k, design_s2_cusum(df, k, requested)) == pytest.approx(requested, rel=1e-6)


@pytest.mark.parametrize("sided", ["upper", "two"])
def test_the_designed_limit_has_the_requested_run_length(sided: str) -> None:
    width = design_s2_ewma(5, 0.15, 200.0, sided)  # type: ignore[arg-type]
    assert s2_ewma(5, 0.15, width, sided=sided) == pytest.approx(200.0, rel=1e-7)  # type: ignore[arg-type]


def test_a_head_start_at_h_is_the_worst_and_survival_starts_at_one() -> None:
    assert s2_cusum(4, 1.3, 4.0, 1.0, 4.0) < s2_cusum(4, 1.3, 4.0)
    assert s2_cusum_run(4, 1.3, 4.0).survival(0) == 1.0


@pytest.mark.parametrize(("df", "k", "h"), [(0, 1.2, 4.0), (1, 0.0, 4.0), (1, 0.05, 4.0), (1, 1.2, 0.0)])
def test_parameters_outside_their_domain_are_refused(df: int, k: float, h: float) -> None:
    with pytest.raises(OutOfRange):
        s2_cusum(df, k, h)


def test_a_lower_limit_below_zero_is_refused() -> None:
    with pytest.raises(OutOfRange, match="below zero"):
        s2_ewma(1, 1.0, 3.0, sided="two")


# Run lengths of the R package spc (Knoth), to the digits that it was asked for.
@pytest.mark.parametrize(
    ("df", "smoothing", "limit", "sigma", "known"),
    [
        (249, 0.05, 2.5, 1.0, 731.0),
        (100, 0.02, 2.4, 1.0, 1296.7),
        (99, 0.05, 2.5, 1.0, 700.05),
        (24, 0.03, 2.4, 0.95, 3.28e7),
    ],
)
def test_many_degrees_of_freedom_with_a_small_smoothing_are_as_knoth_has_them(
    df: int, smoothing: float, limit: float, sigma: float, known: float
) -> None:
    assert s2_ewma(df, smoothing, limit, sigma) == pytest.approx(known, rel=1e-3 if known > 1e6 else 1e-4)


@pytest.mark.parametrize(
    ("df", "smoothing", "sided"), [(9, 0.02, "upper"), (30, 0.003, "upper"), (249, 0.05, "two"), (60, 0.1, "two")]
)
def test_more_nodes_change_no_digit_that_is_claimed(
    df: int, smoothing: float, sided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from andon_quality.arl import chi_square

    module = sys.modules["andon_quality.arl.s2_ewma"]
    found = s2_ewma(df, smoothing, 2.5, 1.0, sided)  # type: ignore[arg-type]
    monkeypatch.setattr(chi_square, "ANGLES", 120)
    monkeypatch.setattr(module, "FINENESS", 4)
    assert found == pytest.approx(s2_ewma(df, smoothing, 2.5, 1.0, sided), rel=3e-7)  # type: ignore[arg-type]
