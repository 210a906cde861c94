"""Raw subgroups folded to what the Xbar charts need: means, standard deviations, ranges and sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.control.chart import points
from andon_quality.errors import Inconsistent, OutOfRange


@dataclass(frozen=True)
class Subgroups:
    """One number per subgroup, each of shape (..., time); mean is NaN for an empty subgroup, spread below 2 values."""

    means: FloatArray
    sds: FloatArray
    ranges: FloatArray
    sizes: FloatArray


def summarise(values: ArrayLike) -> Subgroups:
    """Means, standard deviations (n - 1), ranges and sizes of subgroups of shape (..., time, n).

    NaN marks a value that is absent, so subgroups may differ in size. Cost: O(values). Raises NotFinite for infinity.

    >>> groups = summarise([[1.0, 2.0, 3.0], [4.0, 6.0, np.nan]])
    >>> groups.means, groups.sds.round(3), groups.ranges, groups.sizes
    (array([2., 5.]), array([1.   , 1.414]), array([2., 2.]), array([3., 2.]))
    """
    array = points(values)
    if array.ndim < 2:
        raise Inconsistent("subgroups need shape (..., time, n)")
    present = ~np.isnan(array)
    sizes = present.sum(axis=-1).astype(np.float64)
    means = _ratio(np.where(present, array, 0.0).sum(axis=-1), sizes)
    squares = np.where(present, (array - means[..., None]) ** 2, 0.0).sum(axis=-1)
    spans = np.where(present, array, -np.inf).max(axis=-1) - np.where(present, array, np.inf).min(axis=-1)
    enough = sizes >= 2
    sds = np.sqrt(_ratio(squares, np.where(enough, sizes - 1, 0.0)))
    return Subgroups(means, sds, np.where(enough, spans, np.nan), sizes)


def refuse_fractions(counts: FloatArray) -> None:
    """Raises OutOfRange where a count is no whole number, as a share would be; NaN is a missing point.

    >>> refuse_fractions(np.array([3.0, np.nan]))
    """
    fraction = counts[~np.isnan(counts) & (counts != np.rint(counts))]
    if fraction.size:
        raise OutOfRange(f"counts are whole numbers, got {fraction[0]:g}: not the share, but how many of the size")


def sizes_of(sizes: ArrayLike, like: FloatArray) -> FloatArray:
    """Sizes broadcast to the points; raises OutOfRange for a negative size, 0 and NaN mean a missing point.

    >>> sizes_of(5, np.zeros(2))
    array([5., 5.])
    """
    array = np.asarray(sizes, dtype=np.float64)
    if (array < 0).any() or np.isinf(array).any():
        raise OutOfRange("sizes must be finite and not negative")
    try:
        return np.broadcast_to(array, like.shape)
    except ValueError as error:
        raise Inconsistent(f"sizes of shape {array.shape} do not fit points of shape {like.shape}") from error


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    quotient: FloatArray = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return quotient


def per_unit(counts: FloatArray, sizes: FloatArray) -> FloatArray:
    """counts / sizes, NaN where either is missing or the size is 0.

    >>> per_unit(np.array([1.0, 2.0]), np.array([4.0, 0.0]))
    array([0.25,  nan])
    """
    return _ratio(counts, sizes)


def grand_mean(means: FloatArray, sizes: FloatArray) -> FloatArray:
    """sum(n x) / sum(n) over the subgroups that are not missing, shape (..., time) -> (...).

    >>> float(grand_mean(np.array([1.0, 4.0]), np.array([2.0, 1.0])))
    2.0
    """
    there = (sizes > 0) & ~np.isnan(means)
    total = np.where(there, sizes * means, 0.0).sum(axis=-1)
    return np.asarray(total / np.where(there, sizes, 0.0).sum(axis=-1))


def summarise_groups(values: ArrayLike, groups: ArrayLike) -> Subgroups:
    """As `summarise`, of values of shape (n,) that each name their subgroup, in any order and of any sizes.

    groups: whole numbers, shape (n,); the result has a subgroup for each distinct one, in rising order. Prefer
    `summarise` where every subgroup has about as many values. Cost: O(n log n). Raises NotFinite, Inconsistent.

    >>> summarise_groups([1.0, 4.0, 2.0, 6.0, 3.0], [0, 7, 0, 7, 0]).sds.round(3)
    array([1.   , 1.414])
    """
    x, named = finite(values), np.asarray(groups)
    if x.ndim != 1 or named.shape != x.shape:
        raise Inconsistent(f"needs one group for each value, got shapes {x.shape} and {named.shape}")
    order = np.argsort(named, kind="stable")
    sorted_x, sorted_groups = x[order], named[order]
    starts = np.flatnonzero(np.r_[x.size > 0, sorted_groups[1:] != sorted_groups[:-1]])
    sizes = np.diff(np.r_[starts, x.size]).astype(np.float64)
    means = np.add.reduceat(sorted_x, starts) / sizes
    squares = np.add.reduceat(np.square(sorted_x - np.repeat(means, sizes.astype(np.int64))), starts)
    spans = np.maximum.reduceat(sorted_x, starts) - np.minimum.reduceat(sorted_x, starts)
    enough = sizes >= 2
    sds = np.sqrt(_ratio(squares, np.where(enough, sizes - 1, 0.0)))
    return Subgroups(means, sds, np.where(enough, spans, np.nan), sizes)
