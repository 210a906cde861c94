"""The result of a test of normality, and the values that such tests take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, PerSeries, beyond_rounding, by_series, refuse
from andon_quality.errors import NoSpread, OutOfRange
from andon_quality.result import Result


@dataclass(frozen=True)
class NormalityTest(Result):
    """A statistic and its p: how often normal values of this number would look at least as far from normal.

    Numbers for one series, arrays of shape (series,) for many. A large p does not show that values are normal, and of
    many values a small p may mean a deviation that does not matter: look at the probability plot too.
    """

    test: str
    statistic: PerSeries
    p_value: PerSeries
    n: int


def ordered(values: ArrayLike, n_min: int, n_max: int) -> FloatArray:
    """The values in rising order, shape (..., n). Raises TooFew, NotFinite, NoSpread, OutOfRange beyond `n_max`.

    >>> ordered([3.0, 1.0, 2.0], 3, 10).tolist()
    [1.0, 2.0, 3.0]
    """
    x = np.sort(by_series(values, at_least=n_min), axis=-1)
    if x.shape[-1] > n_max:
        raise OutOfRange(f"at most {n_max:,} values, got {x.shape[-1]:,}")
    refuse(beyond_rounding(np.ptp(x, axis=-1), x) == 0.0, NoSpread, "every value is equal")
    return x
