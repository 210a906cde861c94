"""The whole suite of one machine, from the first file to the last process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import grpc
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import scoring_pb2
from andon_client.connection import Connection, save_connection
from andon_client.suite import Suite

from services.machine.authority import Authority
from services.machine.binaries import PostgresFailed
from services.machine.children import Child, ChildFailed, Command, run_once
from services.machine.external import ExternalPostgres
from services.machine.health import is_serving
from services.machine.home import Home
from services.machine.postgres import EmbeddedPostgres
from services.runtime.private_files import FolderInUse, write_private

READY_S_MAX = 60.0
TOKEN_LIFETIME_S = 7 * 86_400.0
TOKEN_RENEWAL_S = 3_600.0

Say = Callable[[str], None]


class NotStarted(RuntimeError):
    """The suite cannot be started here; says why."""


@dataclass(frozen=True)
class LocalService:
    """A service of the suite, the services that it calls, and in which role it does.

    `replicas`: how many run unless the plan says otherwise.
    """

    name: str
    calls: Sequence[str] = ()
    role_of_calls: str = "service"
    has_contract: bool = True
    has_http: bool = False
    has_store: bool = True
    replicas: int = 1

    @property
    def prefix(self) -> str:
        return f"ANDON_{self.name.upper()}_"

    @property
    def role(self) -> str:
        return f"andon_{self.name}"


# In the order of the flow, which is the order of starting. What other systems send to runs where it is asked for: a
# process more costs memory and time to start, and nothing here sends.
SUITE = (
    LocalService("ingest"),
    LocalService("scoring", ("ingest",)),
    LocalService("improvement", ("scoring",)),
    LocalService(
        "gateway",
        ("ingest",),
        role_of_calls="writer",
        has_contract=False,
        has_http=True,
        has_store=False,
        replicas=0,
    ),
    LocalService("bridge", ("ingest",), role_of_calls="writer", has_contract=False, has_store=False, replicas=0),
)


@dataclass(frozen=True)
class Plan:
    """What to run: where, for whom, how many of each service, and settings that override the machine's own."""

    home: Home
    tenants: Sequence[str] = ("main",)
    replicas: Mapping[str, int] = field(default_factory=dict)
    # Address of a Postgres run elsewhere, by a role that may create schemas and roles. Empty: the embedded one.
    dsn: str = ""
    otlp_endpoint: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


class Machine:
    """`async with Machine(plan) as machine:` - everything serves inside, everything is stopped after."""

    def __init__(self, plan: Plan, say: Say = lambda line: None) -> None:
        self.plan = plan
        self.children: dict[str, Child] = {}
        self.postgres = (
            ExternalPostgres(plan.dsn, plan.home.passwords) if plan.dsn else EmbeddedPostgres(plan.home.postgres)
        )
        self._say = say
        self._stack = AsyncExitStack()
        self._ports: dict[str, int] = {}

    async def __aenter__(self) -> Machine:
        try:
            await self._start()
        except BaseException as error:
            await self._stack.aclose()
            if isinstance(error, FolderInUse | PostgresFailed | ChildFailed | OSError):
                raise NotStarted(f"Andon cannot start: {error}") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def connection(self) -> Connection:
        home = self.plan.home
        certificate, key = self._authority.certificate("user")
        return Connection(
            targets={
                service.name: self._target(service.name)
                for service in SUITE
                if (service.has_contract or service.has_http) and self._replicas(service)
            },
            ca_file=self._authority.ca_file,
            cert_file=certificate,
            key_file=key,
            token_file=home.user_token,
        )

    async def _start(self) -> None:
        home = self.plan.home
        self._stack.callback(home.hold().close)
        self._authority = Authority(home.authority)
        self._mint_tokens()
        self._say("starting Postgres")
        # A start that is broken off has to be cleared away, too.
        self._stack.push_async_callback(self.postgres.stop)
        await self.postgres.start()
        self._run(self.postgres.watch())
        self._run(self._renew_tokens())
        self._say("migrating")
        await asyncio.gather(*(run_once(self._migration(service)) for service in SUITE if service.has_store))
        for service in SUITE:
            if service.has_contract or service.has_http:
                self._ports.update({child: home.port(child) for child in self._replicas(service)})
        for service in SUITE:
            if self._replicas(service):
                self._say(f"starting {service.name}")
            for name in self._replicas(service):
                # What an earlier run announced would be taken for this child's own word.
                home.endpoint_file(name).unlink(missing_ok=True)
                child = self.children[name] = Child(self._serving(name, service))
                # Children are stopped in the opposite order: those who follow before those who are followed.
                self._stack.push_async_callback(child.stop)
                await child.start()
                self._run(child.watch())
        await asyncio.gather(*(self._ready(child) for child in self.children.values()))
        await self._answers()
        save_connection(home.folder, self.connection)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Until the machine stops."""
        task = asyncio.create_task(work)

        async def cancel() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(cancel)

    def _replicas(self, service: LocalService) -> list[str]:
        count = self.plan.replicas.get(service.name, service.replicas)
        return [service.name, *(f"{service.name}-{number}" for number in range(2, count + 1))][:count]

    def _target(self, name: str) -> str:
        service = next(one for one in SUITE if one.name == name)
        addresses = [f"127.0.0.1:{self._ports[child]}" for child in self._replicas(service)]
        return addresses[0] if len(addresses) == 1 else "ipv4:" + ",".join(addresses)

    def _migration(self, service: LocalService) -> Command:
        environment = {
            **self._environment(service.name, service),
            f"{service.prefix}MIGRATION_DSN": self.postgres.dsn(),
        }
        log_file = self.plan.home.log_file(f"{service.name}-migrate")
        return Command(f"{service.name} migrate", f"services.{service.name}", ("migrate",), environment, log_file)

    def _serving(self, child: str, service: LocalService) -> Command:
        listener = "LISTEN" if service.has_contract else "HTTP_LISTEN"
        listens = {f"{service.prefix}{listener}": f"127.0.0.1:{self._ports[child]}"} if child in self._ports else {}
        environment = {
            **self._environment(child, service),
            **listens,
            f"{service.prefix}HEALTH_LISTEN": "127.0.0.1:0",
            f"{service.prefix}ENDPOINT_FILE": str(self.plan.home.endpoint_file(child)),
            **{f"{service.prefix}{called.upper()}_TARGET": self._target(called) for called in service.calls},
        }
        return Command(child, f"services.{service.name}", ("serve",), environment, self.plan.home.log_file(child))

    def _environment(self, child: str, service: LocalService) -> dict[str, str]:
        certificate, key = self._authority.certificate(service.name)
        settings = {
            "SERVICE_NAME": f"andon-{service.name}",
            "DSN": self.postgres.role_dsn(service.role) if service.has_store else "",
            "TLS_CA_FILE": str(self._authority.ca_file),
            "TLS_CERT_FILE": str(certificate),
            "TLS_KEY_FILE": str(key),
            "JWKS_FILE": str(self._authority.jwks_file),
            "TOKENS_DIR": str(self.plan.home.tokens(service.name)),
            "TENANT_KEY_FILE": str(self.plan.home.key_file()),
            "WEBHOOKS_DIR": str(self.plan.home.webhooks),
            "CONNECTIONS_DIR": str(self.plan.home.connections),
            "STATE_DIR": str(self.plan.home.connections / "state"),
            "REPLICA_COUNT": str(len(self._replicas(service)) or 1),
            "REPLICA_NAME": f"{service.name}-{self._replicas(service).index(child)}",
            "OTLP_ENDPOINT": self.plan.otlp_endpoint,
            # Each partition costs every small step a little, and one replica folds them one after another.
            "PARTITION_COUNT": str(self.plan.replicas.get("scoring", 1)),
        }
        return {
            # Matrices here are small: threads of the linear algebra would only wait for each other.
            "OPENBLAS_NUM_THREADS": "1",
            **os.environ,
            **{f"{service.prefix}{name}": value for name, value in settings.items()},
            **self.plan.environment,
        }

    def _mint_tokens(self) -> None:
        """One token per service and tenant, and the user's: an administrator of the first tenant."""
        for tenant in {*self.plan.tenants, *self.plan.home.tenants()}:
            provision_tenant(self.plan.home, self._authority, tenant)
        write_private(self.plan.home.user_token, self.token("user", ["admin"]))

    def token(self, subject: str, roles: Sequence[str], tenant: str = "") -> str:
        return self._authority.token(subject, tenant or self.plan.tenants[0], roles, TOKEN_LIFETIME_S)

    async def _renew_tokens(self) -> None:
        while True:
            await asyncio.sleep(TOKEN_RENEWAL_S)
            self._mint_tokens()

    async def _ready(self, child: Child) -> None:
        """Returns once the child's health says serving."""
        home, name = self.plan.home, child.command.name
        deadline = asyncio.get_running_loop().time() + READY_S_MAX
        while not await is_serving(home.endpoint_file(name)):
            if failure := child.failure():
                raise failure
            if asyncio.get_running_loop().time() > deadline:
                raise ChildFailed(f"{name} was not ready within {READY_S_MAX:g} s; see {home.log_file(name)}")
            await asyncio.sleep(0.05)

    async def _answers(self) -> None:
        """One real call of a user to each service, so that names, certificates and tokens are known to be right."""
        try:
            async with Suite(self.connection) as suite, asyncio.timeout(READY_S_MAX):
                await suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest(), wait_for_ready=True)
                await suite.scoring.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest(), wait_for_ready=True)
                await suite.improvement.GetWatchBounds(improvement_pb2.GetWatchBoundsRequest(), wait_for_ready=True)
        except (TimeoutError, grpc.aio.AioRpcError) as error:
            logs = self.plan.home.log_file("ingest").parent
            raise ChildFailed(f"the services serve but do not answer a user's call: {error}; see {logs}") from error


def provision_tenant(home: Home, authority: Authority, tenant: str) -> None:
    """Gives every service its token for the tenant, by which a running suite serves it from then on."""
    for service in SUITE:
        authority.token_file(
            home.tokens(service.name), f"andon-{service.name}", tenant, [service.role_of_calls], TOKEN_LIFETIME_S
        )
