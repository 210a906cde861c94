"""Every rule catches the faults that it is there for: each is planted into sound manifests, and must be found."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.declared import suite
from deploy.objects import Object, title_of
from deploy.rules import RULES, findings

FAULTS: dict[str, dict[str, list[Object]]] = yaml.safe_load(
    (Path(__file__).parent / "planted_faults.yaml").read_text(encoding="utf-8")
)
CASES = [(rule, fault) for rule, faults in FAULTS.items() for fault in faults]
POD = ["spec", "template", "spec"]
SHORT = {"pod": POD, "container": [*POD, "containers", "0"]}


def find(objects: list[Object], title: str) -> Object:
    """By title; that of a generated ConfigMap without its hash."""
    (found,) = (one for one in objects if title_of(one) == title or title_of(one).startswith(f"{title}-settings-"))
    return found


def plant(objects: list[Object], step: Object) -> None:
    match step:
        case {"at": where, "put": value}:
            put(objects, where.split(), value)
        case {"remove": where}:
            remove(objects, where.split())
        case {"copy": title, **others}:
            added = copy.deepcopy(find(objects, title))
            added["metadata"]["name"] = others.get("as", added["metadata"]["name"])
            objects.append(added)
        case {"add": added}:
            objects.append(added)
        case _:
            raise ValueError(f"{step} is no fault")


def put(objects: list[Object], where: list[str], value: Any) -> None:
    node, last = parent(objects, where)
    if isinstance(node, list) and int(last) == len(node):
        node.append(value)
    else:
        node[int(last) if isinstance(node, list) else last] = value


def remove(objects: list[Object], where: list[str]) -> None:
    if len(where) == 1:
        objects.remove(find(objects, where[0]))
    else:
        node, last = parent(objects, where)
        del node[int(last) if isinstance(node, list) else last]


def parent(objects: list[Object], where: list[str]) -> tuple[Any, str]:
    title, first, *rest = where
    *steps, last = [*SHORT.get(first, [first]), *rest]
    node: Any = find(objects, title)
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
    return node, last


@pytest.mark.parametrize(("rule", "fault"), CASES, ids=[f"{rule}: {fault}" for rule, fault in CASES])
def test_a_planted_fault_is_found(dev: list[Object], rule: str, fault: str) -> None:
    for step in FAULTS[rule][fault]:
        plant(dev, step)
    assert rule in {one.rule for one in findings(dev, suite())}


def test_what_cannot_be_judged_is_not_fit(dev: list[Object]) -> None:
    del find(dev, "Deployment/ingest")["spec"]["template"]["spec"]["containers"][0]["image"]
    said = {one.rule: one.message for one in findings(dev, suite())}
    assert said["images_are_pinned"] == "cannot be judged: KeyError 'image'"


def test_every_rule_has_a_fault_that_it_finds() -> None:
    assert {rule.__name__ for rule in RULES} == set(FAULTS)
