"""Multivariate EWMA: small lasting shifts of several correlated measures, in any direction.

Assumes independent, roughly multivariate normal vectors (a smoothing of 0.1 or less forgives skew). For large shifts
prefer `hotelling`; for one measure this is `ewma` with limit = width^2.
Source: C. A. Lowry, W. H. Woodall, C. W. Champ and S. E. Rigdon, A multivariate exponentially weighted moving average
control chart, Technometrics 34 (1992) 46-53; S. S. Prabhu and G. C. Runger, Designing a multivariate EWMA control
chart, Journal of Quality Technology 29 (1997) 8-15, for limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray
from andon_quality.control.chart import Chart, StatisticKind
from andon_quality.control.ewma import smoothed
from andon_quality.control.hotelling import VectorBaseline, baseline, whiten
from andon_quality.errors import OutOfRange

__all__ = ["Limits", "MewmaState", "VectorBaseline", "advance", "baseline", "chart", "start"]

Limits = Literal["varying", "fixed"]


@dataclass(frozen=True)
class MewmaState:
    """The whitened average vector of each series, shape (..., p), and its variance, shape (...)."""

    average: FloatArray
    variance: FloatArray


@checked
def chart(
    baseline: VectorBaseline, vectors: ArrayLike, limit: float, smoothing: float = 0.1, limits: Limits = "fixed"
) -> Chart:
    """T2 of z_t = (1 - smoothing) z_(t-1) + smoothing (x_t - centre), against `limit` on the T2 scale.

    vectors: shape (..., time, p); a vector with any NaN is missing: the average holds, the point has no statistic.
    limit: that of the requested run length, as from `arl.mewma` (12.73 for p = 4, smoothing 0.1 and an in-control run
    of 200 with "fixed" limits). limits: "fixed" divides by the asymptotic covariance smoothing / (2 - smoothing) S,
    "varying" by the exact one, which is quicker at the start. Cost: O(p^2) per point.
    Raises OutOfRange unless 0 < smoothing <= 1 and limit > 0, Inconsistent when the number of measures differs.

    >>> frozen = baseline(np.random.default_rng(1).normal(size=(50, 2)))
    >>> bool(chart(frozen, np.full((20, 2), 1.0), limit=8.64).beyond[-1])
    True
    """
    return advance(baseline, start(baseline), vectors, limit, smoothing, limits)[1]


def start(baseline: VectorBaseline) -> MewmaState:
    """The state before the first vector: the average is at the centre.

    >>> start(baseline([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])).average
    array([0., 0.])
    """
    return MewmaState(np.zeros(baseline.centre.shape), np.zeros(baseline.centre.shape[:-1]))


@checked
def advance(
    baseline: VectorBaseline,
    state: MewmaState,
    vectors: ArrayLike,
    limit: float,
    smoothing: float = 0.1,
    limits: Limits = "fixed",
) -> tuple[MewmaState, Chart]:
    """The next vectors, shape (..., m, p); the same bits in any split into calls, O(1) in the length of the series.

    >>> frozen = baseline(np.random.default_rng(1).normal(size=(50, 2)))
    >>> state, _ = advance(frozen, start(frozen), [[1.0, 1.0]], 8.64)
    >>> state.average.shape
    (2,)
    """
    if not (0 < smoothing <= 1 and limit > 0):
        raise OutOfRange(f"needs 0 < smoothing <= 1 and limit > 0, got {smoothing} and {limit}")
    # Smoothing is linear, so each whitened measure is smoothed on its own and T2 is the sum of their squares.
    x = np.moveaxis(whiten(baseline, vectors), -1, 0)
    present = ~np.isnan(x[0])
    keep = 1.0 - smoothing
    parts = [smoothed(x[i], present, smoothing, keep, state.average[..., i]) for i in range(len(x))]
    ones = np.ones(present.shape)
    growing, grown = smoothed(ones, present, smoothing * smoothing, keep * keep, state.variance)
    variance = growing if limits == "varying" else np.where(present, smoothing / (2.0 - smoothing), np.nan)
    statistic = np.asarray(sum(part**2 for part, _ in parts)) / variance
    return MewmaState(np.stack([last for _, last in parts], axis=-1), grown), _chart(statistic, len(x), limit)


def _chart(statistic: FloatArray, p: int, limit: float) -> Chart:
    zero = np.zeros(statistic.shape)
    return Chart(
        StatisticKind.MEWMA, statistic, zero + p, zero, zero + limit, np.full(zero.shape, np.nan), math.sqrt(limit)
    )
