"""Quantiles of a stream within a stated relative error, from counts that merge and subtract exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, IntArray, finite
from andon_quality.errors import Inconsistent, OutOfRange, TooFew

OFFSET = 1 << 40
"""Added to the exponent of a bucket, so that the signed bucket number sorts as the values do, with zero at 0."""


def _none() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class QuantileSketch:
    """Counts of values in buckets whose edges grow by gamma = (1 + e) / (1 - e), e the relative error.

    quantile(q) is within e * |x| of x, the value of rank floor(q (n - 1)) of the sorted sample, whatever the sample.
    Counts are integers: merging is associative and commutative, exact, and a value can be taken out again, so the
    state depends only on the set of values. Memory O(log(max / min) / e): 1,400 buckets for e = 1 % over 12 decades.
    Cost O(n log n + buckets) per page of n values; add pages, not single values. Prefer `numpy.quantile` while
    all values are at hand, and a finer e for values far from zero with little spread: the error is relative to
    the value, not to the spread. Raises OutOfRange for an error outside 1e-6..0.5.
    Source: Masson, Rim and Lee, 2019, Proceedings of the VLDB Endowment 12:2195.

    >>> sketch = QuantileSketch(0.01).add(range(1, 1001))
    >>> abs(float(sketch.quantile(0.5)) - 500) <= 5, sketch.n
    (True, 1000)
    """

    relative_error: float = 0.01
    buckets: IntArray = field(default_factory=_none)
    counts: IntArray = field(default_factory=_none)

    def __post_init__(self) -> None:
        if not 1e-6 <= self.relative_error <= 0.5:
            raise OutOfRange("the relative error must lie in 1e-6..0.5")

    @property
    def n(self) -> int:
        """How many values are counted."""
        return int(self.counts.sum())

    def add(self, values: ArrayLike) -> QuantileSketch:
        """With more values; raises NotFinite."""
        buckets, counts = np.unique(self.bucket_of(finite(values)), return_counts=True)
        return self + QuantileSketch(self.relative_error, buckets, counts.astype(np.int64))

    def subtract(self, values: ArrayLike) -> QuantileSketch:
        """Without values that were added before; raises NotFinite, Inconsistent when one was not."""
        return self - QuantileSketch(self.relative_error).add(values)

    def __add__(self, other: QuantileSketch) -> QuantileSketch:
        return self._joined(other, 1)

    def __sub__(self, other: QuantileSketch) -> QuantileSketch:
        return self._joined(other, -1)

    def _joined(self, other: QuantileSketch, sign: int) -> QuantileSketch:
        if other.relative_error != self.relative_error:
            raise Inconsistent("sketches of different error do not merge")
        buckets, place = np.unique(np.concatenate([self.buckets, other.buckets]), return_inverse=True)
        counts = np.zeros(len(buckets), dtype=np.int64)
        np.add.at(counts, place, np.concatenate([self.counts, sign * other.counts]))
        if (counts < 0).any():
            raise Inconsistent("taken out more than was put in")
        return QuantileSketch(self.relative_error, buckets[counts > 0], counts[counts > 0])

    def quantile(self, q: ArrayLike) -> FloatArray:
        """The values at shares q in 0..1, shape of q; raises TooFew for an empty sketch, OutOfRange, NotFinite."""
        shares = finite(q)
        if ((shares < 0.0) | (shares > 1.0)).any():
            raise OutOfRange("a quantile lies in 0..1")
        if self.n < 1:
            raise TooFew("the quantile of nothing")
        rank = np.floor(shares * (self.n - 1))
        return self.value_of(self.buckets[np.searchsorted(np.cumsum(self.counts), rank, side="right")])

    @property
    def _log_gamma(self) -> float:
        return math.log1p(self.relative_error) - math.log1p(-self.relative_error)

    def bucket_of(self, values: FloatArray) -> IntArray:
        """The signed bucket number of each value, which sorts as the values do."""
        size = np.abs(values.ravel())
        seen = size > 0.0
        exponent = np.ceil(np.log(np.where(seen, size, 1.0)) / self._log_gamma).astype(np.int64)
        return np.where(seen, np.sign(values.ravel()).astype(np.int64) * (exponent + OFFSET), 0)

    def value_of(self, buckets: IntArray) -> FloatArray:
        """The value that represents each bucket, within the relative error of all values in it."""
        exponent = np.abs(buckets) - OFFSET
        middle = np.exp(exponent * self._log_gamma) * (1.0 - self.relative_error)
        return np.where(buckets == 0, 0.0, np.sign(buckets) * middle)
