"""Composite scores over a weighted hierarchy: the composite, its interval, and the split of its change."""

from andon_quality.composite.aggregate import CompositeScore, composite, contributions
from andon_quality.composite.change import ChangeSplit, CompositeSnapshot, split_change
from andon_quality.composite.hierarchy import Hierarchy, flat, hierarchy

__all__ = [
    "ChangeSplit",
    "CompositeScore",
    "CompositeSnapshot",
    "Hierarchy",
    "composite",
    "contributions",
    "flat",
    "hierarchy",
    "split_change",
]
