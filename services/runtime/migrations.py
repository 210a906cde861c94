"""Schema migrations: numbered plain SQL with checksums, applied once, in order, by the schema's owner."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import asyncpg
import structlog

Stage = Literal["pre", "post"]

FILE_NAME = re.compile(r"^(?P<number>\d{4})_(?P<stage>pre|post)_[a-z0-9_]+\.sql$")
SCHEMA_NAME = re.compile(r"^[a-z][a-z0-9_]{0,50}$")
LOCK_KEY = 0x616E646F6E  # the bytes of "andon"
ROLE_ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS"
ROLE_ATTEMPTS_MAX = 20

log = structlog.get_logger(__name__)


class MigrationError(Exception):
    """A schema cannot be brought, or is not, where the code needs it."""


class EditedMigration(MigrationError):
    """A migration was changed after it had been applied."""


class MissingMigration(MigrationError):
    """The schema is older than the code; the message names the first migration missing."""


class BadMigrationFolder(MigrationError):
    """File names break the rule NNNN_pre|post_what_it_does.sql, or a number is used twice or left out."""


@dataclass(frozen=True)
class Migration:
    name: str
    stage: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(directory: Path) -> list[Migration]:
    migrations = []
    for expected, file in enumerate(sorted(directory.glob("*.sql")), start=1):
        match = FILE_NAME.match(file.name)
        if not match or int(match["number"]) != expected:
            raise BadMigrationFolder(f"{file.name}: expected {expected:04d}_pre_... or {expected:04d}_post_...")
        migrations.append(Migration(file.stem, match["stage"], file.read_text(encoding="utf-8")))
    return migrations


def missing(migrations: Sequence[Migration], applied: Mapping[str, str]) -> list[Migration]:
    """What is still to be applied. What is applied but not known here came with a newer release, which is fine."""
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise EditedMigration(f"{migration.name} was edited after it had been applied")
    return [migration for migration in migrations if migration.name not in applied]


async def migrate(
    dsn: str,
    *,
    schema: str,
    directory: Path,
    service_role: str | None = None,
    service_password: str | None = None,
    stage: Stage | None = None,
) -> list[str]:
    """Applies what is missing and returns the names; with `stage`, only the migrations before or after a rollout."""
    _check_schema_name(schema)
    migrations = read_migrations(directory)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.fetchval("SELECT pg_advisory_lock($1, hashtext($2))", LOCK_KEY & 0x7FFFFFFF, schema)
        await _ensure_schema(connection, schema)
        if service_role:
            await _ensure_role(connection, schema, service_role, service_password)
        chosen = [one for one in missing(migrations, await _applied(connection)) if stage in (None, one.stage)]
        for migration in chosen:
            async with connection.transaction():
                await connection.execute(migration.sql)
                record = "INSERT INTO migration (name, checksum) VALUES ($1, $2)"
                await connection.execute(record, migration.name, migration.checksum)
            log.info("migration applied", schema=schema, migration=migration.name)
        return [migration.name for migration in chosen]
    finally:
        await connection.close()


async def pending(dsn: str, *, schema: str, directory: Path) -> list[str]:
    """Names of the migrations that the schema lacks; the service's own role may ask."""
    _check_schema_name(schema)
    connection = await asyncpg.connect(dsn)
    try:
        if not await connection.fetchval("SELECT to_regclass($1)", f"{schema}.migration"):
            return [migration.name for migration in read_migrations(directory)]
        await connection.fetchval("SELECT set_config('search_path', $1, false)", schema)
        return [one.name for one in missing(read_migrations(directory), await _applied(connection))]
    finally:
        await connection.close()


async def require_migrated(dsn: str, *, schema: str, directory: Path) -> None:
    """A service starts only on a schema that has every migration it was built with."""
    names = await pending(dsn, schema=schema, directory=directory)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise MissingMigration(f"schema {schema} lacks {names[0]}{more}: run migrate first")


def _check_schema_name(schema: str) -> None:
    if not SCHEMA_NAME.match(schema):
        raise MigrationError(f"{schema!r} is not a schema name")


async def _formatted(connection: asyncpg.Connection, template: str, *names: str) -> str:
    """Identifiers cannot be parameters, so Postgres itself quotes them: %I an identifier, %L a literal."""
    return str(await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", template, list(names)))


async def _ensure_schema(connection: asyncpg.Connection, schema: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema):
        await connection.execute(await _formatted(connection, "CREATE SCHEMA %I", schema))
    await connection.fetchval("SELECT set_config('search_path', $1, false)", schema)
    await connection.execute(
        """
        CREATE TABLE IF NOT EXISTS migration (
            name text PRIMARY KEY,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )


async def _applied(connection: asyncpg.Connection) -> dict[str, str]:
    rows = await connection.fetch("SELECT name, checksum FROM migration")
    return {row["name"]: row["checksum"] for row in rows}


async def _ensure_role(connection: asyncpg.Connection, schema: str, role: str, password: str | None) -> None:
    """A login role that owns nothing, so that row-level security binds it."""
    for attempt in range(ROLE_ATTEMPTS_MAX):
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(await _formatted(connection, f"CREATE ROLE %I {ROLE_ATTRIBUTES}", role))
            if password is not None:
                await connection.execute(await _formatted(connection, "ALTER ROLE %I PASSWORD %L", role, password))
            await _grant(connection, schema, role)
            return
        except (asyncpg.InternalServerError, asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):
            # Roles are shared by all databases of a cluster: another migration touched this one at the same moment.
            await asyncio.sleep(0.02 * (attempt + 1))
    raise MigrationError(f"role {role} could not be prepared")


async def _grant(connection: asyncpg.Connection, schema: str, role: str) -> None:
    database = str(await connection.fetchval("SELECT current_database()"))
    for template, names in (
        ("GRANT USAGE ON SCHEMA %I TO %I", (schema, role)),
        ("GRANT SELECT ON migration TO %I", (role,)),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I",
            (schema, role),
        ),
        ("ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE ON SEQUENCES TO %I", (schema, role)),
        ("ALTER ROLE %I IN DATABASE %I SET search_path TO %I", (role, database, schema)),
    ):
        await connection.execute(await _formatted(connection, template, *names))
