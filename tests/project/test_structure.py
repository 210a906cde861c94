"""Services are built of few parts on few levels, and nothing depends upwards or in a circle."""

from __future__ import annotations

import pytest

from tests.project.structure import Structure, components, shown, structure_of

# Parts and levels at most: a package more is a decision, and this is where it is made.
AIMS = {"ingest": (18, 7), "scoring": (12, 7)}


@pytest.mark.parametrize(("name", "parts_max", "levels_max"), [(one, *aim) for one, aim in AIMS.items()])
def test_a_service_keeps_to_its_number_of_parts_and_levels_and_has_no_circle(
    name: str, parts_max: int, levels_max: int
) -> None:
    structure = structure_of(name)
    assert structure.circles == []
    assert len(structure.parts) <= parts_max, shown(structure)
    assert max(structure.levels.values()) <= levels_max, shown(structure)


def test_levels_count_from_below_and_a_circle_is_found_among_parts_and_among_modules() -> None:
    structure = Structure(
        "desk",
        {
            "services.desk": frozenset(),
            "services.desk.__main__": frozenset({"services.desk.shell.calls"}),
            "services.desk.shell.calls": frozenset({"services.desk.core", "services.desk.shell.answers"}),
            "services.desk.shell.answers": frozenset({"services.desk.shell.calls", "services.desk.store"}),
            "services.desk.store": frozenset({"services.desk.core"}),
            "services.desk.core": frozenset({"services.desk.store"}),
            "services.desk.words": frozenset(),
        },
    )
    assert structure.levels == {"words": 1, "core": 1, "store": 1, "shell": 2, "__main__": 3}
    assert structure.circles == [
        ["core", "store"],
        ["services.desk.core", "services.desk.store"],
        ["services.desk.shell.answers", "services.desk.shell.calls"],
    ]
    assert "circle: core, store" in shown(structure)


def test_components_come_from_below() -> None:
    graph = {"a": frozenset({"b"}), "b": frozenset({"c", "d"}), "c": frozenset({"b"}), "d": frozenset()}
    assert components(graph) == [frozenset({"d"}), frozenset({"b", "c"}), frozenset({"a"})]
