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

    Arnoldi with classical Gram-Schmidt, done twice. For `I - K` with a smooth K about twenty steps whatever n.
    Raises Inconsistent when `most` steps are not enough. Source: Saad and Schultz (1986), SIAM Journal on Scientific
    and Statistical Computing 7, 856-869.

    >>> gmres(lambda x: np.array([2.0 * x[0], x[0] + x[1]]), np.array([2.0, 3.0])).round(9).tolist()
    [1.0, 2.0]
    """
    length = float(np.linalg.norm(right))
    basis = np.zeros((most + 1, len(right)))
    hessenberg = np.zeros((most + 1, most))
    basis[0] = right / length
    for step in range(most):
        found = basis[: step + 1]
        ahead = product(basis[step])
        along = found @ ahead
        ahead = ahead - along @ found
        again = found @ ahead
        ahead = ahead - again @ found
        hessenberg[: step + 1, step] = along + again
        hessenberg[step + 1, step] = np.linalg.norm(ahead)
        target = np.eye(1, step + 2)[0] * length
        share, *_ = np.linalg.lstsq(hessenberg[: step + 2, : step + 1], target, rcond=None)
        if np.linalg.norm(hessenberg[: step + 2, : step + 1] @ share - target) <= error * length:
            return np.asarray(share @ found)
        basis[step + 1] = ahead / hessenberg[step + 1, step]
    raise Inconsistent(f"no solution within {most} steps")
