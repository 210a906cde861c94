"""The array types that the mathematics speaks in, and the checks and shapes that all of it shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andon_quality.errors import Inconsistent, NotFinite, QualityError, TooFew

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
PerSeries: TypeAlias = Any
"""One figure for one series (a float, bool or enum member), an array of shape (series,) for many of them.

Which it is follows from the shape of what was given, which types do not see; numpy's own answer to that is Any.
"""

# Numbers worked on at once: large enough to forget the overhead of a call, small enough for a processor's cache.
BLOCK_NUMBERS = 1 << 18
# A double has sixteen digits, of which sums, means and changes of unit may lose some.
DUST = 1e-13


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


def by_series(values: ArrayLike, at_least: int = 1) -> FloatArray:
    """One series of shape (n,), or many of shape (series, n), as a contiguous float64 array of finite numbers.

    Contiguous, so that a sum over the last axis runs in the same order, and to the same bits, whether one series is
    given or many. Raises NotFinite, TooFew for n < `at_least`, Inconsistent for any other number of axes.

    >>> by_series([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim > 2:
        raise Inconsistent(f"needs shape (n,) or (series, n), got {array.shape}")
    refuse(~np.isfinite(array).all(axis=-1), NotFinite, "values must be finite numbers")
    if array.shape[-1] < at_least:
        raise TooFew(f"needs at least {at_least} values, got {array.shape[-1]}")
    return array


def side_by_side(*samples: FloatArray) -> tuple[FloatArray, ...]:
    """Samples with as many series each: a single series given with many is repeated for every one of them.

    Raises Inconsistent for numbers of series that differ.

    >>> [sample.shape for sample in side_by_side(np.ones(2), np.ones((3, 4)))]
    [(3, 2), (3, 4)]
    """
    counts = {sample.shape[0] for sample in samples if sample.ndim == 2}
    if len(counts) > 1:
        raise Inconsistent(f"numbers of series differ: {sorted(counts)}")
    if not counts:
        return samples
    (series,) = counts
    return tuple(np.ascontiguousarray(np.broadcast_to(sample, (series, sample.shape[-1]))) for sample in samples)


def plain(value: Any) -> PerSeries:
    """The Python number in an array without axes; any other array as it is.

    >>> plain(np.float64(2.5)), plain(np.array([2.5])).tolist()
    (2.5, [2.5])
    """
    array = np.asarray(value)
    return array if array.ndim else array.item()


def refuse(bad: Any, error: type[QualityError], why: str) -> None:
    """Raises `error` if any series is `bad`, naming the first of many.

    >>> refuse(np.array([False, True]), TooFew, "nothing here")
    Traceback (most recent call last):
    andon_quality.errors.TooFew: series 1: nothing here
    """
    found = np.asarray(bad)
    if found.any():
        raise error(why if found.ndim == 0 else f"series {int(np.flatnonzero(found)[0])}: {why}")


def beyond_rounding(spread: ArrayLike, *values: FloatArray) -> FloatArray:
    """`spread`, and 0 where it is no more than rounding makes of equal values: `DUST` of the largest of `values`.

    spread: shape (...), a standard deviation or difference in the unit of `values`, each of shape (..., n), NaN = none.
    So a series that is constant in hours is so in minutes, though a sixtieth of it is no number that a double has.

    >>> alike = np.array([0.3, 0.1 + 0.2])
    >>> float(alike.std()) > 0.0, float(beyond_rounding(alike.std(), alike))
    (True, 0.0)
    """
    found = np.asarray(spread, dtype=np.float64)
    largest = [np.abs(np.where(np.isnan(each), 0.0, each)).max(axis=-1, initial=0.0) for each in values]
    return np.where(np.abs(found) <= DUST * np.maximum.reduce(largest), 0.0, found)


def blocks(series: int, numbers_each: int) -> Iterator[slice]:
    """Slices over `series`, each of so many that `numbers_each` for every one of them fit `BLOCK_NUMBERS`.

    >>> [(part.start, part.stop) for part in blocks(3, BLOCK_NUMBERS // 2)]
    [(0, 2), (2, 3)]
    """
    step = max(BLOCK_NUMBERS // max(numbers_each, 1), 1)
    for start in range(0, series, step):
        yield slice(start, min(start + step, series))
