"""The array types that the mathematics speaks in, and the one check that all of it shares."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andon_quality.errors import NotFinite, TooFew

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]


def finite(values: ArrayLike, at_least: int = 0) -> FloatArray:
    """`values` as a float64 array; raises NotFinite for NaN or infinity and TooFew for fewer than `at_least` elements.

    >>> finite([1, 2]).dtype
    dtype('float64')
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size < at_least:
        raise TooFew(f"needs at least {at_least} values, got {array.size}")
    if not np.isfinite(array).all():
        raise NotFinite("values must be finite numbers")
    return array
