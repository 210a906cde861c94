"""Every variable is a setting of the service that it is given to, with a value that the service would take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pydantic import ValidationError

from deploy.declared import OPTIONAL_SECRETS, TARGET, Service, secrets
from deploy.objects import Object, Objects, Workload, environment, name_of, of_kind, title_of, workloads
from deploy.rules.finding import Found, Rule, Services
from services.runtime.settings import ProcessSettings

MIGRATION = "-migrate"
KEYED = ("secretKeyRef", "configMapKeyRef")
# It reads the settings of the store alone.
NEEDED_TO_MIGRATE = ("dsn", "migration_dsn")


def _ours(objects: Objects, services: Services) -> Iterator[tuple[Workload, Service, dict[str, Object]]]:
    for workload in workloads(objects):
        service = services.get(workload.name.removesuffix(MIGRATION))
        if service:
            for container in workload.containers:
                yield workload, service, environment(container, objects)


def _serving(objects: Objects, services: Services) -> Iterator[tuple[Workload, Service, dict[str, Object]]]:
    """Without the Jobs that migrate, which call nobody."""
    return (one for one in _ours(objects, services) if not one[0].name.endswith(MIGRATION))


def variables_are_settings(objects: Objects, services: Services) -> Found:
    for workload, service, given in _ours(objects, services):
        known = {f"{service.prefix}{field.upper()}" for field in service.settings.model_fields}
        for name in sorted(set(given) - known):
            yield title_of(workload.owner), f"{name} is no setting of {service.name}"


def variables_have_values(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        for container in workload.containers:
            for entry in container.get("env", []):
                source = entry.get("valueFrom", {})
                if not (entry.get("value") or any(source.get(kind, {}).get("key") for kind in KEYED)):
                    yield title_of(workload.owner), f"{entry['name']} has no value"


def required_settings_are_given(objects: Objects, services: Services) -> Found:
    for workload, service, given in _ours(objects, services):
        if workload.name.endswith(MIGRATION):
            needed = set(NEEDED_TO_MIGRATE)
        else:
            required = {name for name, field in service.settings.model_fields.items() if field.is_required()}
            needed = required | set(_depends_on(service))
        for field in sorted(needed):
            if f"{service.prefix}{field.upper()}" not in given:
                yield title_of(workload.owner), f"{service.prefix}{field.upper()} is not given"


def _depends_on(service: Service) -> Iterator[str]:
    """Settings with a default that fits one machine only."""
    if service.has_store:
        yield "dsn"
    for called in service.calls:
        yield f"{called}{TARGET}"
        yield "tokens_dir"


def values_are_taken(objects: Objects, services: Services) -> Found:
    for workload, service, given in _ours(objects, services):
        values = {
            name.removeprefix(service.prefix).lower(): entry.get("value", "given by a Secret")
            for name, entry in given.items()
        }
        try:
            _parse(service.settings, values)
        except ValidationError as error:
            for one in error.errors():
                if one["type"] != "missing":
                    yield title_of(workload.owner), f"{one['loc']}: {one['msg']}"


def _parse(settings: type[ProcessSettings], values: dict[str, str]) -> None:
    settings.model_validate(values)


def files_are_mounted(objects: Objects, services: Services) -> Found:
    """A path in a setting is a key of a Secret that is mounted there."""
    keys = {**secrets(services), **OPTIONAL_SECRETS}
    for workload, _, given in _serving(objects, services):
        mounted = _mounted_secrets(workload)
        claimed = _mounted_claims(workload)
        for name, entry in given.items():
            if name.endswith(("_FILE", "_DIR")):
                path = PurePosixPath(entry.get("value", ""))
                if str(path) in claimed:
                    continue
                folder, key = (path, None) if name.endswith("_DIR") else (path.parent, path.name)
                secret = mounted.get(str(folder), "")
                if secret not in keys or (key is not None and key not in keys[secret]):
                    yield title_of(workload.owner), f"{name}: nothing is mounted at {path}"


def _mounted_secrets(workload: Workload) -> dict[str, str]:
    volumes = {one["name"]: one.get("secret", {}).get("secretName", "") for one in workload.pod.get("volumes", [])}
    mounts = [mount for one in workload.containers for mount in one.get("volumeMounts", [])]
    return {mount["mountPath"]: volumes.get(mount["name"], "") for mount in mounts}


def _mounted_claims(workload: Workload) -> set[str]:
    """Where volumes of a pod's own are, which nobody has to fill."""
    claims = {name_of(one) for one in workload.owner["spec"].get("volumeClaimTemplates", [])}
    mounts = [mount for one in workload.containers for mount in one.get("volumeMounts", [])]
    return {mount["mountPath"] for mount in mounts if mount["name"] in claims}


def targets_are_services(objects: Objects, services: Services) -> Found:
    """A service calls another by the name and port of its Service, over all of its pods."""
    for workload, service, given in _serving(objects, services):
        for called in service.calls:
            entry = given.get(f"{service.prefix}{called.upper()}{TARGET.upper()}", {})
            if entry.get("value") != f"dns:///{called}:{_port_of(called, objects)}":
                yield title_of(workload.owner), f"the address of {called} is not that of its Service"


def _port_of(service: str, objects: Objects) -> int | None:
    for one in objects:
        if one["kind"] == "Service" and one["metadata"]["name"] == service:
            return int(one["spec"]["ports"][0]["port"])
    return None


def telemetry_goes_to_a_service(objects: Objects, services: Services) -> Found:
    there = {
        f"http://{one['metadata']['name']}:{port['port']}"
        for one in of_kind(objects, "Service")
        for port in one["spec"]["ports"]
    }
    for workload, service, given in _serving(objects, services):
        if given.get(f"{service.prefix}OTLP_ENDPOINT", {}).get("value") not in there:
            yield title_of(workload.owner), "its telemetry goes nowhere"


def commands_are_the_services_own(objects: Objects, services: Services) -> Found:
    for workload, _, _ in _ours(objects, services):
        wanted = ["migrate"] if workload.name.endswith(MIGRATION) else ["serve"]
        if any(one.get("args") != wanted or "command" in one for one in workload.containers):
            yield title_of(workload.owner), f"its arguments are not {wanted[0]!r}"


RULES: tuple[Rule, ...] = (
    variables_are_settings,
    variables_have_values,
    required_settings_are_given,
    values_are_taken,
    files_are_mounted,
    targets_are_services,
    telemetry_goes_to_a_service,
    commands_are_the_services_own,
)
