"""The command line of a service process: `serve` or `migrate`."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import configure_logs

Settings = TypeVar("Settings", bound=RuntimeSettings)
Work = Callable[[Settings], Awaitable[None]]


def run_command(
    name: str, about: str, settings: type[Settings], serve: Work[Settings], migrate: Work[Settings]
) -> None:
    commands = {"serve": serve, "migrate": migrate}
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}", description=about)
    parser.add_argument("command", choices=sorted(commands))
    command = parser.parse_args().command
    known = settings.from_environment()
    configure_logs(known.service_name, known.log_level)
    asyncio.run(_run(commands[command], known))


async def _run(work: Work[Settings], settings: Settings) -> None:
    await work(settings)
