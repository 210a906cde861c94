"""The hierarchy of a system: which composites there are, what lies below each of them, and with which weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from andon_quality import composite as rollup

from services.scoring.system.case_model import Text
from services.scoring.system.model import Indicator, IndicatorSystem, Phase, Window

OVERALL = "overall"


@dataclass(frozen=True)
class Node:
    """`indicator` None: a composite. `parent` empty: the root."""

    name: str
    parent: str
    title: Text
    weight: float
    indicator: Indicator | None = None


@dataclass(frozen=True)
class Tree:
    """The hierarchy of a system: composites that have something below them, and the indicators that have a target."""

    nodes: tuple[Node, ...]

    @cached_property
    def weights(self) -> rollup.Hierarchy:
        place = {node.name: index for index, node in enumerate(self.nodes)}
        parents = [place[node.parent] if node.parent else -1 for node in self.nodes]
        return rollup.hierarchy(parents, [node.weight for node in self.nodes], tuple(place))

    @cached_property
    def leaves(self) -> tuple[Node, ...]:
        return tuple(self.nodes[index] for index in self.weights.leaves)

    @cached_property
    def composites(self) -> tuple[tuple[int, Node], ...]:
        return tuple((index, node) for index, node in enumerate(self.nodes) if node.indicator is None)

    @cached_property
    def weight_totals(self) -> Mapping[str, float]:
        """Each node's weight in the whole: the product of the shares on its path."""
        shares = self.weights.weights
        return {
            node.name: float(shares[list(self.weights.paths[index])].prod()) for index, node in enumerate(self.nodes)
        }

    def phases(self) -> dict[Phase, float]:
        """Weight in the whole by phase."""
        weights: dict[Phase, float] = {}
        for leaf in self.leaves:
            if leaf.indicator:
                phase = leaf.indicator.phase
                weights[phase] = weights.get(phase, 0.0) + self.weight_totals[leaf.name]
        return weights


def tree_of(system: IndicatorSystem, window: Window) -> Tree | None:
    """The hierarchy of one window width, root first and parents before children. None: no indicator has a target.

    Indicators that are not scored in this width are not part of it: they are not missing.
    """
    composites = [Node(one.name, one.parent, one.title, one.weight) for one in system.spec.composites]
    if not composites:
        composites = [Node(OVERALL, "", Text("Overall", "总体"), 1.0)]
    root = next(node.name for node in composites if not node.parent)
    leaves = [
        Node(one.name, one.parent or root, one.title, one.weight, one)
        for one in system.spec.indicators
        if one.has_points and window in one.windows
    ]
    below: dict[str, list[Node]] = {}
    for node in (*composites, *leaves):
        below.setdefault(node.parent, []).append(node)
    kept = _ordered(below, "")
    return Tree(tuple(kept)) if kept else None


def members_of(system: IndicatorSystem, composite: str, window: Window) -> tuple[Node, ...]:
    """What is directly below a composite (empty: the root) in the hierarchy of one window width; () without any."""
    tree = tree_of(system, window)
    if tree is None:
        return ()
    parent = composite or tree.nodes[0].name
    return tuple(node for node in tree.nodes if node.parent == parent)


def part_of(tree: Tree, composite: str) -> Tree | None:
    """The composite and what is below it, as a tree of its own."""
    names, found = {composite}, []
    for node in tree.nodes:
        if node.name == composite:
            found.append(replace(node, parent=""))
        elif node.parent in names:
            names.add(node.name)
            found.append(node)
    return Tree(tuple(found)) if found else None


def _ordered(below: Mapping[str, list[Node]], parent: str) -> list[Node]:
    found: list[Node] = []
    for node in below.get(parent, []):
        beneath = _ordered(below, node.name)
        if node.indicator is not None or beneath:
            found += [node, *beneath]
    return found
