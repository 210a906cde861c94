"""The hierarchy of a document: what is weighed, in which order, and how much of the whole each node is."""

from __future__ import annotations

from services.scoring.system.case_model import Count, Measure, Text
from services.scoring.system.hierarchy import tree_of
from services.scoring.system.model import (
    Aggregate,
    Composite,
    Direction,
    Indicator,
    IndicatorSystem,
    Phase,
    SystemSpec,
    Target,
    Window,
)

GOAL = Target(10.0)


def indicator(name: str, parent: str, phase: Phase = Phase.DURING, target: Target | None = GOAL) -> Indicator:
    lower = Direction.LOWER_IS_BETTER
    return Indicator(name, "steps", Aggregate.MEAN, direction=lower, target=target, parent=parent, phase=phase)


def system(*indicators: Indicator, composites: tuple[Composite, ...] = ()) -> IndicatorSystem:
    spec = SystemSpec(measures=(Measure("steps", Count()),), indicators=indicators, composites=composites)
    return IndicatorSystem("processes/desk/indicatorSystems/main", 1, spec)


def test_a_node_weighs_the_product_of_the_shares_on_its_path_and_what_is_empty_weighs_nothing() -> None:
    tree = tree_of(
        system(
            indicator("breach", ""),
            indicator("wait", "speed"),
            indicator("visits", "speed", Phase.BEFORE),
            indicator("aimless", "speed", target=None),
            composites=(
                Composite("all", Text("All")),
                Composite("empty", Text("Empty"), 9.0, "all"),
                Composite("speed", Text("Speed"), 3.0, "all"),
            ),
        ),
        Window.WEEK,
    )
    assert tree is not None
    assert [(node.name, node.parent) for node in tree.nodes] == [
        ("all", ""),
        ("speed", "all"),
        ("wait", "speed"),
        ("visits", "speed"),
        ("breach", "all"),
    ]
    assert tree.weight_totals == {"all": 1.0, "speed": 0.75, "wait": 0.375, "visits": 0.375, "breach": 0.25}
    assert tree.phases() == {Phase.DURING: 0.625, Phase.BEFORE: 0.375}
    assert [node.name for node in tree.leaves] == ["wait", "visits", "breach"]
    assert [(place, node.name) for place, node in tree.composites] == [(0, "all"), (1, "speed")]


def test_without_composites_every_indicator_with_a_target_lies_below_one_of_its_own() -> None:
    tree = tree_of(system(indicator("wait", ""), indicator("breach", "")), Window.WEEK)
    assert tree is not None
    assert tree.weight_totals == {"overall": 1.0, "wait": 0.5, "breach": 0.5}
    assert (tree.nodes[0].title.en, tree.nodes[0].title.zh) == ("Overall", "总体")


def test_where_no_indicator_has_a_target_there_is_no_hierarchy() -> None:
    assert tree_of(system(indicator("wait", "", target=None)), Window.WEEK) is None
