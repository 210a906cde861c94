"""Selectors take the pods they mean, all of them and no others."""

from __future__ import annotations

from deploy.objects import Objects, of_kind, selects, title_of, workloads
from deploy.rules.finding import Found, Rule, Services

NODE = "kubernetes.io/hostname"
PART_OF = "app.kubernetes.io/part-of"


def workloads_select_their_own_pods(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        selector = workload.owner["spec"].get("selector")
        if workload.owner["kind"] != "Job" and not selects(selector, workload.labels):
            yield title_of(workload.owner), "the selector does not take the pods of the template"
        others = [one.name for one in workloads(objects) if one.name != workload.name and selects(selector, one.labels)]
        if others:
            yield title_of(workload.owner), f"the selector takes pods of {', '.join(others)} too"


def services_and_budgets_select_one_workload(objects: Objects, services: Services) -> Found:
    for one in of_kind(objects, "Service", "PodDisruptionBudget"):
        selector = one["spec"].get("selector")
        if one["kind"] == "Service":
            selector = {"matchLabels": selector} if selector else None
        taken = [workload.name for workload in workloads(objects) if selects(selector, workload.labels)]
        if taken != [one["metadata"]["name"]]:
            yield title_of(one), f"selects {', '.join(taken) or 'no workload'} instead of the one of its name"


def pods_spread_among_their_own(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        constraints = workload.pod.get("topologySpreadConstraints", [])
        if workload.name in services and NODE not in {one["topologyKey"] for one in constraints}:
            yield title_of(workload.owner), "nothing spreads its pods over nodes"
        for constraint in constraints:
            if constraint.get("labelSelector") != workload.owner["spec"]["selector"]:
                yield title_of(workload.owner), f"spreads other pods over {constraint['topologyKey']}"


def everything_says_what_it_belongs_to(objects: Objects, services: Services) -> Found:
    for one in objects:
        if one["metadata"].get("labels", {}).get(PART_OF) != "andon":
            yield title_of(one), f"has no {PART_OF}"
    for workload in workloads(objects):
        if workload.labels.get(PART_OF) != "andon":
            yield title_of(workload.owner), f"its pods have no {PART_OF}"


RULES: tuple[Rule, ...] = (
    workloads_select_their_own_pods,
    services_and_budgets_select_one_workload,
    pods_spread_among_their_own,
    everything_says_what_it_belongs_to,
)
