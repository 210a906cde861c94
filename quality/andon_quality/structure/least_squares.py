"""Least squares on one design for as many responses as are given, each to the last bit as if it were alone.

Sums run over the last axis, and nothing is left to a matrix product, whose bits may depend on how many it multiplies.
Small ones are made in one go, large ones row by row, to the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from andon_quality.arrays import BLOCK_NUMBERS, FloatArray
from andon_quality.errors import Inconsistent, OutOfRange


@dataclass(frozen=True)
class Design:
    """A design whose columns do not depend on each other, factored once: X' = `columns`, shape (p, n), X = Q R.

    The first column is 1 throughout. basis: Q', shape (p, n); inverse: R^-1, shape (p, p), so that (X'X)^-1 is inverse
    times its transpose.
    """

    columns: FloatArray
    basis: FloatArray
    inverse: FloatArray

    def fit(self, responses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """R^-1 Q'y, shape (..., p), and what it leaves, for responses of shape (..., n). O(n p) each.

        Means are taken out first, so that a level far from zero costs no digits.
        """
        level = responses.mean(axis=-1, keepdims=True)
        coefficients = along(self.inverse, along(self.basis, responses - level))
        rest = (responses - level) - combined(coefficients, self.columns)
        coefficients[..., 0] += level[..., 0]
        return coefficients, rest

    def covariance(self, middle: FloatArray) -> FloatArray:
        """The covariance of the coefficients, shape (..., p, p), from that of Q'y."""
        return around(self.inverse, middle)


def factored(columns: FloatArray) -> Design:
    """The QR factors of a design given by its columns, shape (p, n), n >= p, the first all 1, scaled. O(n p^2).

    Raises Inconsistent for columns that depend on each other.
    Source: Golub and Van Loan, Matrix Computations, 4th ed. (2013) 5.2.

    >>> factored(np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 2.0]])).fit(np.array([1.0, 3.0, 5.0]))[0].round(9).tolist()
    [1.0, 2.0]
    """
    columns = np.ascontiguousarray(columns)
    scale = np.sqrt(np.square(columns).sum(axis=-1))
    if not (scale > 0).all():
        raise Inconsistent("a column is zero throughout")
    q, r = np.linalg.qr((columns / scale[:, None]).T)
    if np.abs(np.diag(r)).min() < 1e-10:
        raise Inconsistent("columns are linearly dependent")
    return Design(columns, np.ascontiguousarray(q.T), np.linalg.inv(r) / scale[:, None])


def along(rows: FloatArray, vectors: FloatArray) -> FloatArray:
    """M v: rows of shape (..., p, n), vectors (..., n), to (..., p). O(n p) each.

    >>> along(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0])).tolist()
    [2.0, 5.0]
    """
    if rows.shape[-2] * vectors.size <= BLOCK_NUMBERS:
        return np.asarray((rows * vectors[..., None, :]).sum(axis=-1))
    return np.stack([(rows[..., i, :] * vectors).sum(axis=-1) for i in range(rows.shape[-2])], axis=-1)


def combined(coefficients: FloatArray, columns: FloatArray) -> FloatArray:
    """b'M, the columns added up with a coefficient each: (..., p) and (..., p, n) to (..., n). O(n p) each.

    >>> combined(np.array([1.0, 2.0]), np.array([[1.0, 1.0], [0.0, 3.0]])).tolist()
    [1.0, 7.0]
    """
    parts = (coefficients[..., i, None] * columns[..., i, :] for i in range(columns.shape[-2]))
    total: FloatArray = next(parts)
    for part in parts:
        total = total + part
    return total


def products(first: FloatArray, second: FloatArray) -> FloatArray:
    """A B': shapes (..., p, n) and (..., q, n) to (..., p, q). O(n p q) each.

    >>> products(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[11.0, 2.0]]
    """
    if first.size * second.shape[-2] <= BLOCK_NUMBERS:
        return np.asarray((first[..., :, None, :] * second[..., None, :, :]).sum(axis=-1))
    rows = [(first[..., i, None, :] * second).sum(axis=-1) for i in range(first.shape[-2])]
    return np.stack(rows, axis=-2)


def around(outer: FloatArray, middle: FloatArray) -> FloatArray:
    """A M A' for symmetric M: shapes (..., p, p) each. O(p^3) each.

    >>> around(np.array([[2.0]]), np.array([[3.0]])).tolist()
    [[12.0]]
    """
    return products(products(outer, middle), outer)


def lag_count(n: int, lags: int | None = None) -> int:
    """`lags`, or floor(4 (n / 100)^(2/9)); raises OutOfRange outside 0..n - 1.

    Source: Newey and West, Review of Economic Studies 61 (1994) 631.

    >>> lag_count(100), lag_count(30), lag_count(30, 0)
    (4, 3, 0)
    """
    chosen = int(np.floor(4.0 * (n / 100.0) ** (2.0 / 9.0))) if lags is None else lags
    if not 0 <= chosen < n:
        raise OutOfRange(f"lags must lie in 0..{n - 1}")
    return chosen


def long_run(scores: FloatArray, lags: int) -> FloatArray:
    """Sum of the autocovariances of scores, shape (..., p, n), with Bartlett weights 1 - l / (lags + 1): (..., p, p).

    Each score is taken with the weighted sum of its neighbours, which needs one product in place of one a lag.
    O(n p (p + lags)) each. Source: Newey and West, Econometrica 55 (1987) 703.

    >>> long_run(np.array([[1.0, -1.0, 1.0]]), 1).tolist()
    [[1.0]]
    """
    near = scores.copy()
    for lag in range(1, lags + 1):
        weight = 1.0 - lag / (lags + 1.0)
        near[..., lag:] += weight * scores[..., :-lag]
        near[..., :-lag] += weight * scores[..., lag:]
    total = products(scores, near)
    return (total + np.swapaxes(total, -1, -2)) / 2.0
