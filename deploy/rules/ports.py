"""A port number means the same thing from the Service through the container to the probe and the setting."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.objects import Object, Objects, Workload, environment, of_kind, probes, selects, title_of, workloads
from deploy.rules.finding import Found, Rule, Services
from services.runtime.health import LIVENESS

PROBES = {"startupProbe", "readinessProbe", "livenessProbe"}
ACTIONS = {"exec", "grpc", "httpGet", "tcpSocket"}
LISTENERS = {"grpc": "listen", "http": "http_listen", "health": "health_listen"}


def services_reach_a_port_of_their_pods(objects: Objects, services: Services) -> Found:
    for service in of_kind(objects, "Service"):
        if not service["spec"].get("ports"):
            yield title_of(service), "has no port"
        for workload in _selected(service, objects):
            for port in service["spec"].get("ports", []):
                wanted = port.get("targetPort", port["port"])
                if _number(wanted, workload.containers, port.get("protocol", "TCP")) is None:
                    yield title_of(service), f"no container of {workload.name} has port {wanted}"


def _selected(service: Object, objects: Objects) -> Iterator[Workload]:
    selector = {"matchLabels": service["spec"].get("selector", {})}
    return (one for one in workloads(objects) if selects(selector, one.labels))


def _number(wanted: int | str, containers: list[Object], protocol: str = "TCP") -> int | None:
    for port in (port for container in containers for port in container.get("ports", [])):
        if wanted in (port.get("name"), port["containerPort"]) and port.get("protocol", "TCP") == protocol:
            return int(port["containerPort"])
    return None


def probes_hit_a_port_of_their_container(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        for container in workload.containers:
            for kind, probe in probes(container):
                target = probe.get("grpc") or probe.get("httpGet") or probe.get("tcpSocket") or {}
                if "port" in target and _number(target["port"], [container]) is None:
                    yield title_of(workload.owner), f"{kind} asks port {target['port']}, which is not there"


def whatever_stays_is_probed(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        for container in workload.containers if workload.owner["kind"] != "Job" else []:
            asked = {kind for kind, probe in probes(container) if ACTIONS & set(probe)}
            for kind in sorted(PROBES - asked):
                yield title_of(workload.owner), f"{container['name']} has no {kind}"


def probes_ask_health_by_its_names(objects: Objects, services: Services) -> Found:
    """Readiness follows the service; startup and liveness never touch the database."""
    for workload in workloads(objects):
        service = services.get(workload.name)
        if service is None:
            continue
        wanted = {"startupProbe": LIVENESS, "readinessProbe": service.health_name, "livenessProbe": LIVENESS}
        given = dict(probes(workload.pod["containers"][0]))
        for kind, name in wanted.items():
            probe = given.get(kind, {}).get("grpc", {})
            if probe.get("service", "") != name or _number("health", workload.containers) != probe.get("port"):
                yield title_of(workload.owner), f"{kind} does not ask {name} at the health port"


def containers_listen_where_they_say(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        service = services.get(workload.name)
        if service is None:
            continue
        known = service.settings.model_fields
        for container in workload.containers:
            given = environment(container, objects)
            for port_name, field in ((name, one) for name, one in LISTENERS.items() if one in known):
                address = given.get(f"{service.prefix}{field.upper()}", {}).get("value", known[field].default)
                if str(_number(port_name, [container])) != address.rpartition(":")[2]:
                    yield title_of(workload.owner), f"port {port_name} is not the one of {field} ({address})"


def ports_are_named_once(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        ports = [port for container in workload.containers for port in container.get("ports", [])]
        for key in ("name", "containerPort"):
            values = [port.get(key) for port in ports]
            if len(values) != len(set(values)) or None in values:
                yield title_of(workload.owner), f"a port's {key} is missing or there twice"


RULES: tuple[Rule, ...] = (
    services_reach_a_port_of_their_pods,
    probes_hit_a_port_of_their_container,
    whatever_stays_is_probed,
    probes_ask_health_by_its_names,
    containers_listen_where_they_say,
    ports_are_named_once,
)
