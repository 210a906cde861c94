"""Quantiles of many groups at once: one sketch per group, held as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, IntArray, finite
from andon_quality.describe.quantiles import QuantileSketch
from andon_quality.errors import Inconsistent, OutOfRange

KEY_MAX = 1 << 62


@dataclass(frozen=True)
class GroupedSketch:
    """`QuantileSketch` for each of `groups` groups, with the same stated error and the same exact merges.

    Three columns, sorted by group and bucket, one entry per bucket in use: group, bucket, count. Equal sets of values
    give equal columns, whatever the order, the paging or the merging. Build it with `grouped_sketch`.
    """

    relative_error: float
    groups: int
    group: IntArray
    bucket: IntArray
    count: IntArray

    def __add__(self, other: GroupedSketch) -> GroupedSketch:
        return self._joined(other, 1)

    def __sub__(self, other: GroupedSketch) -> GroupedSketch:
        return self._joined(other, -1)

    def _joined(self, other: GroupedSketch, sign: int) -> GroupedSketch:
        if (other.relative_error, other.groups) != (self.relative_error, self.groups):
            raise Inconsistent("sketches of different error or groups do not merge")
        group = np.concatenate([self.group, other.group])
        bucket = np.concatenate([self.bucket, other.bucket])
        return _counted(self, group, bucket, np.concatenate([self.count, sign * other.count]))

    def n(self) -> IntArray:
        """How many values each group holds, shape (groups,)."""
        return np.bincount(self.group, weights=self.count, minlength=self.groups).astype(np.int64)

    def quantile(self, q: float) -> FloatArray:
        """The value at share q in 0..1 of every group, shape (groups,); NaN where a group is empty. O(buckets in use).

        Raises OutOfRange, NotFinite.
        """
        if not 0.0 <= float(finite(q)) <= 1.0:
            raise OutOfRange("a quantile lies in 0..1")
        n = self.n()
        before = np.concatenate([[0], np.cumsum(n)[:-1]])
        filled = n > 0
        rank = before[filled] + np.floor(q * (n[filled] - 1)).astype(np.int64)
        place = np.searchsorted(np.cumsum(self.count), rank, side="right")
        answer = np.full(self.groups, np.nan)
        answer[filled] = QuantileSketch(self.relative_error).value_of(self.bucket[place])
        return answer

    def at(self, group: int) -> QuantileSketch:
        """The sketch of one group."""
        here = self.group == group
        return QuantileSketch(self.relative_error, self.bucket[here], self.count[here])


@checked
def grouped_sketch(
    group_index: ArrayLike, values: ArrayLike, groups: int, relative_error: float = 0.01
) -> GroupedSketch:
    """Count values into one quantile sketch per group, vectorised.

    group_index: shape (n,), integers in 0..groups - 1; values: shape (n,), any unit. Error, merging and source as
    `QuantileSketch`, which to prefer for one group. Cost O(n log n). Raises NotFinite, OutOfRange, Inconsistent for
    shapes that differ.

    >>> sketch = grouped_sketch([0, 1, 0, 0], [10.0, 5.0, 30.0, 20.0], groups=3)
    >>> sketch.quantile(0.5).round().tolist()
    [20.0, 5.0, nan]
    """
    index, numbers = np.asarray(group_index, dtype=np.int64), finite(values)
    if index.shape != numbers.shape or index.ndim != 1:
        raise Inconsistent("group_index and values must have one entry per point")
    if index.size and (index.min() < 0 or index.max() >= groups):
        raise OutOfRange(f"a group index lies outside 0..{groups - 1}")
    bucket = QuantileSketch(relative_error).bucket_of(numbers)
    none = np.zeros(0, dtype=np.int64)
    empty = GroupedSketch(relative_error, groups, none, none, none)
    low, span = (int(bucket.min()), int(np.ptp(bucket)) + 1) if bucket.size else (0, 1)
    if groups * span >= KEY_MAX:
        return _counted(empty, index, bucket, np.ones(len(index), dtype=np.int64))
    # One key for both columns: a plain sort is several times faster than a sort by two.
    key, count = np.unique(index * span + (bucket - low), return_counts=True)
    return GroupedSketch(relative_error, groups, key // span, key % span + low, count.astype(np.int64))


def _counted(sketch: GroupedSketch, group: IntArray, bucket: IntArray, count: IntArray) -> GroupedSketch:
    order = np.lexsort((bucket, group))
    group, bucket, count = group[order], bucket[order], count[order]
    first = np.ones(len(group), dtype=bool)
    first[1:] = (group[1:] != group[:-1]) | (bucket[1:] != bucket[:-1])
    starts = np.flatnonzero(first)
    sums = np.add.reduceat(count, starts) if len(starts) else count
    if (sums < 0).any():
        raise Inconsistent("taken out more than was put in")
    kept = starts[sums > 0]
    return GroupedSketch(sketch.relative_error, sketch.groups, group[kept], bucket[kept], sums[sums > 0])
