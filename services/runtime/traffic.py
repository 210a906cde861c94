"""What a process is serving now, over gRPC and HTTP together, and the limit of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.runtime.errors import ResourceExhausted
from services.runtime.metrics import runtime_metrics


@dataclass(eq=False)
class Stream:
    """A response stream being served; `dismissed` distinguishes a drain's cancellation from the client's."""

    task: asyncio.Task[object]
    dismissed: bool = False


class ReaderStalled(Exception):
    """The client took nothing for too long."""


async def hand_over(sending: Awaitable[object], stall_s: float) -> None:
    """Waits for what a reader has to take. Raises ReaderStalled."""
    limit = asyncio.timeout(stall_s)
    try:
        async with limit:
            await sending
    except TimeoutError as error:
        if not limit.expired():
            raise
        runtime_metrics.add("andon.runtime.streams.stalled")
        raise ReaderStalled from error


@dataclass
class Traffic:
    calls_in_flight_max: int
    calls: int = 0
    streams: set[Stream] = field(default_factory=set)

    def admit(self) -> None:
        """Raises ResourceExhausted where one call more would be too many."""
        if self.calls >= self.calls_in_flight_max:
            raise ResourceExhausted("OVERLOADED", "too many calls are being served")

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around a call that was admitted."""
        self.calls += 1
        try:
            yield
        finally:
            self.calls -= 1

    @contextmanager
    def stream(self) -> Iterator[Stream]:
        """Around the part of a call, within its task, that streams."""
        task = asyncio.current_task()
        assert task is not None
        stream = Stream(task)
        self.streams.add(stream)
        runtime_metrics.set("andon.runtime.streams.active", len(self.streams))
        try:
            yield stream
        finally:
            self.streams.discard(stream)
            runtime_metrics.set("andon.runtime.streams.active", len(self.streams))

    def dismiss_streams(self) -> None:
        for stream in self.streams:
            stream.dismissed = True
            stream.task.cancel()
