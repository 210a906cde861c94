"""The command line of a service process: `serve` or `migrate`."""

from __future__ import annotations

import argparse
import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from pydantic import ValidationError

from services.runtime.database import STORE_ERRORS
from services.runtime.migrations import MigrationError
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import configure_logs

Settings = TypeVar("Settings", bound=RuntimeSettings)
Work = Callable[[Settings], Awaitable[None]]

log = structlog.get_logger(__name__)


def run_command(
    name: str, about: str, settings: type[Settings], serve: Work[Settings], migrate: Work[Settings]
) -> None:
    """Ends with exit code 1 and one line that says why where the work cannot be begun."""
    commands = {"serve": serve, "migrate": migrate}
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}", description=about)
    parser.add_argument("command", choices=sorted(commands))
    command = parser.parse_args().command
    try:
        known = settings.from_environment()
    except ValidationError as error:
        raise SystemExit(f"{parser.prog}: {unfit_settings(settings, error)}") from None
    configure_logs(known.service_name, known.log_level)
    # Code lives as long as the process does: to look through it for garbage would hold all calls up for 50 ms.
    gc.freeze()
    try:
        asyncio.run(_run(commands[command], known))
    except (MigrationError, *STORE_ERRORS) as error:
        log.critical(f"cannot {command}", reason=str(error) or type(error).__name__)
        raise SystemExit(1) from None


async def _run(work: Work[Settings], settings: Settings) -> None:
    await work(settings)


def unfit_settings(settings: type[RuntimeSettings], error: ValidationError) -> str:
    """Each setting at fault by the name of its variable; values are left out, since some are secrets."""
    prefix = settings.model_config.get("env_prefix", "")
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{prefix}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in faults)
