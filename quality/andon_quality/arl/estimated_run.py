"""The whole distribution of the run length when centre and sigma come from a baseline sample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from andon_quality.arl.estimated import (
    GROWTH_MOST,
    STEP_IN_LAW,
    STEP_IN_RUN,
    Charts,
    centres_of,
    growth_of,
    half_df_of,
)
from andon_quality.arl.krylov import Product, projected
from andon_quality.arl.run_length import RunLength
from andon_quality.arrays import FloatArray

# Kernels of many charts, as what they do to shape (charts, states), and where each chart starts, shape (states,).
Kernels = Callable[[FloatArray, FloatArray], tuple[Product, FloatArray]]

Weighted = tuple[FloatArray, FloatArray]

# The share of baselines that is left out at either end.
LEFT_OUT = 1e-8
# Charts of similar width that are solved together.
PARTS = 4


def estimated_run(
    kernels_at: Kernels, arl_at: Charts, phase1_size: int, alike_at: float | None = None, even: bool = False
) -> RunLength:
    """The run length of a chart whose centre and sigma are those of `phase1_size` independent normal points.

    kernels_at and arl_at take centre's errors and spreads as in `averaged`, as do alike_at and even. P(T > n) is the
    mean over baselines of what each survives. Whether a chart of given limits is still quiet after n points is a step
    in the spread, about as wide as a factor e in its run: Gauss nodes of the spread's law do not see it; the
    trapezoidal rule, two nodes a factor, does, and its error falls exponentially. Of each chart the powers of its
    kernel are kept in a few states (`projected`); the mixture is one chain of them all.
    Survival to seven decimals, to five with fewer than 6 points. Cost 100 to 600 charts: 2 ms where the kernel is
    small, 5 to 50 otherwise; then 1 to 10 ms a quantile.
    Raises OutOfRange for fewer than 3 points.
    Sources: Jones, Champ and Rigdon (2004), Technometrics 46, 1-12; Trefethen and Weideman (2014), SIAM Review 56,
    385-458.

    >>> from andon_quality.arl import shewhart_run
    >>> shewhart_run(["WE1"], phase1_size=30).quantile(0.5), shewhart_run(["WE1"]).quantile(0.5)
    (187, 257)
    """
    half_df = half_df_of(phase1_size)
    growth, _ = growth_of(arl_at, half_df)
    finite = int(GROWTH_MOST * half_df / max(growth, 1e-9))
    spreads, spread_weights = _spreads(half_df, growth, min(finite, 2))
    tilted = (half_df / max(half_df - growth, 0.5 * half_df)) ** 0.5
    centres, centre_weights = centres_of(arl_at, phase1_size, tilted, alike_at, even, is_step=True)
    weights = np.outer(spread_weights, centre_weights)
    weights = weights / weights.sum()
    # Narrow charts need fewer states.
    parts = [
        _mixed(kernels_at, centres, spreads[part], weights[part])
        for part in np.array_split(np.arange(len(spreads)), PARTS)
    ]
    size = max(part.shape[-1] for part, _ in parts)
    kernels = [np.pad(part, ((0, 0), *2 * ((0, size - part.shape[-1]),))) for part, _ in parts]
    starts = [np.pad(part, ((0, 0), (0, 0), (0, size - part.shape[-1]))) for _, part in parts]
    return RunLength(np.concatenate(kernels), np.concatenate(starts), moments=min(finite, 2))


def _mixed(kernels_at: Kernels, centres: FloatArray, spreads: FloatArray, weights: FloatArray) -> Weighted:
    """Small kernels of all these charts and their starts with the weights, shape (charts, 1, r)."""
    product, start = kernels_at(np.tile(centres, len(spreads)), np.repeat(spreads, len(centres)))
    kernels, starts = projected(product, start, weights.size)
    return kernels, (weights.reshape(-1, 1) * starts)[:, None, :]


def _spreads(half_df: float, growth: float, moments: int) -> tuple[FloatArray, FloatArray]:
    """Sample standard deviations over sigma and their weights, as far up as the mean of so many powers reaches."""
    from scipy.special import gammainccinv, gammaincinv, gammaln

    tilt = half_df - growth * moments
    low, high = np.sqrt([gammaincinv(half_df, LEFT_OUT) / half_df, gammainccinv(half_df, LEFT_OUT) / tilt])
    step = min(STEP_IN_RUN / max(2.0 * growth, 1e-9), STEP_IN_LAW * 0.5 * half_df**-0.5)
    at, width = np.linspace(low, high, int(np.ceil((high - low) / step)) + 1, retstep=True)
    density = np.exp(
        (2.0 * half_df - 1.0) * np.log(at) - half_df * at * at + half_df * np.log(half_df) - gammaln(half_df)
    )
    return at, 2.0 * density * width
