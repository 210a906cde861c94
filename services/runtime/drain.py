"""The one word that a stopping process gives to its streams."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from services.runtime.errors import Unavailable


def draining_error() -> Unavailable:
    return Unavailable("DRAINING", "server is draining", retry_after_s=0.1)


class Wakeable(Protocol):
    def notify(self) -> None: ...


class Draining:
    """Set once, never unset. Streams await `wait()` or look at `started` between two responses."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._waiting: Counter[Wakeable] = Counter()

    @property
    def started(self) -> bool:
        return self._event.is_set()

    def start(self) -> None:
        self._event.set()
        for wakeable in list(self._waiting):
            wakeable.notify()

    @contextmanager
    def waking(self, wakeable: Wakeable) -> Iterator[None]:
        """While inside, the beginning of the drain notifies `wakeable`."""
        self._waiting[wakeable] += 1
        if self.started:
            wakeable.notify()
        try:
            yield
        finally:
            self._waiting[wakeable] -= 1
            if not self._waiting[wakeable]:
                del self._waiting[wakeable]

    async def wait(self) -> None:
        await self._event.wait()

    def check(self) -> None:
        if self.started:
            raise draining_error()
