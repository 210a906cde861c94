"""Who waits for a change, and how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.runtime.errors import Unavailable

WAIT_S_MAX = 30.0
# Enough to answer before the caller's deadline does: a share of what is left, but not more than needed.
ANSWER_SHARE, ANSWER_S_MAX = 0.3, 2.0
REACH_POLL_S = 0.5


class Notifier:
    """Says that something changed, to those who took a generation before they looked."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = asyncio.Event()

    def generation(self) -> int:
        return self._count

    def notify(self) -> None:
        self._count += 1
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    async def changed(self, generation: int, timeout_s: float) -> bool:
        """True as soon as there was a `notify` after the generation; False when patience ran out first."""
        if self._count != generation:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True


async def reach(has_reached: Callable[[], Awaitable[bool]], changed: Notifier, remaining_s: float | None) -> None:
    """Waits for it; a retryable error shortly before the caller's deadline, or after 30 s where there is none."""
    due_s = _now_s() + (WAIT_S_MAX if remaining_s is None else remaining_s)
    if remaining_s is not None:
        due_s -= min(ANSWER_SHARE * remaining_s, ANSWER_S_MAX)
    while True:
        generation = changed.generation()
        if await has_reached():
            return
        if _now_s() >= due_s:
            raise Unavailable("NOT_YET_REACHED", "what comes before at_least is not followed yet", retry_after_s=0.2)
        await changed.changed(generation, max(0.0, min(REACH_POLL_S, due_s - _now_s())))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
