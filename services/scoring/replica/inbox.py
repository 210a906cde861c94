"""What ingest sent and the fold has not taken yet: bounded by bytes, taken all at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

from services.scoring.wire.ingest_client import Received


class Inbox:
    """One writer, one reader. The writer waits while it is full; an error is handed over after what came before it."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._waiting: list[Received] = []
        self._bytes = 0
        self._error: BaseException | None = None
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()

    async def put(self, response: Received) -> None:
        while self._bytes >= self._bytes_max:
            self._taken.clear()
            await self._taken.wait()
        self._waiting.append(response)
        self._bytes += response.size_bytes
        self._arrived.set()

    async def fill(self, responses: AsyncIterable[Received]) -> None:
        """Takes every response in; whatever ends them is handed over after the last one."""
        try:
            async for response in responses:
                await self.put(response)
            self.fail(ConnectionError("ingest ended the stream"))
        except Exception as error:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._arrived.set()

    def wake(self) -> None:
        self._arrived.set()

    async def take(self, bytes_max: int) -> list[Received]:
        """Everything that waits, up to so many bytes but at least one; nothing only when it was woken."""
        await self._arrived.wait()
        if not self._waiting and self._error is not None:
            raise self._error
        taken = self._cut(bytes_max)
        if not self._waiting and self._error is None:
            self._arrived.clear()
        self._taken.set()
        return taken

    def _cut(self, bytes_max: int) -> list[Received]:
        count = size = 0
        while count < len(self._waiting) and (count == 0 or size + self._waiting[count].size_bytes <= bytes_max):
            size += self._waiting[count].size_bytes
            count += 1
        taken = self._waiting[:count]
        del self._waiting[:count]
        self._bytes -= size
        return taken
