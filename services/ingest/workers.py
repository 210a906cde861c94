"""Threads for the work on large batches, so that the event loop stays free for small ones."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

ResultT = TypeVar("ResultT")

# Fewer rows are done sooner than a thread is woken.
LARGE_ROWS_MIN = 1_000
# Most of the work holds the interpreter for moments only; more threads would stand in each other's way.
_POOL = ThreadPoolExecutor(2, thread_name_prefix="ingest")


async def computed(rows: int, act: Callable[[], ResultT]) -> ResultT:
    """What `act` returns: at once for few rows, out of a thread for many."""
    if rows < LARGE_ROWS_MIN:
        return act()
    return await asyncio.get_running_loop().run_in_executor(_POOL, act)
