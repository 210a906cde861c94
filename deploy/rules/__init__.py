"""What rendered manifests must follow; every rule is a function from objects to findings."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.declared import Service
from deploy.objects import Objects
from deploy.rules import (
    environment,
    images,
    labels,
    network,
    ports,
    references,
    resources,
    restricted,
    rollout,
    service_objects,
)
from deploy.rules.finding import ManifestFinding, Rule

RULES: tuple[Rule, ...] = (
    *environment.RULES,
    *images.RULES,
    *labels.RULES,
    *network.RULES,
    *ports.RULES,
    *references.RULES,
    *resources.RULES,
    *restricted.RULES,
    *rollout.RULES,
    *service_objects.RULES,
)


# What a rule meets where a field is missing that every object of the kind has.
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def findings(objects: Objects, services: Mapping[str, Service]) -> list[ManifestFinding]:
    """Everything that is wrong with these objects; empty means fit to be applied."""
    return [finding for rule in RULES for finding in _found(rule, objects, services)]


def _found(rule: Rule, objects: Objects, services: Mapping[str, Service]) -> list[ManifestFinding]:
    try:
        return [ManifestFinding(rule.__name__, place, message) for place, message in rule(objects, services)]
    except UNREADABLE as error:
        return [ManifestFinding(rule.__name__, "objects", f"cannot be judged: {type(error).__name__} {error}")]
