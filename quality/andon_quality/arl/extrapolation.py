"""The end of a sequence that has not arrived yet."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray

# Differences below this, relative to the last member, are rounding errors.
NOISE = 1e-11


def wynn_epsilon(sequence: FloatArray) -> float:
    """The limit of a sequence, shape (n,), n odd, that nears it by a sum of (n - 1) / 2 geometric sequences.

    Wynn's epsilon algorithm: e_{k+1}(j) = e_{k-1}(j + 1) + 1 / (e_k(j + 1) - e_k(j)), whose even columns are Shanks
    transforms. Stops at the column that no longer changes. Source: Wynn (1956), Mathematical Tables and Other Aids to
    Computation 10, 91-96.

    >>> steps = np.arange(5.0)
    >>> round(wynn_epsilon(7.0 + 0.9**steps - 0.5**steps), 9)
    7.0
    """
    earlier, column = np.zeros(len(sequence) + 1), np.asarray(sequence, dtype=np.float64)
    best, even = float(column[-1]), True
    while len(column) > 1:
        differences = np.diff(column)
        if even and np.abs(differences).min() <= NOISE * abs(best):
            return float(column[-1])
        earlier, column = column, earlier[1:-1] + 1.0 / differences
        even = not even
        best = float(column[-1]) if even else best
    return best
