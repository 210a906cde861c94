"""A process that serves, and a client of it that says nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from services.runtime.server import Endpoint, serve

# For what must happen, however slow the machine is.
PATIENCE_S = 120.0


async def begun(stop: asyncio.Event, **serving: Any) -> tuple[Endpoint, asyncio.Task[None]]:
    """A process that serves, once it is ready."""
    announced = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(on_ready=announced.set_result, stop=stop, **serving))
    await asyncio.wait([task, announced], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    return announced.result(), task


async def closed_after_s(port: int, first: bytes) -> float:
    """How long the server bears a connection that goes no further."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    start_s = asyncio.get_running_loop().time()
    with suppress(ConnectionResetError):
        while await reader.read(1024):
            pass
    writer.close()
    return asyncio.get_running_loop().time() - start_s
