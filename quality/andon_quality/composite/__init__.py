"""Composite scores over a weighted hierarchy: the composite, its interval, and the split of its change."""

from andon_quality.composite.aggregate import Composite, composite, contributions
from andon_quality.composite.change import ChangeSplit, Snapshot, split_change
from andon_quality.composite.hierarchy import Hierarchy, flat, hierarchy

__all__ = [
    "ChangeSplit",
    "Composite",
    "Hierarchy",
    "Snapshot",
    "composite",
    "contributions",
    "flat",
    "hierarchy",
    "split_change",
]
