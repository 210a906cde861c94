"""Threads for the work on large batches, so that the event loop stays free for small ones."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

ResultT = TypeVar("ResultT")

# What so many rows need is done sooner, mostly within two milliseconds, than a thread is woken and heard of.
AT_ONCE_ROWS_MAX = 5_000
# From so many on, each step is a turn of the event loop.
_TURN_ROWS_MIN = 500
# A thread that computes keeps the interpreter for so long when the event loop asks for it.
_SWITCH_S = 0.0005
# Most of the work holds the interpreter for moments only; more threads would stand in each other's way.
_POOL = ThreadPoolExecutor(2, thread_name_prefix="ingest")


def share_interpreter() -> None:
    """Of this process, once."""
    sys.setswitchinterval(_SWITCH_S)


async def computed(rows: int, act: Callable[[], ResultT]) -> ResultT:
    """What `act` returns: at once if it takes as long as an admission of few rows does, out of a thread otherwise."""
    if rows <= AT_ONCE_ROWS_MAX:
        result = act()
        if rows >= _TURN_ROWS_MIN:
            # Other calls have a turn before what comes next.
            await asyncio.sleep(0)
        return result
    return await asyncio.get_running_loop().run_in_executor(_POOL, act)
