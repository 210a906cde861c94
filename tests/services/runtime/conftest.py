"""A tiny service of one echo, served by the runtime over mTLS with tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.machine.authority import Authority
from services.runtime.contract import Contract
from services.runtime.drain import Draining
from services.runtime.identity import Access
from services.runtime.server import Endpoint
from services.runtime.settings import RuntimeSettings
from tests.services.runtime.serving_process import PATIENCE_S, begun

ECHO = "andon.test.v1.EchoService"
Behaviour = Callable[..., Any]


def path(method: str) -> str:
    return f"/{ECHO}/{method}"


@dataclass
class Running:
    endpoint: Endpoint
    authority: Authority
    draining: Draining
    stop: asyncio.Event
    task: asyncio.Task[None]
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def channel(self, name: str = "client", authority: Authority | None = None) -> Any:
        certificate, key = (authority or self.authority).certificate(name)
        credentials = grpc.ssl_channel_credentials(
            self.authority.ca_file.read_bytes(), key.read_bytes(), certificate.read_bytes()
        )
        options = [("grpc.ssl_target_name_override", "localhost"), ("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.aio.secure_channel(f"127.0.0.1:{self.endpoint.port}", credentials, options=options)
        self.channels.append(channel)
        return channel

    def metadata(self, *roles: str, tenant: str = "acme", **extra: str) -> list[tuple[str, str]]:
        token = self.authority.token("tester", tenant, roles)
        return [("authorization", f"Bearer {token}"), *((key.replace("_", "-"), text) for key, text in extra.items())]


def handlers(behaviours: dict[str, tuple[str, Behaviour]]) -> Callable[[grpc.aio.Server], None]:
    """Generic handlers of bytes; the kind is one of unary_unary, unary_stream, stream_unary, stream_stream."""
    make = {kind: getattr(grpc, f"{kind}_rpc_method_handler") for kind in KINDS}
    methods = {name: make[kind](behaviour) for name, (kind, behaviour) in behaviours.items()}

    def register(server: grpc.aio.Server) -> None:
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(ECHO, methods),))

    return register


KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def settings_for(authority: Authority, **overrides: Any) -> RuntimeSettings:
    certificate, key = authority.certificate("server")
    given: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "health_listen": "127.0.0.1:0",
        "tls_ca_file": authority.ca_file,
        "tls_cert_file": certificate,
        "tls_key_file": key,
        "jwks_file": authority.jwks_file,
        "grace_s": 60.0,
        **overrides,
    }
    return RuntimeSettings(**given)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


Started = Callable[..., Awaitable[Running]]


@pytest.fixture
async def started(authority: Authority) -> AsyncIterator[Started]:
    """Starts the echo service with given behaviours; stops it at the end of the test."""
    running: list[Running] = []

    async def start(
        behaviours: dict[str, tuple[str, Behaviour]],
        access: Access | None = None,
        draining: Draining | None = None,
        overrides: dict[str, Any] | None = None,
        **serving: Any,
    ) -> Running:
        stop, draining = asyncio.Event(), draining or Draining()
        allowed = access if access is not None else {path(name): frozenset({"reader"}) for name in behaviours}
        endpoint, task = await begun(
            stop,
            settings=settings_for(authority, **(overrides or {})),
            contracts=[Contract(ECHO, handlers(behaviours), lambda add, server: add(server), allowed)],
            draining=draining,
            **serving,
        )
        running.append(Running(endpoint, authority, draining, stop, task))
        return running[-1]

    yield start
    for one in running:
        for channel in one.channels:
            await channel.close()
        one.stop.set()
        await asyncio.wait_for(one.task, PATIENCE_S)


@asynccontextmanager
async def failing_with(code: grpc.StatusCode) -> AsyncIterator[list[grpc.aio.AioRpcError]]:
    """The call inside must fail with `code`; the error is handed out for a closer look."""
    seen: list[grpc.aio.AioRpcError] = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield seen
    assert caught.value.code() is code, caught.value
    seen.append(caught.value)


@pytest.fixture(name="failing_with")
def failing_with_fixture() -> Any:
    return failing_with
