"""The hierarchy of one window with scores, and what each phase of the service adds to the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.scoring.scores.results import Score
from services.scoring.system.case_model import Text
from services.scoring.system.hierarchy import Tree
from services.scoring.system.model import Indicator, IndicatorSystem, Phase

FULL = 100.0


@dataclass(frozen=True)
class CardNode:
    """`weight` among siblings, `weight_total` in the whole; both 0 for an indicator without a target."""

    name: str
    parent: str
    title: Text
    weight: float
    weight_total: float
    indicator: Indicator | None
    score: Score | None


@dataclass(frozen=True)
class PhaseShare:
    """`points` None: something of the phase is missing, and only the bounds can be said."""

    phase: Phase
    weight: float
    points: float | None
    points_low: float
    points_high: float


def card_nodes(system: IndicatorSystem, tree: Tree | None, scores: Mapping[str, Score]) -> list[CardNode]:
    """Root first, each node before those below it; indicators without a target come last, below the root."""
    root = tree.nodes[0].name if tree else ""
    weighed = [
        CardNode(
            node.name,
            node.parent,
            node.title,
            float(tree.weights.weights[place]),
            tree.weight_totals[node.name],
            node.indicator,
            scores.get(node.name),
        )
        for place, node in enumerate(tree.nodes if tree else ())
        if tree is not None
    ]
    unweighed = [
        CardNode(one.name, one.parent or root, one.title, 0.0, 0.0, one, scores.get(one.name))
        for one in system.spec.indicators
        if not one.has_points
    ]
    return weighed + unweighed


def phase_shares(tree: Tree | None, scores: Mapping[str, Score]) -> list[PhaseShare]:
    """Points by phase: the mean of its indicators' points by their weights in the whole."""
    if tree is None:
        return []
    return [
        _phase_share(tree, scores, phase, weight)
        for phase, weight in sorted(tree.phases().items(), key=lambda one: list(Phase).index(one[0]))
    ]


def _phase_share(tree: Tree, scores: Mapping[str, Score], phase: Phase, weight: float) -> PhaseShare:
    low = high = 0.0
    for leaf in tree.leaves:
        if leaf.indicator is not None and leaf.indicator.phase is phase:
            score = scores.get(leaf.name)
            share = tree.weight_totals[leaf.name] / weight
            low += share * (score.points_low if score and score.points_low is not None else 0.0)
            high += share * (score.points_high if score and score.points_high is not None else FULL)
    missing = any(
        (score := scores.get(leaf.name)) is None or score.points is None
        for leaf in tree.leaves
        if leaf.indicator is not None and leaf.indicator.phase is phase
    )
    return PhaseShare(phase, weight, None if missing else low, low, high)
