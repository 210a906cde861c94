"""What a few products with a matrix tell: the solution of a linear system, and powers of the matrix."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent

Product = Callable[[FloatArray], FloatArray]


def gmres(product: Product, right: FloatArray, error: float = 1e-10, most: int = 120) -> FloatArray:
    """x with product(x) = right, shape (n,), to a residual of `error` relative to `right`; one product a step.

    Arnoldi with classical Gram-Schmidt, once, since few steps lose few digits, and Givens rotations. For `I - K` with a
    smooth K twenty to fifty steps whatever n.
    Raises Inconsistent when `most` steps are not enough. Source: Saad and Schultz (1986), SIAM Journal on Scientific
    and Statistical Computing 7, 856-869.

    >>> gmres(lambda x: np.array([2.0 * x[0], x[0] + x[1]]), np.array([2.0, 3.0])).round(9).tolist()
    [1.0, 2.0]
    """
    length = float(np.linalg.norm(right))
    basis = np.empty((most + 1, len(right)))
    # The upper triangle of the rotated Hessenberg matrix, and the rotations (cosine, sine) that made it one.
    triangle, target = np.zeros((most, most)), [length]
    rotations: list[tuple[float, float]] = []
    basis[0] = right / length
    for step in range(most):
        found = basis[: step + 1]
        ahead = product(basis[step])
        along = found @ ahead
        ahead = ahead - along @ found
        beyond = float(np.sqrt(ahead @ ahead))
        column = along.tolist()
        for row, (cosine, sine) in enumerate(rotations):
            upper, lower = column[row], column[row + 1]
            column[row], column[row + 1] = cosine * upper + sine * lower, cosine * lower - sine * upper
        size = float(np.hypot(column[step], beyond))
        rotations.append((column[step] / size, beyond / size))
        column[step] = size
        triangle[: step + 1, step] = column
        target[step:] = [rotations[step][0] * target[step], -rotations[step][1] * target[step]]
        if abs(target[-1]) <= error * length:
            share = np.linalg.solve(triangle[: step + 1, : step + 1], np.array(target[:-1]))
            return np.asarray(share @ found)
        basis[step + 1] = ahead / beyond
    raise Inconsistent(f"no solution within {most} steps")


def projected(product: Product, start: FloatArray, charts: int, error: float = 1e-15) -> tuple[FloatArray, FloatArray]:
    """Small kernels, shape (charts, r, r), and starts (charts, r) with start @ kernel^n @ 1 as for the large ones.

    product: the kernels times shape (charts, n), which gives the same shape; start: shape (n,). Arnoldi's basis of 1,
    K 1, K^2 1, ... until the product of the lengths of what each step adds is below `error`: powers below r are exact,
    and those of a smooth kernel with r of 8 to 30 all have 12 digits. The basis is then turned so that its right vector
    is 1. Cost r products and r^2 n for each chart.
    Source: Saad (1992), SIAM Journal on Numerical Analysis 29, 209-228.

    >>> kernels = np.array([[[0.5, 0.25], [0.0, 0.5]]])
    >>> few, start = projected(lambda x: (kernels @ x[..., None])[..., 0], np.array([1.0, 0.0]), 1)
    >>> round(float((start @ np.linalg.matrix_power(few[0], 3)).sum()), 9)
    0.3125
    """
    states = len(start)
    basis, kernels = np.zeros((charts, states, states)), np.zeros((charts, states, states))
    basis[:, 0] = states**-0.5
    left = np.ones(charts)
    for step in range(states):
        found = basis[:, : step + 1]
        ahead = product(basis[:, step])[..., None]
        along = found @ ahead
        ahead = ahead - found.swapaxes(1, 2) @ along
        again = found @ ahead
        ahead = (ahead - found.swapaxes(1, 2) @ again)[..., 0]
        kernels[:, : step + 1, step] = (along + again)[..., 0]
        beyond = np.linalg.norm(ahead, axis=1)
        # Where nothing but rounding errors is added, the basis ends.
        beyond[beyond < 1e-14] = 0.0
        left *= beyond
        if left.max() <= error or step + 1 == states:
            break
        kernels[:, step + 1, step] = beyond
        basis[:, step + 1] = ahead * np.divide(1.0, beyond, out=np.zeros(charts), where=beyond > 0.0)[:, None]
    size = step + 1
    turn = _onto_ones(size)
    starts = basis[:, :size] @ start @ turn * (states / size) ** 0.5
    return turn @ kernels[:, :size, :size] @ turn, starts


def _onto_ones(size: int) -> FloatArray:
    """The reflection that takes the first axis to the direction of 1; symmetric, its own inverse."""
    away = np.eye(1, size)[0] - size**-0.5
    length = float(away @ away)
    return np.eye(size) - (2.0 / length) * np.outer(away, away) if length > 0.0 else np.eye(size)
