"""The solution of a linear system of which only the product is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from andon_quality.arrays import FloatArray
from andon_quality.errors import Inconsistent


def gmres(
    product: Callable[[FloatArray], FloatArray], right: FloatArray, error: float = 1e-10, most: int = 120
) -> FloatArray:
    """x with product(x) = right, shape (n,), to a residual of `error` relative to `right`; one product a step.

    Arnoldi with classical Gram-Schmidt, done twice, and Givens rotations. For `I - K` with a smooth K about twenty
    steps whatever n.
    Raises Inconsistent when `most` steps are not enough. Source: Saad and Schultz (1986), SIAM Journal on Scientific
    and Statistical Computing 7, 856-869.

    >>> gmres(lambda x: np.array([2.0 * x[0], x[0] + x[1]]), np.array([2.0, 3.0])).round(9).tolist()
    [1.0, 2.0]
    """
    length = float(np.linalg.norm(right))
    basis = np.zeros((most + 1, len(right)))
    # The upper triangle of the rotated Hessenberg matrix, and the rotations (cosine, sine) that made it one.
    triangle, target = np.zeros((most, most)), [length]
    rotations: list[tuple[float, float]] = []
    basis[0] = right / length
    for step in range(most):
        found = basis[: step + 1]
        ahead = product(basis[step])
        along = found @ ahead
        ahead = ahead - along @ found
        again = found @ ahead
        ahead = ahead - again @ found
        beyond = float(np.linalg.norm(ahead))
        column = (along + again).tolist()
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
