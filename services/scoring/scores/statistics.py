"""Exact statistics of one window of one series, and of a part of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

Place = tuple[SeriesKey, WindowId]
"""One window of one series."""

Histogram = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Sorted distinct values in multiples of the resolution, and how often each occurs (never 0)."""

MERGED_MAX = 4_096
"""Distinct values up to which histograms are merged; beyond, a quantile is searched for in each of them."""


@dataclass(frozen=True, slots=True, eq=False)
class PartStats:
    """Exact statistics of one partition's observations of one (series, window), in multiples of the resolution.

    unobserved: cases that belong to the window and of which the measure gives no value; no part of the other figures.
    histogram: only for medians and quantiles. others: histograms of other partitions, where together they are too large
    to be merged for the sake of one quantile.
    """

    count: int
    total: int
    squares: int
    histogram: Histogram | None = None
    others: tuple[Histogram, ...] = ()
    unobserved: int = 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartStats):
            return NotImplemented
        return self._figures == other._figures and _same_histogram(self._merged(), other._merged())

    def __hash__(self) -> int:
        return hash(self._figures)

    @property
    def _figures(self) -> tuple[int, int, int, int]:
        return (self.count, self.total, self.squares, self.unobserved)

    @property
    def case_count(self) -> int:
        """Cases of the window, with and without a value. 0: nothing is left."""
        return self.count + self.unobserved

    def sum(self, resolution: float) -> float:
        """The sum in the unit of `resolution`, rounded once."""
        parts, whole = resolution.as_integer_ratio()
        # Division of integers rounds once, like that of fractions, which costs ten times as much.
        return (self.total * parts) / whole

    def mean(self, resolution: float) -> float:
        """total / count in the unit of `resolution`, rounded once. Raises ValueError when nothing was observed."""
        if self.count < 1:
            raise ValueError("the mean of nothing")
        parts, whole = resolution.as_integer_ratio()
        return (self.total * parts) / (self.count * whole)

    def variance(self, resolution: float) -> float:
        """Sample variance (n - 1) in squared units of `resolution`, rounded once. Raises ValueError for n < 2."""
        if self.count < 2:
            raise ValueError("the variance of fewer than two")
        spread = Fraction(self.count * self.squares - self.total**2, self.count * (self.count - 1))
        return float(spread * Fraction(resolution) ** 2)

    def quantile(self, q: float, resolution: float) -> float:
        """Type 7: linear between order statistics floor and ceil of (n - 1) q, in units of `resolution`, rounded once.

        Raises ValueError when nothing was observed or no histogram is kept.
        """
        if self.histogram is None or self.count < 1:
            raise ValueError("a quantile needs a histogram of at least one value")
        place = Fraction(q) * (self.count - 1)
        low = math.floor(place)
        below, above = order_statistics((self.histogram, *self.others), (low, math.ceil(place)))
        return float((below + (place - low) * (above - below)) * Fraction(resolution))

    def median(self, resolution: float) -> float:
        return self.quantile(0.5, resolution)

    def _merged(self) -> Histogram | None:
        return self.histogram if self.histogram is None or not self.others else summed([self.histogram, *self.others])


EMPTY = PartStats(0, 0, 0)


def order_statistics(histograms: Sequence[Histogram], ranks: Sequence[int]) -> list[int]:
    """The values at these ranks (from 0) of the sorted sample that all the histograms together describe."""
    if len(histograms) > 1:
        return _searched(histograms, ranks)
    values, counts = histograms[0]
    return [int(values[place]) for place in np.searchsorted(np.cumsum(counts), np.asarray(ranks), side="right")]


def _searched(histograms: Sequence[Histogram], ranks: Sequence[int]) -> list[int]:
    """By halving the range of values: the least one that more values than the rank do not exceed."""
    runs = [(values, np.append(0, np.cumsum(counts))) for values, counts in histograms if len(values)]
    found = []
    for rank in ranks:
        low, high = min(int(values[0]) for values, _ in runs), max(int(values[-1]) for values, _ in runs)
        while low < high:
            middle = (low + high) // 2
            if sum(int(upto[np.searchsorted(values, middle, side="right")]) for values, upto in runs) > rank:
                high = middle
            else:
                low = middle + 1
        found.append(low)
    return found


def merge_parts(parts: Sequence[PartStats]) -> PartStats:
    """All parts together, in whatever order they come. No part: nothing observed, no histogram."""
    histograms = [part.histogram for part in parts if part.histogram is not None]
    if sum(len(values) for values, _ in histograms) <= MERGED_MAX:
        histograms = [summed(histograms)] if histograms else []
    return PartStats(
        sum(part.count for part in parts),
        sum(part.total for part in parts),
        sum(part.squares for part in parts),
        histograms[0] if histograms else None,
        tuple(histograms[1:]),
        sum(part.unobserved for part in parts),
    )


def summed(histograms: Sequence[Histogram]) -> Histogram:
    """One histogram of signed ones; values whose counts cancel are gone. Linear in the distinct values."""
    values = np.concatenate([histogram[0] for histogram in histograms])
    counts = np.concatenate([histogram[1] for histogram in histograms])
    if not len(values):
        return values, counts
    # Each histogram is a run that is sorted already, and a stable sort merges runs.
    order = np.argsort(values, kind="stable")
    values, counts = values[order], counts[order]
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    totals = np.add.reduceat(counts, first)
    kept = totals != 0
    return values[first[kept]], totals[kept]


def _same_histogram(left: Histogram | None, right: Histogram | None) -> bool:
    if left is None or right is None:
        return left is right
    return np.array_equal(left[0], right[0]) and np.array_equal(left[1], right[1])


@dataclass(frozen=True, slots=True)
class PartChange:
    """The absolute state of this partition after the step; without cases: nothing is left."""

    series: SeriesKey
    window: WindowId
    stats: PartStats
