"""Rendered Kubernetes objects, and the few questions that every rule asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
Objects = Sequence[Object]

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


@dataclass(frozen=True)
class Workload:
    """What makes pods, and the pods that it makes."""

    owner: Object

    @property
    def name(self) -> str:
        return name_of(self.owner)

    @property
    def template(self) -> Object:
        return dict(self.owner["spec"]["template"])

    @property
    def pod(self) -> Object:
        return dict(self.template["spec"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.template.get("metadata", {}).get("labels", {}))

    @property
    def containers(self) -> list[Object]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]


def of_kind(objects: Objects, *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def workloads(objects: Objects) -> list[Workload]:
    return [Workload(one) for one in of_kind(objects, *WORKLOADS)]


def name_of(one: Object) -> str:
    return str(one["metadata"]["name"])


def title_of(one: Object) -> str:
    return f"{one['kind']}/{name_of(one)}"


def names(objects: Objects, kind: str) -> set[str]:
    return {name_of(one) for one in of_kind(objects, kind)}


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels; an empty one takes all, an absent one none."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels", {}).items()
    return all(labels.get(key) == value for key, value in wanted) and all(
        _expressed(expression, labels) for expression in selector.get("matchExpressions", [])
    )


def _expressed(expression: Object, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values", [])
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise ValueError(f"{other} is no operator of a label selector")


def environment(container: Object, objects: Objects) -> dict[str, Object]:
    """The variables of a container: those of its ConfigMaps as {"value": ...}, then its own entries."""
    given: dict[str, Object] = {}
    maps = {name_of(one): one.get("data", {}) for one in of_kind(objects, "ConfigMap")}
    for source in container.get("envFrom", []):
        data = maps.get(source.get("configMapRef", {}).get("name", ""), {})
        given.update({key: {"value": value} for key, value in data.items()})
    given.update({entry["name"]: entry for entry in container.get("env", [])})
    return given


def probes(container: Object) -> Iterator[tuple[str, Object]]:
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        if kind in container:
            yield kind, container[kind]
