"""Poisson regression of many series on one design, each fitted by the steps that it takes alone."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray, refuse
from andon_quality.errors import Inconsistent
from andon_quality.structure.least_squares import along, combined, products

STEPS_MAX = 50
UNSETTLED = "the regression does not settle: a segment may hold no events"


def fit_poisson(columns: FloatArray, counts: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients, shape (series, p), and expected counts, shape (series, n), of the greatest likelihood.

    log E(y) = offset + b'X, by iteratively reweighted least squares; a series rests once its coefficients move by less
    than 1e-12 of the largest, the others go on. columns: shape (p, n); counts, offset: shape (series, n), each series
    with some event. Assumes that every segment has events. O(n p^2) a step and series, fewer than 10 steps mostly.
    Prefer the logarithm and least squares where counts are large. Raises Inconsistent where a series does not settle.
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
        moving = moving[moved[moving] >= 1e-12 * np.maximum(1.0, np.abs(now).max(axis=-1))]
        if moving.size == 0:
            return coefficients, mean
    unsettled = np.zeros(len(counts), dtype=np.bool_)
    unsettled[moving] = moved[moving] >= 1e-6
    refuse(unsettled, Inconsistent, UNSETTLED)
    return coefficients, mean


def _solved(columns: FloatArray, weights: FloatArray, working: FloatArray) -> FloatArray:
    """Weighted least squares of each series, shape (series, n) to (series, p)."""
    weighted = columns * weights[:, None, :]
    gram, right = products(weighted, columns), along(weighted, working)
    try:
        solved = np.linalg.solve(gram, right[..., None])
    except np.linalg.LinAlgError as error:
        raise Inconsistent(UNSETTLED) from error
    return np.asarray(solved[..., 0])
