"""Child processes: started, watched, started again when they die, stopped in order."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

PAUSE_S_MIN, PAUSE_S_MAX = 0.1, 5.0
# A child that lived this long was well, and is started again at once.
WELL_AFTER_S = 10.0
_PR_SET_PDEATHSIG = 1

log = structlog.get_logger(__name__)


class ChildFailed(RuntimeError):
    """A child ended before it was ready, or a one-off command failed; the last lines of its log say why."""


@dataclass(frozen=True)
class Command:
    """`module arguments` under an environment, its output appended to `log_file`."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log_file: Path


class Child:
    """Call `start`, keep `watch` running, call `stop`."""

    def __init__(self, command: Command, grace_s: float = 25.0) -> None:
        self.command = command
        self.restarts = 0
        self._grace_s = grace_s
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        self._process = await _spawn(self.command)

    async def watch(self) -> None:
        """Starts the child again whenever it ends; returns after `stop`."""
        pause_s, clock = PAUSE_S_MIN, asyncio.get_running_loop().time
        while not self._stopping and self._process is not None:
            begun = clock()
            status = await self._process.wait()
            if self._stopping:
                return
            log.warning("child exited, restarting", child=self.command.name, status=status)
            pause_s = PAUSE_S_MIN if clock() - begun > WELL_AFTER_S else min(pause_s * 2, PAUSE_S_MAX)
            await asyncio.sleep(pause_s)
            if not self._stopping:
                self.restarts += 1
                self._process = await _spawn(self.command)

    async def stop(self) -> None:
        self._stopping = True
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), self._grace_s)
        except TimeoutError:
            log.warning("child drain timed out", child=self.command.name)
            self._process.kill()
            await self._process.wait()

    def failure(self) -> ChildFailed | None:
        """What to say if the child has ended."""
        if self._process is None or self._process.returncode is None:
            return None
        return ChildFailed(f"{self.command.name} ended with {self._process.returncode}:\n{_last_lines(self.command)}")


async def run_once(command: Command) -> None:
    """Runs a command to its end; raises ChildFailed where it does not end with 0."""
    process = await _spawn(command)
    try:
        status = await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if status != 0:
        raise ChildFailed(f"{command.name} failed:\n{_last_lines(command)}")


async def _spawn(command: Command) -> asyncio.subprocess.Process:
    with command.log_file.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            command.module,
            *command.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(command.environment),
            # Ctrl-C goes to this process alone, which then stops its children in order.
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )


def _die_with_parent() -> None:
    # A killed supervisor must not leave children behind that hold its ports.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _last_lines(command: Command, count: int = 12) -> str:
    lines = command.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-count:])
