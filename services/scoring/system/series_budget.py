"""How many combinations of values a slice may have: a budget of series that the slices of a document share equally.

Theory of operation
===================

A document says how many kinds of series it has; how many series a slice becomes is up to the events. The budget is
spent on paper: with so many kinds of sliced series, each value of a slice may cost so many series, so a slice may have
so many values. What counts is which values the events of a dimension have ever named, and for a slice of several
dimensions the product of these counts, since any of the combinations may still come.

What is invariant. Both are the same for the same set of events, whatever their order: sets only grow. So a slice that
has more is dropped as a whole, for good, and everywhere; to keep the combinations that came first would give other
scores for another order. The limit depends on the document alone, so one slice never costs another its place.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from services.scoring.system.model import SystemSpec

SliceDimensions = tuple[str, ...]

SERIES_BUDGET = 100_000
"""Sliced series of one system."""
COMBINATIONS_MAX = 10_000
"""Of one slice, however few kinds of series a document has."""


def sliced_kinds(spec: SystemSpec) -> int:
    """Indicators x windows x slices."""
    return sum(len(set(one.windows)) * len(one.slices) for one in spec.indicators)


def combinations_max(spec: SystemSpec) -> int:
    """Of values of one slice; a slice with more is dropped."""
    return min(COMBINATIONS_MAX, SERIES_BUDGET // max(1, sliced_kinds(spec)))


@dataclass(frozen=True)
class SliceLimit:
    """Of one document. slices: all that it has."""

    slices: frozenset[SliceDimensions]
    combinations_max: int

    @property
    def values_max(self) -> int:
        """So many values of a dimension are enough to see that its slices have too many."""
        return self.combinations_max + 1

    def over(self, counts: Mapping[str, int]) -> frozenset[SliceDimensions]:
        """Slices with more combinations than they may have. counts: of values that events have named, by dimension."""
        return frozenset(
            one for one in self.slices if math.prod(counts.get(name, 0) for name in one) > self.combinations_max
        )

    def fresh(self, known: Mapping[str, Collection[str]], met: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
        """What is new of the values met, by dimension, in order; no more than are enough."""
        found: dict[str, list[str]] = {}
        for name, values in met.items():
            before = known.get(name, ())
            new = sorted(value for value in values if value not in before)[: max(0, self.values_max - len(before))]
            if new:
                found[name] = new
        return found


def slice_limit(spec: SystemSpec) -> SliceLimit:
    slices = frozenset(sliced.dimensions for one in spec.indicators for sliced in one.slices)
    return SliceLimit(slices, combinations_max(spec))
