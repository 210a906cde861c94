"""The database schema of one service: migrated by its owner, used by the service's own role."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from services.runtime.database import open_pool
from services.runtime.migrations import migrate, require_migrated
from services.runtime.settings import StoreSettings


async def prepare_schema(settings: StoreSettings, schema: str, migrations: Path) -> None:
    """The owner of the schema migrates it and prepares the service's own role, which is named in its address."""
    own = urlsplit(settings.dsn)
    await migrate(
        settings.migration_dsn or settings.dsn,
        schema=schema,
        directory=migrations,
        service_role=unquote(own.username) if own.username else None,
        service_password=unquote(own.password) if own.password else None,
    )


async def open_schema(settings: StoreSettings, schema: str, migrations: Path) -> asyncpg.Pool:
    """A pool of the service's role. On a schema that lacks a migration it was built with, a service does not start."""
    await require_migrated(settings.dsn, schema=schema, directory=migrations)
    return await open_pool(
        settings.dsn,
        role_settings={"search_path": schema},
        application_name=settings.service_name,
        min_size=settings.pool_connections_min,
        max_size=settings.pool_connections_max,
    )
