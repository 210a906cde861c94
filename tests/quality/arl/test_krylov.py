"""Small kernels have the powers of the large ones that they come from."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.arl.krylov import projected
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.integers(1, 4), st.integers(0, 2**32))
def test_projected_kernels_survive_as_long(states: int, charts: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    kernels = dice.random((charts, states, states))
    kernels *= dice.uniform(0.3, 0.99, (charts, 1, 1)) / kernels.sum(axis=2, keepdims=True).max(axis=1, keepdims=True)
    start = dice.dirichlet(np.ones(states))
    small, starts = projected(lambda values: (kernels @ values[..., None])[..., 0], start, charts)
    for power in (0, 1, 3, 20):
        ahead = start @ np.linalg.matrix_power(kernels, power)
        few = starts[:, None, :] @ np.linalg.matrix_power(small, power)
        assert few.sum(axis=(1, 2)) == pytest.approx(ahead.sum(axis=1), abs=1e-12)


def test_a_chart_whose_basis_ends_early_keeps_its_powers_beside_one_whose_does_not() -> None:
    alike, unlike = np.full((3, 3), 0.3), np.array([[0.5, 0.2, 0.1], [0.0, 0.4, 0.5], [0.3, 0.0, 0.1]])
    kernels, start = np.array([alike, unlike]), np.array([1.0, 0.0, 0.0])
    small, starts = projected(lambda values: (kernels @ values[..., None])[..., 0], start, 2)
    survived = (starts[:, None, :] @ np.linalg.matrix_power(small, 9)).sum(axis=(1, 2))
    expected = (start @ np.linalg.matrix_power(kernels, 9)).sum(axis=1)
    assert survived == pytest.approx(expected, rel=1e-12)
