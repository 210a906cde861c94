"""Throw-away credentials of the dev overlay as Secrets: `python -m deploy.credentials | kubectl apply -f -`."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence
from pathlib import Path

import yaml
from andon_client.connection import Connection, save_connection

from deploy.declared import CONTRACT_PORT, POSTGRES_PORT, Service, suite
from deploy.objects import Object
from services.machine.authority import LOCAL_NAMES, Authority
from services.machine.machine import SUITE
from services.runtime.private_files import write_private

DAY_S = 86_400.0
SERVICE_TOKEN_LIFETIME_S, USER_TOKEN_LIFETIME_S = 30 * DAY_S, 7 * DAY_S
DATABASE = f"postgres:{POSTGRES_PORT}/andon"


def host_names(service: str, namespace: str) -> tuple[str, ...]:
    """Every name that a client may call the service by; the local ones are for a forwarded port."""
    inside = (service, f"{service}.{namespace}", f"{service}.{namespace}.svc")
    return (*inside, f"{inside[-1]}.cluster.local", *LOCAL_NAMES)


class Credentials:
    """Stored in `home` and made only where missing, so that a second run changes no key and no password."""

    def __init__(self, home: Path, namespace: str, tenants: Sequence[str]) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._home = home
        self._namespace = namespace
        self._tenants = tenants
        self._authority = Authority(home / "authority")

    def secrets(self) -> list[Object]:
        owner = self._kept("postgres")
        made = [
            self._secret("postgres", {"password": owner}),
            self._secret("token-issuer", {"jwks.json": self._authority.jwks_file.read_text(encoding="utf-8")}),
            self._secret("tenant-key", {"tenant.key": self._kept("tenant-key")}),
        ]
        for service in suite().values():
            made += self._of_service(service, f"postgresql://postgres:{owner}@{DATABASE}")
        return made

    def _of_service(self, service: Service, owner_dsn: str) -> list[Object]:
        name = service.name
        role_dsn = f"postgresql://andon_{name}:{self._kept(name)}@{DATABASE}"
        made = [self._tls(name)]
        if service.has_store:
            made.append(self._secret(f"{name}-database", {"dsn": role_dsn}))
            made.append(self._secret(f"{name}-migration", {"dsn": owner_dsn}))
        if service.calls:
            tokens = {f"{tenant}.jwt": self._service_token(name, tenant) for tenant in self._tenants}
            made.append(self._secret(f"{name}-tokens", tokens))
        return made

    def save_connection(self) -> None:
        """What `andon` needs to call the suite through forwarded ports, one per service in the order of the flow."""
        token_file = self._home / "token.jwt"
        token = self._authority.token("user", self._tenants[0], ["admin"], USER_TOKEN_LIFETIME_S)
        write_private(token_file, token)
        certificate, key = self._authority.certificate("user")
        targets = {name: f"127.0.0.1:{CONTRACT_PORT + number}" for number, name in enumerate(SERVICE_ORDER)}
        save_connection(self._home, Connection(targets, self._authority.ca_file, certificate, key, token_file))

    def _service_token(self, service: str, tenant: str) -> str:
        roles = [one.role_of_calls for one in SUITE if one.name == service]
        return self._authority.token(f"andon-{service}", tenant, roles, SERVICE_TOKEN_LIFETIME_S)

    def _tls(self, service: str) -> Object:
        certificate, key = self._authority.certificate(service, host_names(service, self._namespace))
        files = {"ca.crt": self._authority.ca_file, "tls.crt": certificate, "tls.key": key}
        texts = {name: file.read_text(encoding="ascii") for name, file in files.items()}
        return {**self._secret(f"{service}-tls", texts), "type": "kubernetes.io/tls"}

    def _kept(self, name: str) -> str:
        file = self._home / f"{name}.secret"
        if not file.exists():
            write_private(file, secrets.token_hex(32))
        return file.read_text(encoding="ascii")

    def _secret(self, name: str, texts: dict[str, str]) -> Object:
        metadata = {"name": name, "namespace": self._namespace, "labels": {"app.kubernetes.io/part-of": "andon"}}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": texts}


# In the order of the flow.
SERVICE_ORDER = ("ingest", "scoring", "improvement")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.credentials", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".andon/dev"), help="where they are stored (%(default)s)")
    parser.add_argument("--namespace", default="andon", help="of the suite (%(default)s)")
    parser.add_argument("--tenant", action="append", dest="tenants", help="a tenant to serve; may be repeated (main)")
    arguments = parser.parse_args()
    credentials = Credentials(arguments.home.resolve(), arguments.namespace, arguments.tenants or ["main"])
    credentials.save_connection()
    print(yaml.safe_dump_all(credentials.secrets(), sort_keys=False), end="")


if __name__ == "__main__":
    main()
