"""What the network policies let through is the call graph: every edge of it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network

from deploy.declared import CONTRACT_PORT, DNS_PORT, HTTP_PORT, METRICS_PORT, OTLP_PORT, POSTGRES_PORT, Edge, call_graph
from deploy.objects import Object, Objects, of_kind, selects, title_of, workloads
from deploy.rules.finding import Found, Rule, Services

PORTS = (22, 80, 443, DNS_PORT, CONTRACT_PORT, HTTP_PORT, 7480, POSTGRES_PORT, OTLP_PORT, METRICS_PORT, 13133)
PROTOCOLS = ("TCP", "UDP")
ADDRESSES_MAX = 65_536


@dataclass(frozen=True)
class Peer:
    """One end of a connection. Those of other namespaces follow no policy of ours."""

    name: str
    labels: dict[str, str]
    inside: bool = True
    namespace: dict[str, str] = field(default_factory=dict)


# Who else there is: those that may call, those that may not, and where names are looked up.
OUTSIDE = (
    Peer("client", {"andon/client": "true"}, False, {"andon/clients": "true"}),
    Peer("stranger", {}, False, {"kubernetes.io/metadata.name": "default"}),
    Peer("unlabelled pod of a client namespace", {}, False, {"andon/clients": "true"}),
    Peer("client elsewhere", {"andon/client": "true"}, False, {"kubernetes.io/metadata.name": "default"}),
    Peer("monitoring", {"app": "prometheus"}, False, {"andon/monitoring": "true"}),
    Peer("dns", {"k8s-app": "kube-dns"}, False, {"kubernetes.io/metadata.name": "kube-system"}),
    Peer("pretended dns", {"k8s-app": "kube-dns"}, False, {"kubernetes.io/metadata.name": "default"}),
    Peer("api server", {"component": "kube-apiserver"}, False, {"kubernetes.io/metadata.name": "kube-system"}),
)
# Postgres may be run elsewhere; the base then names these labels, and an overlay where it is instead.
POSTGRES = Peer("postgres", {"app.kubernetes.io/name": "postgres", "app.kubernetes.io/component": "database"})


def everything_is_denied_first(objects: Objects, services: Services) -> Found:
    for policy in of_kind(objects, "NetworkPolicy"):
        spec = policy["spec"]
        if spec["podSelector"] == {} and set(spec.get("policyTypes", [])) == {"Ingress", "Egress"}:
            if spec.get("ingress") or spec.get("egress"):
                yield title_of(policy), "lets something through for every pod"
            return
    yield "NetworkPolicy/default-deny", "no policy denies both ways for every pod"


def the_network_is_the_call_graph(objects: Objects, services: Services) -> Found:
    """Each way by itself: what one side leaves open by mistake, the other must not have to close."""
    inside = {one.name for one in _ours(objects)}
    for way, may, end in (("Egress", "may leave", "source"), ("Ingress", "may enter", "destination")):
        wanted = {edge for edge in call_graph(services) if getattr(edge, end) in inside}
        opened = set(edges(objects, way))
        for edge in sorted(opened - wanted):
            yield "NetworkPolicy", f"{_said(edge)} {may}, and has no business there"
        for edge in sorted(wanted - opened):
            yield "NetworkPolicy", f"{_said(edge)} is needed, and nothing says that it {may}"


def _said(edge: Edge) -> str:
    return f"{edge.source} to {edge.destination} at {edge.protocol} {edge.port}"


def policies_select_somebody(objects: Objects, services: Services) -> Found:
    for policy in of_kind(objects, "NetworkPolicy"):
        if not any(selects(policy["spec"]["podSelector"], peer.labels) for peer in _inside(objects)):
            yield title_of(policy), "selects no pod"


def edges(objects: Objects, way: str) -> Iterator[Edge]:
    """Every connection that policies let out of our pods (Egress), or into them (Ingress), found by trying them all."""
    policies = of_kind(objects, "NetworkPolicy")
    for own in _ours(objects):
        rules = _rules(policies, way, own)
        for other in (*_inside(objects), *OUTSIDE):
            if other.name == own.name:
                continue
            source, destination = (own, other) if way == "Egress" else (other, own)
            for port, protocol in _ports(rules, other):
                yield Edge(source.name, destination.name, port, protocol)


def _ours(objects: Objects) -> list[Peer]:
    return [Peer(one.name, one.labels) for one in workloads(objects)]


def _inside(objects: Objects) -> list[Peer]:
    """A Postgres that is not among the objects is not ours to guard: those who run it say who may come."""
    peers = _ours(objects)
    return peers if any(peer.name == POSTGRES.name for peer in peers) else [*peers, POSTGRES]


def _rules(policies: list[Object], way: str, own: Peer) -> list[Object] | None:
    """What the policies of a pod let through that way; None where none speaks of it, so that everything passes."""
    mine = [
        policy["spec"]
        for policy in policies
        if way in policy["spec"].get("policyTypes", []) and selects(policy["spec"]["podSelector"], own.labels)
    ]
    return [rule for spec in mine for rule in spec.get(way.lower()) or []] if mine else None


def _ports(rules: list[Object] | None, other: Peer) -> set[tuple[int, str]]:
    """Those of PORTS that are open towards or from another pod."""
    every = {(port, protocol) for port in PORTS for protocol in PROTOCOLS}
    if rules is None:
        return every
    met = [rule for rule in rules if _peer_matches(rule.get("from", rule.get("to")), other)]
    return {one for one in every if any(_port_matches(rule.get("ports"), *one) for rule in met)}


def _peer_matches(peers: list[Object] | None, other: Peer) -> bool:
    """No list means everybody."""
    return not peers or any(_one_matches(peer, other) for peer in peers)


def _one_matches(peer: Object, other: Peer) -> bool:
    if "ipBlock" in peer:
        return other is POSTGRES or _is_wide(peer["ipBlock"]["cidr"])
    if "namespaceSelector" in peer:
        of_namespace = selects(peer["namespaceSelector"], other.namespace)
    else:
        of_namespace = other.inside
    return of_namespace and ("podSelector" not in peer or selects(peer["podSelector"], other.labels))


def _is_wide(cidr: str) -> bool:
    """A block that may hold anybody, and not just the database that an overlay wants to name."""
    return ip_network(cidr, strict=False).num_addresses > ADDRESSES_MAX


def _port_matches(ports: list[Object] | None, port: int, protocol: str) -> bool:
    return not ports or any(_in_range(one, port) and one.get("protocol", "TCP") == protocol for one in ports)


def _in_range(one: Object, port: int) -> bool:
    first = int(one.get("port", port))
    return first <= port <= int(one.get("endPort", first))


RULES: tuple[Rule, ...] = (everything_is_denied_first, the_network_is_the_call_graph, policies_select_somebody)
