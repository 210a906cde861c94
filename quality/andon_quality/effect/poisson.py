"""Poisson regression of many series on one design, each fitted by the steps that it takes alone."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import BoolArray, FloatArray
from andon_quality.structure.least_squares import along, combined, products

STEPS_MAX = 50


def fit_poisson(
    columns: FloatArray, counts: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Coefficients, shape (series, p), and expected counts, (series, n), of the greatest likelihood; and who settled.

    log E(y) = offset + b'X, by iteratively reweighted least squares; a series rests once its coefficients move by less
    than 1e-12 of the largest, the others go on, and have settled if they move by less than 1e-6 at last. columns: shape
    (p, n); counts, offset: shape (series, n), each series with some event. One whose segment has no events does not
    settle, and its figures say nothing. O(n p^2) a step and series, fewer than 10 steps mostly. Prefer the logarithm
    and least squares where counts are large.
    Source: McCullagh and Nelder, Generalized Linear Models, 2nd ed. (1989) 2.5.

    >>> fit_poisson(np.ones((1, 3)), np.array([[1.0, 2.0, 3.0]]), np.zeros((1, 3)))[1].round(9).tolist()
    [[2.0, 2.0, 2.0]]
    """
    mean = np.maximum(counts, 0.5 * np.maximum(counts.mean(axis=-1, keepdims=True), 1e-3))
    linear = np.log(mean)
    coefficients = np.zeros((len(counts), len(columns)))
    moved = np.full(len(counts), np.inf)
    moving = np.arange(len(counts))
    for _ in range(STEPS_MAX):
        y, over, was = counts[moving], offset[moving], coefficients[moving]
        now = _solved(columns, mean[moving], linear[moving] - over + (y - mean[moving]) / mean[moving])
        linear[moving] = np.clip(combined(now, columns) + over, -700.0, 700.0)
        mean[moving] = np.exp(linear[moving])
        coefficients[moving], moved[moving] = now, np.abs(now - was).max(axis=-1)
        moving = moving[~(moved[moving] < 1e-12 * np.maximum(1.0, np.abs(now).max(axis=-1)))]
        if moving.size == 0:
            break
    settled = np.ones(len(counts), dtype=np.bool_)
    settled[moving] = moved[moving] < 1e-6
    return coefficients, mean, settled


def _solved(columns: FloatArray, weights: FloatArray, working: FloatArray) -> FloatArray:
    """Weighted least squares of each series, shape (series, n) to (series, p); NaN where it has no single answer."""
    weighted = columns * weights[:, None, :]
    gram, right = products(weighted, columns), along(weighted, working)
    try:
        return np.asarray(np.linalg.solve(gram, right[..., None])[..., 0])
    except np.linalg.LinAlgError:
        if len(gram) == 1:
            return np.full(right.shape, np.nan)
        return np.concatenate(
            [_solved(columns, *each) for each in zip(weights[:, None], working[:, None], strict=True)]
        )
