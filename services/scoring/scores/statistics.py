"""Exact statistics of one window of one series, and of a part of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from services.scoring.system.decimals import exact
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

Place = tuple[SeriesKey, WindowId]
"""One window of one series."""

Histogram = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Sorted distinct values in multiples of the resolution, and how often each occurs (never 0)."""


@dataclass(frozen=True, slots=True, eq=False)
class PartStats:
    """Exact statistics of the observations of one (series, window), in multiples of the resolution.

    unobserved: cases that belong to the window and of which the measure gives no value; no part of the other figures.
    histogram: only for medians and quantiles. A difference of two of them is one of these too, with signed figures.
    """

    count: int
    total: int
    squares: int
    histogram: Histogram | None = None
    unobserved: int = 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartStats):
            return NotImplemented
        return self._figures == other._figures and _same_histogram(self.histogram, other.histogram)

    def __hash__(self) -> int:
        return hash(self._figures)

    @property
    def _figures(self) -> tuple[int, int, int, int]:
        return (self.count, self.total, self.squares, self.unobserved)

    @property
    def case_count(self) -> int:
        """Cases of the window, with and without a value. 0: nothing is left."""
        return self.count + self.unobserved

    @property
    def changes_anything(self) -> bool:
        """Of a difference: whether any figure is another than before."""
        return any(self._figures) or (self.histogram is not None and len(self.histogram[0]) > 0)

    def sum(self, resolution: float) -> float:
        """The sum in the unit of `resolution`, rounded once."""
        parts, whole = exact(resolution).as_integer_ratio()
        # Division of integers rounds once, like that of fractions, which costs ten times as much.
        return (self.total * parts) / whole

    def mean(self, resolution: float) -> float:
        """total / count in the unit of `resolution`, rounded once. Raises ValueError when nothing was observed."""
        if self.count < 1:
            raise ValueError("the mean of nothing")
        parts, whole = exact(resolution).as_integer_ratio()
        return (self.total * parts) / (self.count * whole)

    def variance(self, resolution: float) -> float:
        """Sample variance (n - 1) in squared units of `resolution`, rounded once. Raises ValueError for n < 2."""
        if self.count < 2:
            raise ValueError("the variance of fewer than two")
        spread = Fraction(self.count * self.squares - self.total**2, self.count * (self.count - 1))
        return float(spread * exact(resolution) ** 2)

    def quantile(self, q: float, resolution: float) -> float:
        """Type 7: linear between order statistics floor and ceil of (n - 1) q, in units of `resolution`, rounded once.

        Raises ValueError when nothing was observed or no histogram is kept.
        """
        if self.histogram is None or self.count < 1:
            raise ValueError("a quantile needs a histogram of at least one value")
        place = exact(q) * (self.count - 1)
        low = math.floor(place)
        below, above = order_statistics(self.histogram, (low, math.ceil(place)))
        return float((below + (place - low) * (above - below)) * exact(resolution))

    def median(self, resolution: float) -> float:
        return self.quantile(0.5, resolution)


EMPTY = PartStats(0, 0, 0)


def order_statistics(histogram: Histogram, ranks: Sequence[int]) -> list[int]:
    """The values at these ranks (from 0) of the sorted sample that the histogram describes."""
    values, counts = histogram
    return [int(values[place]) for place in np.searchsorted(np.cumsum(counts), np.asarray(ranks), side="right")]


def added(base: PartStats, difference: PartStats) -> PartStats:
    """Statistics and a difference of them, or two differences, exactly."""
    if difference.histogram is None:
        histogram = base.histogram
    elif base.histogram is None:
        histogram = difference.histogram
    else:
        histogram = with_changes(base.histogram, difference.histogram)
    return PartStats(
        base.count + difference.count,
        base.total + difference.total,
        base.squares + difference.squares,
        histogram,
        base.unobserved + difference.unobserved,
    )


def accumulate(sums: dict[Place, PartStats], changes: Iterable[PartChange]) -> None:
    """Adds differences to what was there; what comes to nothing is left out."""
    for change in changes:
        place = (change.series, change.window)
        before = sums.get(place)
        after = change.stats if before is None else added(before, change.stats)
        if after.changes_anything:
            sums[place] = after
        elif before is not None:
            del sums[place]


def with_changes(base: Histogram, delta: Histogram) -> Histogram:
    """The histogram with signed counts added. Costs a binary search per change, and a copy where values come or go."""
    if not len(base[0]):
        return delta
    values, counts = base
    places = np.searchsorted(values, delta[0])
    met = (places < len(values)) & (values[np.minimum(places, len(values) - 1)] == delta[0])
    counts = counts.copy()
    counts[places[met]] += delta[1][met]
    if not met.all():
        values = np.insert(values, places[~met], delta[0][~met])
        counts = np.insert(counts, places[~met], delta[1][~met])
    kept = counts != 0
    return (values, counts) if kept.all() else (values[kept], counts[kept])


def _same_histogram(left: Histogram | None, right: Histogram | None) -> bool:
    if left is None or right is None:
        return left is right
    return np.array_equal(left[0], right[0]) and np.array_equal(left[1], right[1])


@dataclass(frozen=True, slots=True)
class PartChange:
    """What a step of the fold adds to the statistics of one window of one series, and takes from them: a difference."""

    series: SeriesKey
    window: WindowId
    stats: PartStats
