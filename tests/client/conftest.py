"""Servers of one handler, and the errors that calls end with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

Serve = Callable[..., Any]


def broken(code: grpc.StatusCode, details: str = "", trailers: tuple[tuple[str, bytes], ...] = ()) -> Any:
    """What a call raises that ended with this status."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details)


@pytest.fixture
def rpc_error() -> Callable[..., Any]:
    return broken


@pytest.fixture
def response() -> Callable[..., Any]:
    """What a watch sends, as far as following looks at it."""
    return lambda through, *items: SimpleNamespace(through=through, items=items)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(register)` is an insecure channel to a server of this test alone."""
    servers: list[grpc.aio.Server] = []
    channels: list[grpc.aio.Channel] = []

    async def started(register: Callable[[grpc.aio.Server], None]) -> grpc.aio.Channel:
        server = grpc.aio.server()
        register(server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
        servers.append(server)
        channels.append(channel)
        return channel

    yield started
    for channel in channels:
        await channel.close()
    for server in servers:
        await server.stop(None)


@pytest.fixture
def day() -> Callable[[int], datetime]:
    """So many days after 2026-03-02."""
    return lambda number: datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=number)
