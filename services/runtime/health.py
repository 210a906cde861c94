"""Whether a process serves: `grpc.health.v1` in plaintext on a port of its own, for every kind of process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.runtime.addresses import bound

LIVENESS = "liveness"
READY_CHECK_S = 2.0

Check = Callable[[], Awaitable[bool]]

log = structlog.get_logger(__name__)


class ProcessHealth:
    """The process as a whole and its services follow `ready`; liveness is serving for as long as the process runs."""

    def __init__(self, address: str, services: Sequence[str], options: Sequence[tuple[str, Any]]) -> None:
        self._address = address
        self.servicer = health.aio.HealthServicer()
        self._server = grpc.aio.server(options=options)
        self._names = ("", *services)
        health_pb2_grpc.add_HealthServicer_to_server(self.servicer, self._server)

    async def start(self) -> int:
        """The port that was bound."""
        await self.say(serving=False)
        await self.servicer.set(LIVENESS, health_pb2.HealthCheckResponse.SERVING)
        port = bound(self._address, self._server.add_insecure_port)
        await self._server.start()
        return port

    async def follow(self, ready: Check | None) -> None:
        """For ever; without a check the process is ready at once."""
        while True:
            try:
                serving = ready is None or await ready()
            except Exception as error:
                log.warning("readiness check failed", error=type(error).__name__)
                serving = False
            await self.say(serving=serving)
            if ready is None:
                return
            await asyncio.sleep(READY_CHECK_S if serving else READY_CHECK_S / 10)

    async def say(self, *, serving: bool) -> None:
        kind = health_pb2.HealthCheckResponse
        for name in self._names:
            await self.servicer.set(name, kind.SERVING if serving else kind.NOT_SERVING)

    async def stop(self) -> None:
        await self._server.stop(0)
