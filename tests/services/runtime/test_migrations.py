"""Migrations are applied once, in order, and never change afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from services.runtime.migrations import (
    BadMigrationFolder,
    EditedMigration,
    MigrationError,
    MissingMigration,
    migrate,
    pending,
    require_migrated,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_pre_create_a.sql").write_text("CREATE TABLE a (i integer NOT NULL);")
    (tmp_path / "0002_post_fill_a.sql").write_text("INSERT INTO a VALUES (1);")
    return tmp_path


async def test_each_migration_is_applied_once(database: str, folder: Path) -> None:
    assert await migrate(database, schema="s", directory=folder) == ["0001_pre_create_a", "0002_post_fill_a"]
    assert await migrate(database, schema="s", directory=folder) == []
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT count(*) FROM s.a") == 1
    await connection.close()


async def test_two_runners_at_once_apply_each_migration_once(database: str, folder: Path) -> None:
    done = await asyncio.gather(*(migrate(database, schema="s", directory=folder) for _ in range(4)))
    assert sorted(len(names) for names in done) == [0, 0, 0, 2]


async def test_a_migration_that_fails_leaves_no_trace(database: str, folder: Path) -> None:
    (folder / "0003_pre_break.sql").write_text("CREATE TABLE b (i integer); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database, schema="s", directory=folder)
    assert await pending(database, schema="s", directory=folder) == ["0003_pre_break"]
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT to_regclass('s.b')") is None
    await connection.close()


async def test_an_edited_migration_is_refused(database: str, folder: Path) -> None:
    await migrate(database, schema="s", directory=folder)
    (folder / "0001_pre_create_a.sql").write_text("CREATE TABLE a (i bigint);")
    with pytest.raises(EditedMigration, match="0001_pre_create_a"):
        await migrate(database, schema="s", directory=folder)


async def test_a_service_is_told_which_migration_is_missing(database: str, folder: Path) -> None:
    with pytest.raises(MissingMigration, match="0001_pre_create_a and 1 more"):
        await require_migrated(database, schema="s", directory=folder)
    await migrate(database, schema="s", directory=folder, stage="pre")
    with pytest.raises(MissingMigration, match="0002_post_fill_a:"):
        await require_migrated(database, schema="s", directory=folder)
    await migrate(database, schema="s", directory=folder)
    await require_migrated(database, schema="s", directory=folder)


async def test_a_schema_from_a_newer_release_is_accepted(database: str, folder: Path) -> None:
    await migrate(database, schema="s", directory=folder)
    (folder / "0002_post_fill_a.sql").unlink()
    assert await pending(database, schema="s", directory=folder) == []


async def test_the_service_role_owns_nothing_and_cannot_evade_row_security(database: str, folder: Path) -> None:
    await migrate(database, schema="s", directory=folder, service_role="s_test", service_password="p")
    connection = await asyncpg.connect(database)
    role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = 's_test'")
    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb")
    assert [role[power] for power in powers] == [False] * 4
    owners = await connection.fetch("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 's'")
    assert [row["tableowner"] for row in owners] == ["andon"]
    await connection.close()


async def test_the_service_role_may_ask_what_is_pending_but_not_forge_it(database: str, folder: Path) -> None:
    await migrate(database, schema="s", directory=folder, service_role="s_test2", service_password="p")
    dsn = f"postgresql://s_test2:p@{database.rpartition('@')[2]}"
    assert await pending(dsn, schema="s", directory=folder) == []
    connection = await asyncpg.connect(dsn)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM migration")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("CREATE TABLE mine (i integer)")
    await connection.close()


@pytest.mark.parametrize("name", ["0001_create.sql", "1_pre_x.sql", "0002_pre_x.sql", "0001_pre_X.sql"])
async def test_file_names_follow_the_rule(database: str, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(BadMigrationFolder):
        await migrate(database, schema="s", directory=tmp_path)


async def test_a_schema_name_that_needs_quoting_is_refused(database: str, folder: Path) -> None:
    with pytest.raises(MigrationError):
        await migrate(database, schema='x"; DROP', directory=folder)
