"""A rollout, a drained node or a scale-down cuts nobody off."""

from __future__ import annotations

from deploy.objects import Objects, Workload, environment, of_kind, title_of, workloads
from deploy.rules.finding import Found, Rule, Services
from deploy.rules.references import referenced
from services.runtime.server import CLOSE_S_MAX

# After the grace period a process may take: cancelling its tasks, two closers, handing over telemetry.
LEAVING_S = 3 * CLOSE_S_MAX + 3.0


def budgets_have_one_bound(objects: Objects, services: Services) -> Found:
    for budget in of_kind(objects, "PodDisruptionBudget"):
        if len({"minAvailable", "maxUnavailable"} & set(budget["spec"])) != 1:
            yield title_of(budget), "needs one of minAvailable and maxUnavailable, and not both"


def budgets_let_nodes_drain(objects: Objects, services: Services) -> Found:
    """A bound that no eviction can meet holds up every node that is to be drained."""
    replicas = {one.name: one.owner["spec"].get("replicas", 1) for one in workloads(objects)}
    for budget in of_kind(objects, "PodDisruptionBudget"):
        spec, count = budget["spec"], replicas.get(budget["metadata"]["name"], 0)
        if spec.get("maxUnavailable") in (0, "0%") or spec.get("minAvailable") == "100%":
            yield title_of(budget), "lets no pod go"
        if isinstance(spec.get("minAvailable"), int) and spec["minAvailable"] >= count:
            yield title_of(budget), f"wants {spec['minAvailable']} of {count} pods to stay"


def pods_outlive_their_drain(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        if workload.name not in services or workload.owner["kind"] == "Job":
            continue
        pause_s = _pre_stop_s(workload)
        if pause_s <= 0:
            yield title_of(workload.owner), "has no preStop pause, so calls still arrive while it drains"
        needed_s = pause_s + _grace_s(workload, objects, services) + LEAVING_S
        given_s = workload.pod.get("terminationGracePeriodSeconds", 30)
        if given_s <= needed_s:
            yield title_of(workload.owner), f"is killed after {given_s} s and may need {needed_s:g} s to drain"


def _pre_stop_s(workload: Workload) -> float:
    hook = workload.pod["containers"][0].get("lifecycle", {}).get("preStop", {})
    return float(hook.get("sleep", {}).get("seconds", 0))


def _grace_s(workload: Workload, objects: Objects, services: Services) -> float:
    service = services[workload.name]
    given = environment(workload.pod["containers"][0], objects).get(f"{service.prefix}GRACE_S", {})
    return float(given.get("value", service.settings.model_fields["grace_s"].default))


def rollouts_add_before_they_take(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        rolling = workload.owner["spec"].get("strategy", {}).get("rollingUpdate", {})
        if workload.name in services and workload.owner["kind"] == "Deployment" and rolling.get("maxUnavailable") != 0:
            yield title_of(workload.owner), "takes a pod away before another one is ready"


def jobs_can_end(objects: Objects, services: Services) -> Found:
    for job in of_kind(objects, "Job"):
        if job["spec"]["template"]["spec"].get("restartPolicy") not in ("OnFailure", "Never"):
            yield title_of(job), "is started again for ever"
        if "ttlSecondsAfterFinished" not in job["spec"]:
            yield title_of(job), "is not deleted, and blocks the Job of the next release"


def jobs_do_not_follow_settings(objects: Objects, services: Services) -> Found:
    """A Job cannot be changed: one that names a generated ConfigMap makes every change of a setting a refused apply."""
    for workload in workloads(objects):
        if workload.owner["kind"] == "Job":
            for name, _ in referenced(workload, "configMap", "configMapRef", "configMapKeyRef"):
                yield title_of(workload.owner), f"names ConfigMap {name}, so no setting in it can be changed"


def scoring_shares_its_work(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        if workload.name == "scoring" and workload.owner["spec"].get("replicas", 1) < 2:
            yield title_of(workload.owner), "has nobody to take over its partitions"


RULES: tuple[Rule, ...] = (
    budgets_have_one_bound,
    budgets_let_nodes_drain,
    pods_outlive_their_drain,
    rollouts_add_before_they_take,
    jobs_can_end,
    jobs_do_not_follow_settings,
    scoring_shares_its_work,
)
