"""The averages of normal points under limits that grow with the average's own standard deviation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from andon_quality.arl.extrapolation import wynn_epsilon
from andon_quality.arl.quadrature import chance_outside, legendre, nodes_for, normal_kernel, unit_nodes
from andon_quality.arl.run_length import solved
from andon_quality.arrays import FloatArray
from andon_quality.errors import OutOfRange

# Varying limits: points in a block, over 1 / smoothing; how many blocks, and how many of their ends are extrapolated.
BLOCK, BLOCKS, TERMS = 0.2, 12, 7
# To what the kernels of a block are interpolated.
INTERPOLATED = 1e-9
# The share of the limits' growth after which their run lengths count as settled.
GROWTH_LEFT = 1e-8
# Points followed times pairs of nodes: about a second.
WORK_MOST = 3e8


def _refuse_too_much(work: float, smoothing: float) -> None:
    if work > WORK_MOST:
        raise OutOfRange(f"varying limits grow too long at a smoothing of {smoothing:g}: choose a larger one, or fixed")


def asymptotic_sd(smoothing: float) -> float:
    """The standard deviation that the average of many points has, in sigma: sqrt(smoothing / (2 - smoothing)).

    >>> round(asymptotic_sd(0.2), 6)
    0.333333
    """
    return float(np.sqrt(smoothing / (2.0 - smoothing)))


def varying_mean(
    smoothing: float, width: float, shift: float, head_start: float = 0.0, depth: float | None = None
) -> float:
    """The mean run under varying limits: if they settled after so many points, taken to its end by Wynn's epsilon.

    depth: for one side, how many standard deviations of the average below the centre are followed; None for two.
    Raises OutOfRange for a smoothing so small that the limits' growth cannot be followed in some tenths of a second.

    >>> round(varying_mean(0.1, 2.8, 0.0, 0.0), 4)
    467.8826
    """
    folded = shift == 0.0 and head_start == 0.0 and depth is None
    high, nodes, weights = _interval(smoothing, width, folded, depth)
    _refuse_too_much(BLOCK * BLOCKS / smoothing * len(nodes) ** 2, smoothing)
    low = -high if depth is None else -np.inf
    pulled = (1.0 - smoothing) * high * nodes + shift
    kernel = _step(pulled, high * nodes, high * weights, folded)
    afterwards = solved(kernel[None], chance_outside(pulled, low, high)[None])[0]
    if np.isinf(afterwards).any():
        return np.inf
    ends, points = [], 1.0
    for rows, means, row in _growing(smoothing, width, shift, head_start, folded, depth):
        points += float(rows.sum())
        ends.append(points + float(row @ (1.0 + _step(means, high * nodes, high * weights, folded) @ afterwards)))
        if len(ends) == BLOCKS or row.sum() * afterwards.max() < 1e-10 * points:
            break
    return wynn_epsilon(np.array(ends[-TERMS:]))


def _interval(
    smoothing: float, width: float, folded: bool, depth: float | None
) -> tuple[float, FloatArray, FloatArray]:
    """The settled width in steps' sigma, nodes as shares of it and their weights; folded: only the upper half."""
    sd = asymptotic_sd(smoothing) / smoothing
    high = width * sd
    if depth is not None:
        return high, *legendre(-depth / width, 1.0, nodes_for((width + depth) * sd))
    nodes, weights = unit_nodes(nodes_for(2.0 * high))
    kept = slice(len(nodes) // 2 if folded else 0, None)
    return high, nodes[kept], weights[kept]


def _step(means: FloatArray, nodes: FloatArray, weights: FloatArray, folded: bool) -> FloatArray:
    ahead = normal_kernel(means, nodes, weights)
    if folded:
        ahead += normal_kernel(-means, nodes, weights)
    return ahead


def _growing(
    smoothing: float, width: float, shift: float, head_start: float, folded: bool, depth: float | None = None
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """Block after block of points under growing limits, without end.

    Of each block: the mass in each state before each of its points, shape (points, n), where each state would move
    next, and the mass in each after it.
    """
    high, nodes, weights = _interval(smoothing, width, folded, depth)
    keeps, block = 1.0 - smoothing, max(1, round(BLOCK / smoothing))
    rise = high * (1.0 - keeps**2) ** 0.5
    start = np.array([keeps * head_start * asymptotic_sd(smoothing) / smoothing + shift])
    row = _step(start, rise * nodes, rise * weights, folded)[0]
    point, blocks = 1, 1
    while True:
        unsettled = keeps ** (2.0 * np.arange(point, point + blocks * block + 1.0))
        at, shares = _few_of(unsettled[:-1])
        before, after = (high * np.sqrt(1.0 - left)[:, None] for left in (at, keeps**2 * at))
        kernels = _step(keeps * before * nodes + shift, after * nodes, after * weights, folded)
        # Side by side, so that one product moves the mass by all of them.
        joined = kernels.swapaxes(0, 1).reshape(len(nodes), -1)
        for end in range(block, len(unsettled), block):
            rows = np.empty((block, len(nodes)))
            for step, share in enumerate(shares[end - block : end]):
                rows[step] = row
                row = share @ (row @ joined).reshape(len(at), -1)
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


def settled(smoothing: float, width: float, shift: float, head_start: float) -> tuple[FloatArray, FloatArray]:
    """The survival at each point until the limits have all but settled, and the mass in each state then.

    >>> survival, mass = settled(0.5, 3.0, 0.0, 0.0)
    >>> round(float(survival[10]), 6), bool(mass.sum() <= survival[-1])
    (0.974796, True)
    """
    points = 0 if smoothing == 1.0 else int(np.ceil(np.log(GROWTH_LEFT) / (2.0 * np.log1p(-smoothing))))
    _refuse_too_much(points * len(_interval(smoothing, width, False, None)[1]) ** 2, smoothing)
    survival = [1.0]
    blocks = _growing(smoothing, width, shift, head_start, False)
    while True:
        rows, _, row = next(blocks)
        survival += rows.sum(axis=1).tolist()
        if len(survival) >= points:
            return np.array(survival), row
