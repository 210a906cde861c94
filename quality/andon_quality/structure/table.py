"""The table that structure is looked for in: one row per case, one column per variable."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, beyond_rounding, finite
from andon_quality.errors import NoSpread, TooFew


def cases(values: ArrayLike, rows_min: int, columns_min: int = 1) -> FloatArray:
    """`values` as float64 of shape (rows, columns); raises TooFew below either minimum, NotFinite.

    >>> cases([[1, 2], [3, 4]], rows_min=2).shape
    (2, 2)
    """
    table = finite(values)
    if table.ndim != 2 or table.shape[0] < rows_min or table.shape[1] < columns_min:
        raise TooFew(f"needs at least {rows_min} rows and {columns_min} columns, got shape {table.shape}")
    return table


def standardised(table: FloatArray) -> FloatArray:
    """Columns with mean 0 and sd 1 (n - 1): (x - mean) / s.

    table: shape (n >= 2, columns), finite, each column in a unit of its own. Prefer `normalisation.fit_z` where new
    values are to be put on the same scale later. O(values). Raises NoSpread when a column does not vary.

    >>> standardised(np.array([[1.0], [2.0], [3.0]])).ravel().tolist()
    [-1.0, 0.0, 1.0]
    """
    if (beyond_rounding(np.ptp(table, axis=0), table.T) == 0.0).any():
        raise NoSpread("a column does not vary")
    centred = table - table.mean(axis=0)
    return np.asarray(centred / centred.std(axis=0, ddof=1), dtype=np.float64)


def correlations(table: FloatArray) -> FloatArray:
    """Pearson correlations of the columns, shape (columns, columns), exactly 1 on the diagonal and symmetric.

    >>> correlations(np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 5.0]]))[0, 0]
    np.float64(1.0)
    """
    z = standardised(table)
    r = np.clip(z.T @ z / (len(z) - 1), -1.0, 1.0)
    r = (r + r.T) / 2.0
    np.fill_diagonal(r, 1.0)
    return r
