"""What ingest sent and the fold has not taken yet: bounded by bytes, taken all at once."""

from __future__ import annotations

import asyncio

from andon.ingest.v1 import ingest_pb2


class Inbox:
    """One writer, one reader. The writer waits while it is full; an error is handed over after what came before it."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._waiting: list[tuple[ingest_pb2.ReadEventsResponse, int]] = []
        self._bytes = 0
        self._error: BaseException | None = None
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()

    async def put(self, response: ingest_pb2.ReadEventsResponse) -> None:
        while self._bytes >= self._bytes_max:
            self._taken.clear()
            await self._taken.wait()
        size = response.ByteSize()
        self._waiting.append((response, size))
        self._bytes += size
        self._arrived.set()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._arrived.set()

    def wake(self) -> None:
        self._arrived.set()

    async def take(self, bytes_max: int) -> list[ingest_pb2.ReadEventsResponse]:
        """Everything that waits, up to so many bytes but at least one; nothing only when it was woken."""
        await self._arrived.wait()
        if not self._waiting and self._error is not None:
            raise self._error
        taken = self._cut(bytes_max)
        if not self._waiting and self._error is None:
            self._arrived.clear()
        self._taken.set()
        return taken

    def _cut(self, bytes_max: int) -> list[ingest_pb2.ReadEventsResponse]:
        count = size = 0
        while count < len(self._waiting) and (count == 0 or size + self._waiting[count][1] <= bytes_max):
            size += self._waiting[count][1]
            count += 1
        taken = [response for response, _ in self._waiting[:count]]
        del self._waiting[:count]
        self._bytes -= size
        return taken
