"""A folder in services is deployed if it has `__main__.py`, and then only; each service has the objects of its kind."""

from __future__ import annotations

from deploy.objects import Objects, names, of_kind, title_of
from deploy.rules.finding import Found, Rule, Services

# Deployments that are no service of the suite.
ADDITIONAL = {"otel-collector"}


def the_services_are_deployed_and_no_others(objects: Objects, services: Services) -> Found:
    deployed = names(objects, "Deployment") | (names(objects, "StatefulSet") & set(services))
    for name in sorted(deployed ^ (set(services) | ADDITIONAL)):
        yield f"Deployment/{name}", "is deployed and no service, or a service and not deployed"


def each_service_has_the_same_objects(objects: Objects, services: Services) -> Found:
    for name, service in services.items():
        wanted_objects = [("ServiceAccount", name), ("PodDisruptionBudget", name)]
        wanted_objects += [("Service", name)] if service.has_contract or service.has_http else []
        wanted_objects += [("Job", f"{name}-migrate")] if service.has_store else []
        for kind, wanted in wanted_objects:
            if wanted not in names(objects, kind):
                yield f"{kind}/{wanted}", "is not there"


def contracts_are_behind_headless_services(objects: Objects, services: Services) -> Found:
    """One address for all pods would pin a long-lived connection to one of them."""
    for one in of_kind(objects, "Service"):
        service = services.get(one["metadata"]["name"])
        if service is not None and service.has_contract and one["spec"].get("clusterIP") != "None":
            yield title_of(one), "is not headless"


RULES: tuple[Rule, ...] = (
    the_services_are_deployed_and_no_others,
    each_service_has_the_same_objects,
    contracts_are_behind_headless_services,
)
