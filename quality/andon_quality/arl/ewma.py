"""The exact run length of exponentially weighted moving average charts, with fixed or varying limits."""

from __future__ import annotations

from typing import Literal

import numpy as np

from andon_quality.arl.design import design
from andon_quality.arl.estimated import averaged
from andon_quality.arl.quadrature import legendre, nodes_for, normal_density, unit_nodes
from andon_quality.arl.run_length import RunLength, solved
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

Limits = Literal["fixed", "varying"]
Sided = Literal["two", "upper"]


def ewma(
    smoothing: float,
    limit: float,
    shift: float = 0.0,
    limits: Limits = "fixed",
    head_start: float = 0.0,
    sided: Sided = "two",
    phase1_size: int | None = None,
) -> float:
    """The zero-state average run length of Z_t = (1 - smoothing) Z_{t-1} + smoothing X_t, X_t ~ N(shift, 1).

    smoothing in (0, 1]. limit: in units of the asymptotic standard deviation sqrt(smoothing / (2 - smoothing)), or with
    limits="varying" of the standard deviation at each point, which is narrower at the start. shift: in sigma.
    head_start: Z_0, in units of the asymptotic standard deviation. sided="upper": a reflecting barrier at 0 below.
    Nystroem with Gauss-Legendre nodes on the Fredholm equation L(u) = 1 + 1/l int L(y) phi((y - (1-l) u)/l - shift) dy;
    varying limits prepend the integrals over each narrower interval until it hardly changes (seven digits, and the
    cost grows as 1 / smoothing). Otherwise ten digits; cost n^3 with n about 10 + 2.5 limit / sqrt(smoothing).
    phase1_size: centre and sigma are the mean and standard deviation of that many points (`estimated`; fixed limits).
    Prefer `cusum` when the shift to be found is known, `mewma` for vectors.
    Raises OutOfRange for smoothing outside (0, 1], a limit that is not positive or a head start outside the limits.
    Sources: Crowder (1987), Technometrics 29, 401-407; Lucas and Saccucci (1990), Technometrics 32, 1-12;
    Knoth (2003), Sequential Analysis 22, 89-108 (varying limits).

    >>> round(ewma(0.25, 3.0, 1.0), 6)
    11.154267
    """
    _check(smoothing, limit, shift, head_start)
    if limits == "fixed":
        if phase1_size is None:
            return ewma_run(smoothing, limit, shift, head_start, sided).mean()
        return averaged(
            lambda centre, s: _means(smoothing, limit * s, shift - centre, head_start * s, sided), phase1_size
        )
    if sided != "two" or phase1_size is not None:
        raise OutOfRange("varying limits are two-sided, around a known centre")
    return _varying(smoothing, limit, shift, head_start)


def ewma_run(
    smoothing: float, limit: float, shift: float = 0.0, head_start: float = 0.0, sided: Sided = "two"
) -> RunLength:
    """The whole distribution behind `ewma` with fixed limits: mean, quantiles, survival, steady state.

    >>> ewma_run(0.5, 3.071).quantile(0.5)
    347
    """
    _check(smoothing, limit, shift, head_start)
    kernel = _kernels(smoothing, np.array([limit]), np.array([shift]), np.array([head_start]), sided)[0]
    return RunLength(kernel, np.eye(1, len(kernel), len(kernel) - 1)[0])


def design_ewma(
    smoothing: float,
    requested_arl: float,
    limits: Limits = "fixed",
    head_start: float = 0.0,
    sided: Sided = "two",
    phase1_size: int | None = None,
) -> float:
    """The limit at which the in-control ARL of `ewma` is the requested one.

    >>> round(design_ewma(0.5, 500.0), 3)
    3.071
    """
    lower = abs(head_start) * (1.0 + 1e-9)
    return design(
        lambda limit: ewma(smoothing, limit, 0.0, limits, head_start, sided),
        requested_arl,
        max(2.8, 1.5 * lower),
        lower,
    )


def _check(smoothing: float, limit: float, shift: float, head_start: float) -> None:
    if not 0.0 < smoothing <= 1.0:
        raise OutOfRange(f"smoothing must lie in (0, 1], got {smoothing}")
    if not (0.0 < limit < np.inf and np.isfinite(shift)):
        raise OutOfRange(f"limit must be positive and shift finite, got {limit}, {shift}")
    if not abs(head_start) <= limit:
        raise OutOfRange(f"the head start must lie within the limits, got {head_start}")


def _asymptotic_sd(smoothing: float) -> float:
    return float(np.sqrt(smoothing / (2.0 - smoothing)))


def _means(smoothing: float, limit: FloatArray, shift: FloatArray, head_start: FloatArray, sided: Sided) -> FloatArray:
    """Zero-state means of many charts with the same smoothing, shape (charts,): one batched solve."""
    return solved(_kernels(smoothing, limit, shift, head_start, sided))[:, -1]


def _kernels(
    smoothing: float, limit: FloatArray, shift: FloatArray, head_start: FloatArray, sided: Sided
) -> FloatArray:
    """Kernels over the states (nodes, barrier when one-sided, start), shape (charts, n, n)."""
    high = limit * _asymptotic_sd(smoothing)
    low = -high if sided == "two" else np.zeros_like(high)
    nodes, weights = unit_nodes(nodes_for(float((high - low).max()) / smoothing))
    size, half = len(nodes), 0.5 * (high - low)[:, None]
    after = low[:, None] + half * (1.0 + nodes)
    # The start is one more state, which the chart never comes back to.
    start = (head_start * _asymptotic_sd(smoothing))[:, None]
    before = np.hstack([after, start] if sided == "two" else [after, np.zeros_like(start), start])
    kernels = np.zeros((len(limit), before.shape[1], before.shape[1]))
    kernels[:, :, :size] = _densities(after, before, smoothing, shift[:, None, None]) * (half * weights)[:, None, :]
    if sided == "upper":
        kernels[:, :, size] = _below_zero(before, smoothing, shift[:, None])
    return kernels


def _densities(after: FloatArray, before: FloatArray, smoothing: float, shift: float | FloatArray) -> FloatArray:
    moves = after[..., None, :] - (1.0 - smoothing) * before[..., :, None]
    return normal_density(moves / smoothing - shift) / smoothing


def _below_zero(before: FloatArray, smoothing: float, shift: FloatArray) -> FloatArray:
    from scipy.special import ndtr

    return np.asarray(ndtr(-(1.0 - smoothing) * before / smoothing - shift))


def _varying(smoothing: float, limit: float, shift: float, head_start: float) -> float:
    fixed = ewma_run(smoothing, limit, shift)
    size = len(fixed.start) - 1
    nodes, weights = legendre(-1.0, 1.0, size)
    width_settled = limit * _asymptotic_sd(smoothing)
    afterwards = fixed.from_each_state()[:size]
    narrowing = 1.0 - smoothing

    def onwards(states: FloatArray) -> FloatArray:
        return 1.0 + _densities(width_settled * nodes, states, smoothing, shift) @ (
            width_settled * weights * afterwards
        )

    first, last = _settling(smoothing, limit)
    states, row, points, early = np.array([head_start * _asymptotic_sd(smoothing)]), np.ones(1), 0.0, 0.0
    for point in range(1, last + 1):
        points += row.sum()
        width = width_settled * np.sqrt(1.0 - narrowing ** (2.0 * point))
        row = (row @ _densities(width * nodes, states, smoothing, shift)) * (width * weights)
        states = width * nodes
        if row.sum() < 1e-14:
            return float(points)
        if point == first:
            early = points + row @ onwards(states)
    late = points + row @ onwards(states)
    # What is left of the limits' growth falls by this factor between the two, and the ARL is linear in it.
    left = narrowing ** (2.0 * (last - first))
    return float(late + (late - early) * left / (1.0 - left))


def _settling(smoothing: float, limit: float) -> tuple[int, int]:
    """Two points at which the limits have all but settled: there the ARL is linear in their remaining growth."""
    if smoothing == 1.0:
        return 1, 2
    last = 2 + int(np.ceil(np.log(2e-5 / (1.0 + limit * limit)) / (2.0 * np.log1p(-smoothing))))
    return last - max(1, int(np.ceil(0.35 / smoothing))), last
