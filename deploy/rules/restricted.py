"""Pods keep to the Pod Security level "restricted", and to more: nothing writable, no token of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.objects import Object, Objects, of_kind, title_of, workloads
from deploy.rules.finding import Found, Rule, Services

LEVEL = "pod-security.kubernetes.io/enforce"
HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC")
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def namespaces_enforce_restricted(objects: Objects, services: Services) -> Found:
    namespaces = of_kind(objects, "Namespace")
    if not namespaces:
        yield "Namespace", "there is none"
    for one in namespaces:
        if one["metadata"].get("labels", {}).get(LEVEL) != "restricted":
            yield title_of(one), f"{LEVEL} is not restricted"


def objects_are_in_the_namespace(objects: Objects, services: Services) -> Found:
    names = {one["metadata"]["name"] for one in of_kind(objects, "Namespace")}
    for one in objects:
        if one["kind"] != "Namespace" and one["metadata"].get("namespace") not in names:
            yield title_of(one), "is not in the namespace of the suite"


def pods_are_restricted(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        for message in _pod_faults(workload.pod):
            yield title_of(workload.owner), message


def _pod_faults(pod: Object) -> Iterator[str]:
    for field in HOST_FIELDS:
        if pod.get(field):
            yield f"{field} is set"
    for volume in pod.get("volumes", []):
        if not VOLUMES & set(volume):
            yield f"volume {volume['name']} is of a kind that is not allowed"
    if pod.get("automountServiceAccountToken") is not False:
        yield "the token of the service account is mounted"
    if pod.get("enableServiceLinks") is not False:
        yield "variables of every Service are put into the environment"


def containers_are_restricted(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        for container in workload.containers:
            for message in _container_faults(workload.pod.get("securityContext", {}), container):
                yield title_of(workload.owner), f"{container['name']}: {message}"


def _container_faults(pod: Object, container: Object) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = {**pod, **own}
    if both.get("runAsNonRoot") is not True:
        yield "may run as root"
    if not both.get("runAsUser"):
        yield "names no user by number, or root's"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if own.get("privileged"):
        yield "is privileged"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "may write to its root"
    capabilities = own.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield "retains capabilities"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "takes a port of the node"


def secrets_are_read_by_their_pod_alone(objects: Objects, services: Services) -> Found:
    """A mode for owner and group only, and a group that the process is in."""
    for workload in workloads(objects):
        modes = [one["secret"].get("defaultMode", 0o644) for one in workload.pod.get("volumes", []) if "secret" in one]
        if any(mode & 0o007 for mode in modes):
            yield title_of(workload.owner), "a mounted Secret can be read by everybody"
        if modes and "fsGroup" not in workload.pod.get("securityContext", {}):
            yield title_of(workload.owner), "mounted Secrets belong to root's group, and the process is not in it"


def accounts_mount_no_token(objects: Objects, services: Services) -> Found:
    for account in of_kind(objects, "ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield title_of(account), "mounts its token into every pod"


RULES: tuple[Rule, ...] = (
    namespaces_enforce_restricted,
    objects_are_in_the_namespace,
    pods_are_restricted,
    containers_are_restricted,
    secrets_are_read_by_their_pod_alone,
    accounts_mount_no_token,
)
