"""The exact run length of exponentially weighted moving average charts, with fixed or varying limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from andon_quality.arl.design import design
from andon_quality.arl.estimated import averaged
from andon_quality.arl.estimated_run import estimated_run
from andon_quality.arl.extrapolation import wynn_epsilon
from andon_quality.arl.krylov import Product
from andon_quality.arl.quadrature import nodes_for, normal_kernel, unit_nodes
from andon_quality.arl.run_length import RunLength, solved
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

Limits = Literal["fixed", "varying"]
Sided = Literal["two", "upper"]

# Varying limits: points in a block, over 1 / smoothing; how many blocks, and how many of their ends are extrapolated.
BLOCK, BLOCKS, TERMS = 0.2, 12, 7
# To what the kernels of a block are interpolated.
INTERPOLATED = 1e-9
# The share of the limits' growth after which their run lengths count as settled.
GROWTH_LEFT = 1e-8


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
    varying limits prepend the integrals over each narrower interval for 2.4 / smoothing points, from where the rest is
    extrapolated (`wynn_epsilon`); seven digits. Otherwise ten digits; cost n^3 with n about
    10 + 2.5 limit / sqrt(smoothing), and 2.4 n^2 / smoothing for varying limits: 0.1 ms and 1 ms at a smoothing of 0.1,
    0.3 ms and 4 ms at 0.01.
    phase1_size: centre and sigma are the mean and standard deviation of that many points (`estimated`; fixed limits).
    Prefer `cusum` when the shift to be found is known, `mewma` for vectors.
    Raises OutOfRange for smoothing outside (0, 1], a limit that is not positive or a head start outside the limits.
    Sources: Crowder (1987), Technometrics 29, 401-407; Lucas and Saccucci (1990), Technometrics 32, 1-12;
    Knoth (2003), Sequential Analysis 22, 89-108 (varying limits).

    >>> round(ewma(0.25, 3.0, 1.0), 6)
    11.154267
    """
    _check(smoothing, limit, shift, head_start)
    if phase1_size is not None:
        charts = _Baselines(smoothing, limit, shift, head_start, sided, limits)
        return averaged(charts.means, phase1_size, charts.alike_at, charts.even)
    if limits == "fixed":
        return ewma_run(smoothing, limit, shift, head_start, sided).mean()
    _check_varying(sided)
    return _varying(smoothing, limit, shift, head_start)


def ewma_run(
    smoothing: float,
    limit: float,
    shift: float = 0.0,
    head_start: float = 0.0,
    sided: Sided = "two",
    limits: Limits = "fixed",
    phase1_size: int | None = None,
) -> RunLength:
    """The whole distribution behind `ewma`: mean, quantiles, survival, steady state.

    Varying limits are followed for about 9 / smoothing points, until their growth is a hundred-millionth.
    phase1_size: mixed over the baselines of that many points (`estimated_run`; fixed limits).

    >>> ewma_run(0.5, 3.071).quantile(0.5)
    347
    >>> ewma_run(0.1, 2.7, limits="varying").quantile(0.1), ewma_run(0.1, 2.7).quantile(0.1)
    (33, 46)
    """
    _check(smoothing, limit, shift, head_start)
    if phase1_size is not None:
        charts = _Baselines(smoothing, limit, shift, head_start, sided, limits)
        return estimated_run(charts.kernels, charts.means, phase1_size, charts.alike_at, charts.even)
    kernel = _kernels(smoothing, np.array([limit]), np.array([shift]), np.array([head_start]), sided)[0]
    if limits == "fixed":
        return RunLength(kernel, np.eye(1, len(kernel), len(kernel) - 1)[0])
    _check_varying(sided)
    survival, row = _settled(smoothing, limit, shift, head_start)
    return RunLength(kernel, np.append(row, 0.0), survival)


def ewma_curve(
    smoothing: float, limit: float, shifts: FloatArray, head_start: float = 0.0, sided: Sided = "two"
) -> FloatArray:
    """`ewma` with fixed limits at many shifts, shape (n,): one batched solve.

    >>> ewma_curve(0.25, 3.0, np.array([0.0, 1.0])).round(6).tolist()
    [502.895169, 11.154267]
    """
    shifts = np.asarray(shifts, dtype=np.float64)
    if not np.isfinite(shifts).all():
        raise OutOfRange("every shift must be finite")
    _check(smoothing, limit, 0.0, head_start)
    kernels = _kernels(smoothing, np.full_like(shifts, limit), shifts, np.full_like(shifts, head_start), sided)
    return solved(kernels)[:, -1]


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
        lambda limit: ewma(smoothing, limit, 0.0, limits, head_start, sided, phase1_size),
        requested_arl,
        max(2.8, 1.5 * lower),
        lower,
    )


@dataclass(frozen=True)
class _Baselines:
    """One chart drawn from one baseline after another, in true units."""

    smoothing: float
    limit: float
    shift: float
    head_start: float
    sided: Sided
    limits: Limits

    def __post_init__(self) -> None:
        if self.limits != "fixed":
            raise OutOfRange("varying limits are around a known centre")

    @property
    def alike_at(self) -> float | None:
        return self.shift if self.sided == "two" else None

    @property
    def even(self) -> bool:
        return self.shift == self.head_start == 0.0 and self.sided == "two"

    def means(self, centre: FloatArray, spread: FloatArray) -> FloatArray:
        return solved(self._kernels(centre, spread))[:, -1]

    def kernels(self, centre: FloatArray, spread: FloatArray) -> tuple[Product, FloatArray]:
        kernels = self._kernels(centre, spread)
        size = kernels.shape[-1]
        return lambda values: (kernels @ values[..., None])[..., 0], np.eye(1, size, size - 1)[0]

    def _kernels(self, centre: FloatArray, spread: FloatArray) -> FloatArray:
        return _kernels(self.smoothing, self.limit * spread, self.shift - centre, self.head_start * spread, self.sided)


def _check(smoothing: float, limit: float, shift: float, head_start: float) -> None:
    if not 0.0 < smoothing <= 1.0:
        raise OutOfRange(f"smoothing must lie in (0, 1], got {smoothing}")
    if not (0.0 < limit < np.inf and np.isfinite(shift)):
        raise OutOfRange(f"limit must be positive and shift finite, got {limit}, {shift}")
    if not abs(head_start) <= limit:
        raise OutOfRange(f"the head start must lie within the limits, got {head_start}")


def _check_varying(sided: Sided) -> None:
    if sided != "two":
        raise OutOfRange("varying limits are two-sided")


def _asymptotic_sd(smoothing: float) -> float:
    return float(np.sqrt(smoothing / (2.0 - smoothing)))


def _kernels(
    smoothing: float, limit: FloatArray, shift: FloatArray, head_start: FloatArray, sided: Sided
) -> FloatArray:
    """Kernels over the states (nodes, barrier when one-sided, start), shape (charts, n, n); all in steps' sigma."""
    high = limit * (_asymptotic_sd(smoothing) / smoothing)
    low = -high if sided == "two" else np.zeros_like(high)
    nodes, weights = unit_nodes(nodes_for(float((high - low).max())))
    size, half = len(nodes), 0.5 * (high - low)[:, None]
    after = low[:, None] + half * (1.0 + nodes)
    # The start is one more state, which the chart never comes back to.
    start = (head_start * (_asymptotic_sd(smoothing) / smoothing))[:, None]
    before = np.hstack([after, start] if sided == "two" else [after, np.zeros_like(start), start])
    pulled = (1.0 - smoothing) * before + shift[:, None]
    kernels = np.zeros((len(pulled), before.shape[1], before.shape[1]))
    kernels[:, :, :size] = normal_kernel(pulled, after, half * weights)
    if sided == "upper":
        kernels[:, :, size] = _below_zero(pulled)
    return kernels


def _below_zero(means: FloatArray) -> FloatArray:
    from scipy.special import ndtr

    return np.asarray(ndtr(-means))


def _varying(smoothing: float, limit: float, shift: float, head_start: float) -> float:
    """What the mean would be if the limits settled after so many points, taken to its end by Wynn's epsilon."""
    folded = shift == 0.0 and head_start == 0.0
    high, nodes, weights = _interval(smoothing, limit, folded)
    means = _step((1.0 - smoothing) * high * nodes + shift, high * nodes, high * weights, folded)
    afterwards = solved(means[None])[0]
    ends, points = [], 1.0
    for rows, means, row in _growing(smoothing, limit, shift, head_start, folded):
        points += float(rows.sum())
        ends.append(points + float(row @ (1.0 + _step(means, high * nodes, high * weights, folded) @ afterwards)))
        if len(ends) == BLOCKS or row.sum() * afterwards.max() < 1e-10 * points:
            break
    return wynn_epsilon(np.array(ends[-TERMS:]))


def _interval(smoothing: float, limit: float, folded: bool) -> tuple[float, FloatArray, FloatArray]:
    """The settled limit in steps' sigma, nodes as shares of it and their weights; folded: only the upper half."""
    high = limit * _asymptotic_sd(smoothing) / smoothing
    nodes, weights = unit_nodes(nodes_for(2.0 * high))
    kept = slice(len(nodes) // 2 if folded else 0, None)
    return high, nodes[kept], weights[kept]


def _step(means: FloatArray, nodes: FloatArray, weights: FloatArray, folded: bool) -> FloatArray:
    ahead = normal_kernel(means, nodes, weights)
    if folded:
        ahead += normal_kernel(-means, nodes, weights)
    return ahead


def _growing(
    smoothing: float, limit: float, shift: float, head_start: float, folded: bool
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """Block after block of points under growing limits, without end.

    Of each block: the mass in each state before each of its points, shape (points, n), where each state would move
    next, and the mass in each after it.
    """
    high, nodes, weights = _interval(smoothing, limit, folded)
    keeps, block = 1.0 - smoothing, max(1, round(BLOCK / smoothing))
    width = high * (1.0 - keeps**2) ** 0.5
    start = np.array([keeps * head_start * _asymptotic_sd(smoothing) / smoothing + shift])
    row = _step(start, width * nodes, width * weights, folded)[0]
    point, blocks = 1, 1
    while True:
        unsettled = keeps ** (2.0 * np.arange(point, point + blocks * block + 1.0))
        at, shares = _few_of(unsettled[:-1])
        before, after = (high * np.sqrt(1.0 - left)[:, None] for left in (at, keeps**2 * at))
        kernels = _step(keeps * before * nodes + shift, after * nodes, after * weights, folded)
        # Side by side, so that one product moves the mass by all of them.
        beside = kernels.swapaxes(0, 1).reshape(len(nodes), -1)
        for end in range(block, len(unsettled), block):
            rows = np.empty((block, len(nodes)))
            for step, share in enumerate(shares[end - block : end]):
                rows[step] = row
                row = share @ (row @ beside).reshape(len(at), -1)
            yield rows, keeps * high * np.sqrt(1.0 - unsettled[end]) * nodes + shift, row
        # The more the limits have settled, the longer a stretch few kernels will do for.
        point, blocks = point + blocks * block, 2 * blocks


def _few_of(unsettled: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Few places among points, and what each counts at each point, shape (points, places): an interpolation.

    unsettled: shape (points,), how much of the variance of the limits is still to come. In it the logarithm of the
    kernel is all but linear, so that Chebyshev's nodes give it with an error of (growth / 4)^places.
    """
    low, high = unsettled[-1], unsettled[0]
    if high - low < INTERPOLATED:
        return unsettled[:1], np.ones((len(unsettled), 1))
    growth = (high - low) / (2.0 - high - low)
    size = 1 + int(np.ceil(np.log(INTERPOLATED) / np.log(0.5 * growth)))
    if size >= len(unsettled):
        return unsettled, np.eye(len(unsettled))
    nodes = np.cos(np.pi * (np.arange(size) + 0.5) / size)
    degrees = np.arange(size)
    at = 2.0 * (unsettled - low) / (high - low) - 1.0
    shares = np.cos(degrees * np.arccos(np.clip(at, -1.0, 1.0))[:, None]) @ np.cos(degrees[:, None] * np.arccos(nodes))
    return low + 0.5 * (high - low) * (1.0 + nodes), (2.0 * shares - 1.0) / size


def _settled(smoothing: float, limit: float, shift: float, head_start: float) -> tuple[FloatArray, FloatArray]:
    """The survival at each point until the limits have all but settled, and the mass in each state then."""
    points = 0 if smoothing == 1.0 else int(np.ceil(np.log(GROWTH_LEFT) / (2.0 * np.log1p(-smoothing))))
    survival = [1.0]
    blocks = _growing(smoothing, limit, shift, head_start, False)
    while True:
        rows, _, row = next(blocks)
        survival += rows.sum(axis=1).tolist()
        if len(survival) >= points:
            return np.array(survival), row
