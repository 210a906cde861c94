"""A service process from its first port to its last answer."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

import structlog
from andon_client.keepalive import server_options

from services.runtime.contract import Contract
from services.runtime.drain import Draining
from services.runtime.grpc_server import GrpcServer
from services.runtime.health import Check, ProcessHealth
from services.runtime.http_calls import Application, Refusal, said_to_people
from services.runtime.metrics import runtime_metrics
from services.runtime.private_files import write_private
from services.runtime.settings import HttpSettings, ListenerSettings, ProcessSettings, ServerSettings
from services.runtime.telemetry import Telemetry, configure_logs
from services.runtime.traffic import Traffic

Background = Callable[[], Coroutine[Any, Any, None]]
Closer = Callable[[], Awaitable[None]]

CLOSE_S_MAX = 5.0
PAUSE_S_MIN, PAUSE_S_MAX = 0.1, 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Endpoint:
    """The ports that were bound; 0: there is none. `port` is that of the contracts."""

    host: str
    port: int
    health_port: int
    http_port: int = 0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


async def serve(
    *,
    settings: ProcessSettings,
    contracts: Sequence[Contract] = (),
    http: Application | None = None,
    http_refusal: Refusal = said_to_people,
    background: Sequence[Background] = (),
    draining: Draining | None = None,
    ready: Check | None = None,
    on_ready: Callable[[Endpoint], Awaitable[None] | None] | None = None,
    closers: Sequence[Closer] = (),
    stop: asyncio.Event | None = None,
) -> None:
    """Serves until SIGTERM, SIGINT or `stop`, then drains: nothing in flight is cut off within the grace period.

    `contracts` are served over gRPC (settings: ServerSettings), `http` is an ASGI application (settings: HttpSettings)
    and `http_refusal` what it answers to a request that is refused; `background` are begun again when they fail;
    `ready` is asked whether the service can do its work; `closers` run last, in order.
    """
    configure_logs(settings.service_name, settings.log_level)
    telemetry = Telemetry(settings.service_name, settings.otlp_endpoint, settings.trace_ratio)
    telemetry.install()
    stop = stop or asyncio.Event()
    draining = draining or Draining()
    limits = settings if isinstance(settings, ListenerSettings) else None
    traffic = Traffic(limits.calls_in_flight_max if limits else 0)
    with _signals(stop):
        async with AsyncExitStack() as leaving:
            leaving.push_async_callback(asyncio.to_thread, telemetry.shutdown)
            for closer in reversed(closers):
                leaving.push_async_callback(_bounded, closer)
            options = server_options(handshake_s_max=limits.handshake_s_max) if limits else server_options()
            health = ProcessHealth(settings.health_listen, [one.name for one in contracts], options)
            servers: list[Listening] = []
            port = http_port = 0
            if contracts:
                servers.append(GrpcServer(_of(settings, ServerSettings), contracts, health.servicer, traffic))
                port = await servers[-1].start()
            if http is not None:
                # Only a process that serves HTTP loads the library that does.
                from services.runtime.http_server import HttpServer

                servers.append(HttpServer(_of(settings, HttpSettings), http, traffic, stop, http_refusal))
                http_port = await servers[-1].start()
            addresses = [str(getattr(settings, name, "")) for name in ("listen", "http_listen", "health_listen")]
            host = next((address.rpartition(":")[0] for address in addresses if address), "")
            endpoint = Endpoint(host, port, await health.start(), http_port)
            leaving.push_async_callback(health.stop)
            tasks = [asyncio.create_task(_supervised(factory)) for factory in background]
            leaving.push_async_callback(_cancel, tasks)
            readiness = asyncio.create_task(health.follow(ready))
            if settings.endpoint_file:
                write_private(settings.endpoint_file, json.dumps(asdict(endpoint)))
            if on_ready:
                said = on_ready(endpoint)
                if said is not None:
                    await said
            log.info("serving", **asdict(endpoint))
            await stop.wait()
            log.info("draining")
            await _cancel([readiness])
            # Not serving first, so that no new calls are sent here; then streams, then whatever is in flight.
            await health.say(serving=False)
            draining.start()
            stopping = [asyncio.create_task(server.stop(settings.grace_s)) for server in servers]
            if stopping:
                # Streams that heed `draining` end at once; the rest, health watches among them, have to reconnect.
                await asyncio.wait(stopping, timeout=min(1.0, settings.grace_s / 4))
                traffic.dismiss_streams()
            await asyncio.gather(*stopping)
    log.info("stopped")


Kind = TypeVar("Kind", bound=ProcessSettings)


def _of(settings: ProcessSettings, kind: type[Kind]) -> Kind:
    if not isinstance(settings, kind):
        raise TypeError(f"what is served needs {kind.__name__}")
    return settings


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


class Listening(Protocol):
    """A server of either kind. `start` returns the port that was bound, `stop` waits for what is in flight."""

    async def start(self) -> int: ...
    async def stop(self, grace_s: float) -> None: ...


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
