"""What a defect stopped, and when it is tried again: the later the more often it failed, up to a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

RETRY_S_MIN, RETRY_S_MAX = 1.0, 60.0
DOUBLINGS_MAX = 16

Key = TypeVar("Key", bound=Hashable)


class Setbacks(Generic[Key]):
    def __init__(self, retry_s_max: float = RETRY_S_MAX) -> None:
        self._retry_s_max = retry_s_max
        self._counts: dict[Key, int] = {}
        self._due_s: dict[Key, float] = {}

    def waits(self, key: Key) -> bool:
        """Whether it is too early to try again."""
        return self._due_s.get(key, 0.0) > asyncio.get_running_loop().time()

    def add(self, key: Key) -> float:
        """It failed; the time in seconds until it may be tried again."""
        doublings = min(self._counts.get(key, 0), DOUBLINGS_MAX)
        self._counts[key] = doublings + 1
        pause_s = min(RETRY_S_MIN * 2.0**doublings, self._retry_s_max)
        self._due_s[key] = asyncio.get_running_loop().time() + pause_s
        return pause_s

    def clear(self, key: Key) -> None:
        self._counts.pop(key, None)
        self._due_s.pop(key, None)
