"""Work on what was sent: what is large is done out of a thread, so that others are answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

# What is read sooner than a thread is woken and heard of.
AT_ONCE_BYTES_MAX = 32 * 1024

ResultT = TypeVar("ResultT")


async def aside(size: int, act: Callable[..., ResultT], *given: Any) -> ResultT:
    """What `act` returns. `size`: bytes that it reads or makes."""
    if size <= AT_ONCE_BYTES_MAX:
        return act(*given)
    return await asyncio.to_thread(act, *given)
