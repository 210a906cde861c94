"""What the manifests may take for granted: the suite's services, who calls whom, and the Secrets that others make."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.runtime.settings import HttpSettings, ProcessSettings, ServerSettings, StoreSettings

ROOT = Path(__file__).parents[1]
CONTRACT_PORT, HTTP_PORT, POSTGRES_PORT, OTLP_PORT, METRICS_PORT, DNS_PORT = 7443, 8443, 5432, 4317, 8889, 53
TARGET = "_target"


@dataclass(frozen=True)
class Service:
    """A deployed service as its own code describes it."""

    name: str
    settings: type[ProcessSettings]

    @property
    def prefix(self) -> str:
        return str(self.settings.model_config.get("env_prefix", ""))

    @property
    def has_store(self) -> bool:
        return issubclass(self.settings, StoreSettings)

    @property
    def has_contract(self) -> bool:
        return issubclass(self.settings, ServerSettings)

    @property
    def has_http(self) -> bool:
        return issubclass(self.settings, HttpSettings)

    @property
    def health_name(self) -> str:
        """What readiness asks for; without a contract the process as a whole, which has no name."""
        return "" if not self.has_contract else f"andon.{self.name}.v1.{self.name.capitalize()}Service"

    @property
    def calls(self) -> list[str]:
        """A service can call those whose address is among its settings."""
        return [field.removesuffix(TARGET) for field in self.settings.model_fields if field.endswith(TARGET)]


@dataclass(frozen=True, order=True)
class Edge:
    """`source` may open connections to `destination` at a port."""

    source: str
    destination: str
    port: int
    protocol: str = "TCP"


def deployable(services: Path = ROOT / "services") -> list[str]:
    """A folder of services is deployed if and only if it has `__main__.py`."""
    return sorted(path.parent.name for path in services.glob("*/__main__.py"))


def suite() -> dict[str, Service]:
    return {name: _service(name) for name in deployable()}


def _service(name: str) -> Service:
    module = importlib.import_module(f"services.{name}.settings")
    return Service(name, getattr(module, f"{name.capitalize()}Settings"))


def call_graph(services: Mapping[str, Service]) -> set[Edge]:
    """Every connection that the suite needs, and no other."""
    return set(_edges(services))


def _edges(services: Mapping[str, Service]) -> Iterator[Edge]:
    yield Edge("monitoring", "otel-collector", METRICS_PORT)
    for service in services.values():
        if service.has_contract:
            yield Edge("client", service.name, CONTRACT_PORT)
        if service.has_http:
            yield Edge("client", service.name, HTTP_PORT)
        yield Edge(service.name, "otel-collector", OTLP_PORT)
        for called in service.calls:
            yield Edge(service.name, called, CONTRACT_PORT)
        for pods in (service.name, f"{service.name}-migrate") if service.has_store else ():
            yield Edge(pods, "postgres", POSTGRES_PORT)
            yield Edge(pods, "dns", DNS_PORT)
            yield Edge(pods, "dns", DNS_PORT, "UDP")
        if not service.has_store:
            yield Edge(service.name, "dns", DNS_PORT)
            yield Edge(service.name, "dns", DNS_PORT, "UDP")


def secrets(services: Mapping[str, Service]) -> dict[str, set[str]]:
    """Secrets that the namespace must hold, and the keys that are read by name; tokens are one `<tenant>.jwt` each."""
    needed: dict[str, set[str]] = {}
    for service in services.values():
        if "jwks_file" in service.settings.model_fields:
            needed["token-issuer"] = {"jwks.json"}
        if service.has_store:
            needed[f"{service.name}-database"] = {"dsn"}
            needed[f"{service.name}-migration"] = {"dsn"}
        if "tls_cert_file" in service.settings.model_fields:
            needed[f"{service.name}-tls"] = {"ca.crt", "tls.crt", "tls.key"}
        if service.calls:
            needed[f"{service.name}-tokens"] = set()
        if "tenant_key_file" in service.settings.model_fields:
            needed["tenant-key"] = {"tenant.key"}
    return needed


# Read where they exist: the authority of a Postgres with TLS of its own; the password of the dev overlay's Postgres.
# One key <name>.yaml for each webhook; connections.yaml and the secrets that it names.
OPTIONAL_SECRETS: Mapping[str, set[str]] = {
    "postgres-ca": {"ca.crt"},
    "gateway-webhooks": set(),
    "bridge-connections": set(),
}
DEV_SECRETS = {"postgres": {"password"}}
