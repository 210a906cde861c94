"""Turning factors until each item leans on few of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, OutOfRange, TooFew

STEPS = 2000
TOLERANCE = 1e-13


def varimax(loadings: ArrayLike, kaiser: bool = True) -> FloatArray:
    """The orthogonal rotation with the largest variance of squared loadings within factors.

    maximise sum_j [ sum_i l_ij^4 / p - (sum_i l_ij^2 / p)^2 ], by planar rotations in closed form until none helps.
    loadings: shape (p items, k factors); kaiser: weigh items alike whatever their communality. Communalities stay.
    Assumes factors that do not go together. Prefer `promax` where factors may go together.
    Columns come out largest first, with positive sums. Cost O(p k^2) a sweep, some ten sweeps.
    Raises TooFew, NotFinite. Source: Kaiser, 1958, Psychometrika 23:187.

    >>> np.abs(varimax([[0.6, 0.6], [0.6, -0.6]])).round(4).tolist()
    [[0.8485, 0.0], [0.0, 0.8485]]
    """
    table = finite(loadings)
    if table.ndim != 2 or not 1 <= table.shape[1] <= table.shape[0]:
        raise TooFew("loadings need a row per item and a column per factor, and no more factors than items")
    length = np.sqrt((table**2).sum(axis=1, keepdims=True))
    weight = np.where(length > 0.0, length, 1.0) if kaiser else np.ones_like(length)
    rotated = table / weight
    for _ in range(STEPS):
        if _sweep(rotated) < TOLERANCE:
            break
    return tidy(rotated * weight)


def _sweep(loadings: FloatArray) -> float:
    """One pass over all pairs of factors, in place; the largest angle turned."""
    largest = 0.0
    for a in range(loadings.shape[1]):
        for b in range(a + 1, loadings.shape[1]):
            x, y = loadings[:, a].copy(), loadings[:, b].copy()
            u, v = x**2 - y**2, 2.0 * x * y
            top = 2.0 * float((u * v).mean() - u.mean() * v.mean())
            bottom = float((u**2 - v**2).mean() - u.mean() ** 2 + v.mean() ** 2)
            angle = float(np.arctan2(top, bottom)) / 4.0 if abs(top) > TOLERANCE or bottom < 0.0 else 0.0
            cosine, sine = np.cos(angle), np.sin(angle)
            loadings[:, a], loadings[:, b] = cosine * x + sine * y, cosine * y - sine * x
            largest = max(largest, abs(angle))
    return largest


@checked
def promax(loadings: ArrayLike, power: int = 4) -> tuple[FloatArray, FloatArray]:
    """An oblique rotation: the pattern, and the correlations of the factors.

    The varimax solution is fitted to a target that sharpens it, |l|^power with the sign of l, by least squares.
    loadings: shape (p items, k factors), p > k; power: 2..8. Assumes items that each
    lean on few factors. Prefer `varimax` when factors may not correlate.
    Cost O(p k^2). Raises TooFew, NotFinite, OutOfRange, Inconsistent for dependent factors.
    Source: Hendrickson and White, 1964, British Journal of Statistical Psychology 17:65.

    >>> pattern, between = promax([[0.8, 0.2], [0.7, 0.3], [0.2, 0.8], [0.3, 0.7]])
    >>> between.round(2).tolist()
    [[1.0, 0.59], [0.59, 1.0]]
    """
    if not 2 <= power <= 8:
        raise OutOfRange("power must lie in 2..8")
    start = varimax(loadings)
    target = np.sign(start) * np.abs(start) ** power
    turn, _, rank, _ = np.linalg.lstsq(start, target, rcond=None)
    if rank < start.shape[1]:
        raise Inconsistent("a factor is empty or repeats the others")
    turn = turn * np.sqrt(np.diag(np.linalg.inv(turn.T @ turn)))
    back = np.linalg.inv(turn)
    return np.asarray(start @ turn, dtype=np.float64), np.asarray(back @ back.T, dtype=np.float64)


def tidy(loadings: FloatArray) -> FloatArray:
    """The same factors, largest sum of squares first, each with a positive sum of loadings.

    >>> tidy(np.array([[0.1, -0.9], [0.2, -0.8]])).tolist()
    [[0.9, 0.1], [0.8, 0.2]]
    """
    ordered = loadings[:, np.argsort(-(loadings**2).sum(axis=0), kind="stable")]
    return np.asarray(ordered * np.where(ordered.sum(axis=0) < 0.0, -1.0, 1.0) + 0.0, dtype=np.float64)
