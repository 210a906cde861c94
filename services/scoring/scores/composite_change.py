"""What moved a composite between two windows: its indicators, its weights, its structure, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from andon_quality.composite import ChangeSplit, CompositeSnapshot, split_change

from services.scoring.scores.results import Score
from services.scoring.system.case_model import Text
from services.scoring.system.hierarchy import Tree

MIDDLE = 50.0
"""A missing indicator counts as the middle of its bounds."""


KINDS = {
    "data": ("the indicators", "指标"),
    "weight": ("the weights", "权重"),
    "structure": ("the structure", "结构"),
    "missing": ("missing data", "缺失数据"),
}
SHOWN_MIN = 0.005


@dataclass(frozen=True)
class Side:
    """A composite in one window: its hierarchy, and the scores of what is in it by name."""

    tree: Tree
    scores: Mapping[str, Score]

    def points(self) -> dict[str, float | None]:
        """Of each indicator; None: missing."""
        return {leaf.name: score.points if (score := self.scores.get(leaf.name)) else None for leaf in self.tree.leaves}

    def weights(self) -> dict[str, float]:
        """Of each indicator in the whole."""
        return dict(zip((leaf.name for leaf in self.tree.leaves), self.tree.weights.leaf_weights.tolist(), strict=True))

    def snapshot(self) -> CompositeSnapshot:
        known = self.points().values()
        return CompositeSnapshot(self.tree.weights, np.array([np.nan if one is None else one for one in known]))

    def total(self) -> float:
        """Points of the composite, with the middle for what is missing."""
        known, weights = self.points(), self.weights()
        return sum(weights[name] * (MIDDLE if one is None else one) for name, one in known.items())


@dataclass(frozen=True)
class IndicatorPart:
    """What one indicator did, in points of the composite."""

    name: str
    title: Text
    data: float
    weight: float
    structure: float
    missing: float


@dataclass(frozen=True)
class CompositeChange:
    """total = data + weight + structure + missing, in points. parts: the largest of the largest kind first."""

    split: ChangeSplit
    parts: list[IndicatorPart]
    summary: Text


def change_between(before: Side, after: Side) -> CompositeChange:
    """Exact: the parts sum to the change within 1e-12 (see `andon_quality.composite.split_change`)."""
    split = split_change(before.snapshot(), after.snapshot(), MIDDLE)
    titles = {leaf.name: leaf.title for side in (before, after) for leaf in side.tree.leaves}
    columns = (split.leaf_data, split.leaf_weight, split.leaf_structure, split.leaf_missing)
    rows = zip(split.leaves, *(one.tolist() for one in columns), strict=True)
    parts = [IndicatorPart(name, titles[name], *row) for name, *row in rows]
    # Weights that move from one indicator to another are large parts that cancel: the largest kind says what matters.
    kind = max(KINDS, key=lambda one: abs(getattr(split, one)))
    parts.sort(key=lambda one: (-abs(getattr(one, kind)), one.name))
    return CompositeChange(split, parts, _summary(split, parts))


def _summary(split: ChangeSplit, parts: list[IndicatorPart]) -> Text:
    moved = [(getattr(split, kind), *names) for kind, names in KINDS.items() if abs(getattr(split, kind)) >= SHOWN_MIN]
    en = ", ".join(f"{name} {size:+.2f}" for size, name, _ in moved)
    zh = "，".join(f"{name} {size:+.2f}" for size, _, name in moved)
    head, head_zh = f"The points changed by {split.total:+.2f}", f"得分变化 {split.total:+.2f}"
    most = parts[0]
    if not moved:
        return Text(f"{head}.", f"{head_zh}。")
    by, by_zh = most.title.en or most.name, most.title.zh or most.title.en or most.name
    return Text(f"{head}: {en}. Most of it: {by}.", f"{head_zh}：{zh}。主要来自：{by_zh}。")
