"""Children are kept alive, and say why they cannot be."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from services.machine.children import Child, ChildFailed, Command, run_once


def command(folder: Path, module: str, *arguments: str) -> Command:
    return Command("child", module, arguments, dict(os.environ), folder / "child.log")


async def test_a_killed_child_is_started_again_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    child = Child(command(tmp_path, "http.server", "0", "--bind", "127.0.0.1"), grace_s=5.0)
    await child.start()
    watching = asyncio.create_task(child.watch())
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(120):
        while child.pid in (None, first):
            await asyncio.sleep(0.02)
    assert child.restarts == 1
    await child.stop()
    await asyncio.wait_for(watching, 60.0)
    assert child.pid is None


async def test_a_command_that_fails_tells_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="No module named no_such_module"):
        await run_once(command(tmp_path, "no_such_module"))


async def test_a_child_that_ended_says_so(tmp_path: Path) -> None:
    child = Child(command(tmp_path, "no_such_module"))
    assert child.failure() is None
    await child.start()
    async with asyncio.timeout(120):
        while child.failure() is None:
            await asyncio.sleep(0.02)
    assert "no_such_module" in str(child.failure())
