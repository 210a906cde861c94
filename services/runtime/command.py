"""The command line of a service process: `serve` or `migrate`."""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from services.runtime.database import STORE_ERRORS
from services.runtime.migrations import MigrationError
from services.runtime.settings import ProcessSettings, StoreSettings
from services.runtime.telemetry import configure_logs

Settings = TypeVar("Settings", bound=ProcessSettings)
Work = Callable[[Settings], Coroutine[Any, Any, None]]

log = structlog.get_logger(__name__)


def run_command(
    name: str,
    about: str,
    settings: type[Settings],
    serve: Work[Settings],
    migrate: Work[StoreSettings] | None = None,
) -> None:
    """Ends with exit code 1 and one line that says why where the work cannot be begun. Without a store: no `migrate`.

    Migrating reads the settings of the store alone, so that nothing else has to be given.
    """
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}", description=about)
    parser.add_argument("command", choices=["serve"] if migrate is None else ["migrate", "serve"])
    command = parser.parse_args().command
    prefix = settings.model_config.get("env_prefix", "")
    try:
        if command == "migrate" and migrate is not None:
            of_store = StoreSettings.from_environment(prefix)
            known: ProcessSettings = of_store
            work = functools.partial(migrate, of_store)
        else:
            of_service = settings.from_environment()
            known, work = of_service, functools.partial(serve, of_service)
    except ValidationError as error:
        raise SystemExit(f"{parser.prog}: {unfit_settings(prefix, error)}") from None
    configure_logs(known.service_name, known.log_level)
    # Code lives as long as the process does: to look through it for garbage would hold all calls up for 50 ms.
    gc.freeze()
    try:
        asyncio.run(work())
    except (MigrationError, *STORE_ERRORS) as error:
        log.critical(f"cannot {command}", reason=str(error) or type(error).__name__)
        raise SystemExit(1) from None


def unfit_settings(prefix: str, error: ValidationError) -> str:
    """Each setting at fault by the name of its variable; values are left out, since some are secrets."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{prefix}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in faults)
