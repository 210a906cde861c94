"""Whatever one object names, another one is, or is declared to come from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from deploy.declared import DEV_SECRETS, OPTIONAL_SECRETS, secrets
from deploy.objects import Object, Objects, Workload, name_of, names, of_kind, title_of, workloads
from deploy.rules.finding import Found, Rule, Services


def objects_are_there_once(objects: Objects, services: Services) -> Found:
    for title, count in Counter(title_of(one) for one in objects).items():
        if count > 1:
            yield title, f"is there {count} times"


def accounts_exist(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        if workload.pod.get("serviceAccountName") not in names(objects, "ServiceAccount"):
            yield title_of(workload.owner), "runs under a service account that is not there"


def config_maps_exist(objects: Objects, services: Services) -> Found:
    there = {name_of(one): set(one.get("data", {})) for one in of_kind(objects, "ConfigMap")}
    for workload in workloads(objects):
        for name, keys in referenced(workload, "configMap", "configMapRef", "configMapKeyRef"):
            if missing := keys - there.get(name, set()) if name in there else {name}:
                yield title_of(workload.owner), f"ConfigMap {name}: {', '.join(sorted(missing))} is not there"


def config_maps_are_used(objects: Objects, services: Services) -> Found:
    used = {name for one in workloads(objects) for name, _ in referenced(one, "configMap", "configMapRef")}
    for name in sorted(names(objects, "ConfigMap") - used):
        yield f"ConfigMap/{name}", "nobody uses it"


def secrets_are_declared(objects: Objects, services: Services) -> Found:
    required = {**secrets(services), **DEV_SECRETS}
    for workload in workloads(objects):
        for name, keys in referenced(workload, "secret", "secretRef", "secretKeyRef"):
            if name not in {**required, **OPTIONAL_SECRETS}:
                yield title_of(workload.owner), f"Secret {name} is not one that the guide lists"
            elif missing := keys - {**required, **OPTIONAL_SECRETS}[name]:
                yield title_of(workload.owner), f"Secret {name}: {', '.join(sorted(missing))} is no key of it"


def optional_secrets_may_be_missing(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        for volume in workload.pod.get("volumes", []):
            source = volume.get("secret", {})
            if source and (source.get("secretName") in OPTIONAL_SECRETS) != bool(source.get("optional")):
                yield title_of(workload.owner), f"Secret {source.get('secretName')} is optional here and not there"


def no_secret_is_shipped(objects: Objects, services: Services) -> Found:
    for one in of_kind(objects, "Secret"):
        yield title_of(one), "secrets do not belong into manifests"


def referenced(workload: Workload, *kinds: str) -> Iterator[tuple[str, set[str]]]:
    """Names, and the keys asked for, of the ConfigMaps or Secrets that a pod refers to."""
    for volume in workload.pod.get("volumes", []):
        for kind in kinds:
            if kind in volume:
                source = volume[kind]
                keys = {item["key"] for item in source.get("items", [])}
                yield str(source.get("name") or source.get("secretName")), keys
    for container in workload.containers:
        yield from _named_in_environment(container, kinds)


def _named_in_environment(container: Object, kinds: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    for source in container.get("envFrom", []):
        yield from ((source[kind]["name"], set()) for kind in kinds if kind in source)
    for entry in container.get("env", []):
        source = entry.get("valueFrom", {})
        yield from ((source[kind]["name"], {source[kind]["key"]}) for kind in kinds if kind in source)


def mounts_are_volumes(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        claims = workload.owner["spec"].get("volumeClaimTemplates", [])
        there = {one["name"] for one in workload.pod.get("volumes", [])} | {name_of(one) for one in claims}
        mounted = {mount["name"] for one in workload.containers for mount in one.get("volumeMounts", [])}
        for name in sorted(mounted ^ there):
            yield title_of(workload.owner), f"{name} is mounted and no volume, or a volume and not mounted"


def arguments_name_files_that_are_there(objects: Objects, services: Services) -> Found:
    """A path below a mounted ConfigMap is one of its keys."""
    there = {name_of(one): set(one.get("data", {})) for one in of_kind(objects, "ConfigMap")}
    for workload in workloads(objects):
        maps = {one["name"]: one["configMap"]["name"] for one in workload.pod.get("volumes", []) if "configMap" in one}
        for container in workload.containers:
            for mount in (one for one in container.get("volumeMounts", []) if one["name"] in maps):
                keys = there.get(maps[mount["name"]], set())
                named = {text.rpartition("=")[2] for text in container.get("args", [])}
                if not named & {f"{mount['mountPath']}/{key}" for key in keys}:
                    yield title_of(workload.owner), f"no argument names a file of {mount['mountPath']}"


def stateful_sets_have_their_service(objects: Objects, services: Services) -> Found:
    for one in of_kind(objects, "StatefulSet"):
        if one["spec"].get("serviceName") not in names(objects, "Service"):
            yield title_of(one), "its Service is not there"


RULES: tuple[Rule, ...] = (
    objects_are_there_once,
    accounts_exist,
    config_maps_exist,
    config_maps_are_used,
    secrets_are_declared,
    optional_secrets_may_be_missing,
    no_secret_is_shipped,
    mounts_are_volumes,
    arguments_name_files_that_are_there,
    stateful_sets_have_their_service,
)
