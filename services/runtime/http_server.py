"""HTTP/2 and HTTP/1.1 over TLS, in the same event loop. Nothing else knows which library serves it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection

import structlog
from hypercorn.asyncio import serve
from hypercorn.config import Config

from services.runtime.addresses import listening_socket
from services.runtime.certificates import ServerCertificates
from services.runtime.http_calls import Application, HttpCalls, Refusal
from services.runtime.settings import HttpSettings
from services.runtime.traffic import Traffic

CLOSE_S_MAX = 1.0
POLL_S = 0.02

log = structlog.get_logger(__name__)


class _Config(Config):
    """Takes the context of TLS as it is, instead of files."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._context = context

    @property
    def ssl_enabled(self) -> bool:
        return True

    def create_ssl_context(self) -> ssl.SSLContext:
        return self._context


class HttpServer:
    """`failed` is set where the server ends by itself; `stop` then raises why."""

    def __init__(
        self,
        settings: HttpSettings,
        application: Application,
        traffic: Traffic,
        failed: asyncio.Event,
        refusal: Refusal,
    ) -> None:
        self._settings = settings
        self._calls = HttpCalls(
            application,
            traffic,
            body_bytes_max=settings.message_bytes_max,
            stall_s=settings.stall_s,
            refusal=refusal,
        )
        self._failed = failed
        self._stopping = asyncio.Event()

    async def start(self) -> int:
        """The port that was bound."""
        settings = self._settings
        certificates = ServerCertificates(settings.tls_ca_file, settings.tls_cert_file, settings.tls_key_file)
        config = _Config(certificates.http_context())
        listener = listening_socket(settings.http_listen, reuse_port=settings.reuse_port)
        port = int(listener.getsockname()[1])
        config.bind = [f"fd://{listener.detach()}"]
        config.errorlog = None
        config.include_server_header = False
        config.keep_alive_timeout = settings.connection_idle_s_max
        config.ssl_handshake_timeout = settings.handshake_s_max
        # `stop` limits it.
        config.graceful_timeout = settings.grace_s + CLOSE_S_MAX + 1
        self._serving = asyncio.create_task(
            serve(self._calls, config, shutdown_trigger=self._stopping.wait, mode="asgi")  # type: ignore[arg-type]
        )
        self._serving.add_done_callback(lambda _: self._failed.set())
        return port

    async def stop(self, grace_s: float) -> None:
        """No new requests; idle connections are closed, and what is in flight has `grace_s` to finish."""
        self._calls.refuses = True
        until_s = asyncio.get_running_loop().time() + grace_s
        # Where a stream of HTTP/2 ends after hypercorn began to stop, its connection ends before it does.
        await _while(lambda: self._calls.streams, until_s)
        self._stopping.set()
        await _while(lambda: self._calls.unanswered, until_s)
        if late := self._calls.unanswered:
            log.warning("requests cut off", count=len(late))
            for task in late:
                task.cancel()
        # A client that does not answer the end of TLS is not waited for: its connection ends with the process.
        _, closing = await asyncio.wait([self._serving], timeout=CLOSE_S_MAX)
        if closing:
            self._serving.cancel()
        else:
            self._serving.result()


async def _while(busy: Callable[[], Collection[object]], until_s: float) -> None:
    while busy() and asyncio.get_running_loop().time() < until_s:  # noqa: ASYNC110 - nothing says when, and it is rare
        await asyncio.sleep(POLL_S)
