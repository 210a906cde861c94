"""A service process from its first port to its last answer."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Any

import grpc
import structlog
from andon_client.keepalive import server_options
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.runtime.certificates import ServerCertificates
from services.runtime.draining import Draining
from services.runtime.identity import ANY_CALLER, Access, TokenVerifier
from services.runtime.interceptor import CallInterceptor
from services.runtime.metrics import runtime_metrics
from services.runtime.private_files import write_private
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry, configure_logs
from services.runtime.texts import Texts

Register = Callable[[grpc.aio.Server], Any]
Background = Callable[[], Coroutine[Any, Any, None]]
Check = Callable[[], Awaitable[bool]]
Closer = Callable[[], Awaitable[None]]

LIVENESS = "liveness"
OPERATOR = "operator"
READY_CHECK_S = 2.0
CLOSE_S_MAX = 5.0
PAUSE_S_MIN, PAUSE_S_MAX = 0.1, 10.0

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
CHANNELZ = ("GetTopChannels", "GetServers", "GetServer", "GetServerSockets", "GetChannel", "GetSubchannel", "GetSocket")
PLATFORM_ACCESS: Access = {
    REFLECTION: ANY_CALLER,
    "/grpc.health.v1.Health/Check": ANY_CALLER,
    "/grpc.health.v1.Health/Watch": ANY_CALLER,
    # Channelz shows the connections of every tenant.
    **{f"/grpc.channelz.v1.Channelz/{method}": frozenset({OPERATOR}) for method in CHANNELZ},
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Endpoint:
    """The ports that were bound."""

    host: str
    port: int
    health_port: int

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


async def serve(
    *,
    settings: RuntimeSettings,
    servicers: Sequence[Register],
    access: Access,
    health_names: Sequence[str],
    background: Sequence[Background] = (),
    draining: Draining | None = None,
    ready: Check | None = None,
    on_ready: Callable[[Endpoint], Awaitable[None] | None] | None = None,
    closers: Sequence[Closer] = (),
    stop: asyncio.Event | None = None,
    texts: Texts | None = None,
) -> None:
    """Serves until SIGTERM, SIGINT or `stop`, then drains: nothing in flight is cut off within the grace period.

    `servicers` register themselves on the server; `access` names the roles of each of their methods;
    `health_names` are the full names of the services; `background` are begun again when they fail;
    `ready` is asked whether the service can do its work; `closers` run last, in order.
    """
    configure_logs(settings.service_name, settings.log_level)
    telemetry = Telemetry(settings.service_name, settings.otlp_endpoint, settings.trace_ratio)
    telemetry.install()
    stop = stop or asyncio.Event()
    draining = draining or Draining()
    with _signals(stop):
        async with AsyncExitStack() as leaving:
            leaving.push_async_callback(asyncio.to_thread, telemetry.shutdown)
            for closer in reversed(closers):
                leaving.push_async_callback(_bounded, closer)
            server = _Server(settings, servicers, {**PLATFORM_ACCESS, **access}, health_names, texts)
            endpoint = await server.start()
            leaving.push_async_callback(server.stop_health)
            tasks = [asyncio.create_task(_supervised(factory)) for factory in background]
            leaving.push_async_callback(_cancel, tasks)
            readiness = asyncio.create_task(server.follow_readiness(ready))
            if settings.endpoint_file:
                write_private(settings.endpoint_file, json.dumps(asdict(endpoint)))
            if on_ready:
                said = on_ready(endpoint)
                if said is not None:
                    await said
            log.info("serving", port=endpoint.port, health_port=endpoint.health_port)
            await stop.wait()
            log.info("draining")
            await _cancel([readiness])
            await server.drain(draining, settings.grace_s)
    log.info("stopped")


class CannotListen(OSError):
    """The address is taken, or not one of this machine."""


class _Server:
    def __init__(
        self,
        settings: RuntimeSettings,
        servicers: Sequence[Register],
        access: Access,
        health_names: Sequence[str],
        texts: Texts | None,
    ) -> None:
        self._settings = settings
        self._health_names = ("", *health_names)
        self._health = health.aio.HealthServicer()
        self._interceptor = CallInterceptor(
            TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience),
            access,
            calls_in_flight_max=settings.calls_in_flight_max,
            stall_s=settings.stall_s,
            texts=texts,
        )
        options = server_options(
            settings.message_bytes_max,
            settings.connection_age_s_max,
            settings.reuse_port,
            settings.connection_idle_s_max,
            settings.handshake_s_max,
        )
        self._main = grpc.aio.server(interceptors=[self._interceptor], options=options)
        self._plain = grpc.aio.server(options=options)
        for register in servicers:
            register(self._main)
        self._register_platform(health_names)

    def _register_platform(self, health_names: Sequence[str]) -> None:
        for server in (self._main, self._plain):
            health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        channelz.add_channelz_servicer(self._main)
        reflected = [*health_names, health.SERVICE_NAME, reflection.SERVICE_NAME, "grpc.channelz.v1.Channelz"]
        reflection.enable_server_reflection(reflected, self._main)

    async def start(self) -> Endpoint:
        settings = self._settings
        await self._say(serving=False)
        await self._health.set(LIVENESS, health_pb2.HealthCheckResponse.SERVING)
        certificates = ServerCertificates(settings.tls_ca_file, settings.tls_cert_file, settings.tls_key_file)
        credentials = certificates.credentials()
        port = _bound(settings.listen, lambda address: self._main.add_secure_port(address, credentials))
        health_port = _bound(settings.health_listen, self._plain.add_insecure_port)
        await self._main.start()
        await self._plain.start()
        return Endpoint(settings.listen.rpartition(":")[0], port, health_port)

    async def follow_readiness(self, ready: Check | None) -> None:
        while True:
            serving = True if ready is None else await _answers(ready)
            await self._say(serving=serving)
            if ready is None:
                return
            await asyncio.sleep(READY_CHECK_S if serving else READY_CHECK_S / 10)

    async def drain(self, draining: Draining, grace_s: float) -> None:
        """Not serving first, so that no new calls are sent here; then streams, then whatever is in flight."""
        await self._say(serving=False)
        draining.start()
        stopping = asyncio.create_task(self._main.stop(grace_s))
        # Streams that heed `draining` end at once; the rest, health watches among them, are told to reconnect.
        await asyncio.wait([stopping], timeout=min(1.0, grace_s / 4))
        self._interceptor.traffic.dismiss_streams()
        await stopping

    async def stop_health(self) -> None:
        await self._plain.stop(0)

    async def _say(self, *, serving: bool) -> None:
        kind = health_pb2.HealthCheckResponse
        for name in self._health_names:
            await self._health.set(name, kind.SERVING if serving else kind.NOT_SERVING)


def _bound(address: str, bind: Callable[[str], int]) -> int:
    try:
        return bind(address)
    except RuntimeError as error:
        raise CannotListen(f"cannot listen on {address}: it is taken, or not an address of this machine") from error


async def _answers(ready: Check) -> bool:
    try:
        return await ready()
    except Exception as error:
        log.warning("readiness check failed", error=type(error).__name__)
        return False


async def _supervised(factory: Background) -> None:
    """A background task that fails is begun again, later and later; one that returns is done."""
    pause_s = PAUSE_S_MIN
    loop = asyncio.get_running_loop()
    while True:
        begun_s, work = loop.time(), factory()
        try:
            await work
        except Exception as error:
            log.error("background task failed", task=getattr(work, "__qualname__", "background"), exc_info=error)
        else:
            return
        runtime_metrics.add("andon.runtime.background.restarts")
        if loop.time() - begun_s > PAUSE_S_MAX:
            pause_s = PAUSE_S_MIN
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, PAUSE_S_MAX)


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSE_S_MAX)


async def _bounded(closer: Closer) -> None:
    try:
        async with asyncio.timeout(CLOSE_S_MAX):
            await closer()
    except Exception as error:
        log.warning("close failed", error=type(error).__name__)


class _signals:
    """SIGTERM and SIGINT ask to stop, while inside."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            # Only the main thread may; elsewhere (in tests) `stop` is the way.
            with suppress(ValueError, RuntimeError):
                asyncio.get_running_loop().add_signal_handler(number, self._stop.set)

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(ValueError, RuntimeError):
                asyncio.get_running_loop().remove_signal_handler(number)
