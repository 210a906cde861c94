"""The pool, tenant transactions, named statements and wake-ups, against a real Postgres."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.runtime.database import Listener, healthy, open_pool, tenant_transaction
from services.runtime.migrations import migrate
from services.runtime.queries import BadQueryFile, load_queries

PATIENCE_S = 60
POLICY = """
CREATE TABLE note (tenant text NOT NULL, body text NOT NULL);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
ALTER TABLE note FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON note USING (tenant = current_setting('andon.tenant', true) AND tenant <> '');
"""


@pytest.fixture
async def service_dsn(database: str, tmp_path: Path) -> str:
    (tmp_path / "0001_pre_create_note.sql").write_text(POLICY)
    await migrate(database, schema="notes", directory=tmp_path, service_role="notes_test", service_password="secret")
    host = database.rpartition("@")[2]
    return f"postgresql://notes_test:secret@{host}"


async def test_a_tenant_sees_its_own_rows_and_no_others(service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=1, max_size=1)
    for tenant in ("acme", "umbrella"):
        async with tenant_transaction(pool, tenant) as connection:
            await connection.execute("INSERT INTO note VALUES ($1, $2)", tenant, f"of {tenant}")
    async with tenant_transaction(pool, "acme") as connection:
        assert [row["body"] for row in await connection.fetch("SELECT body FROM note")] == ["of acme"]
    await pool.close()


async def test_a_row_cannot_be_written_for_another_tenant(service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=1, max_size=1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_transaction(pool, "acme") as connection:
            await connection.execute("INSERT INTO note VALUES ('umbrella', 'forged')")
    await pool.close()


async def test_a_connection_does_not_keep_the_tenant_of_its_last_transaction(service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=1, max_size=1)
    async with tenant_transaction(pool, "acme") as connection:
        await connection.execute("INSERT INTO note VALUES ('acme', 'mine')")
    async with pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM note") == 0
    await pool.close()


async def test_a_transaction_without_a_tenant_is_refused(service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=1, max_size=1)
    with pytest.raises(ValueError, match="needs a tenant"):
        async with tenant_transaction(pool, ""):
            pass
    await pool.close()


async def test_a_tenant_is_a_value_and_never_a_piece_of_sql(service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=1, max_size=1)
    name = "o'clock'; DROP TABLE note; --\\"
    async with tenant_transaction(pool, name) as connection:
        await connection.execute("INSERT INTO note VALUES ($1, 'mine')", name)
        assert await connection.fetchval("SELECT current_setting('andon.tenant')") == name
    await pool.close()


async def test_a_swallowed_error_is_not_taken_for_a_commit(service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=1, max_size=1)

    async def careless() -> None:
        async with tenant_transaction(pool, "acme") as connection:
            await connection.execute("INSERT INTO note VALUES ('acme', 'lost')")
            with suppress(asyncpg.DivisionByZeroError):
                await connection.execute("SELECT 1 / 0")

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await careless()
    async with tenant_transaction(pool, "acme", isolation="repeatable_read", readonly=True) as connection:
        assert await connection.fetchval("SELECT count(*) FROM note") == 0
    await pool.close()


async def it_sleeps(database: str) -> None:
    """A request to cancel a statement that has not begun is lost, so it is made of one that has."""
    connection = await asyncpg.connect(database)
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    async with asyncio.timeout(PATIENCE_S):
        while not await connection.fetchval(sleeping):
            await asyncio.sleep(0.02)
    await connection.close()


async def test_a_cancelled_transaction_leaves_the_pool_whole(database: str, service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=1, max_size=1)

    async def slow() -> None:
        async with tenant_transaction(pool, "acme") as connection:
            await connection.execute("INSERT INTO note VALUES ('acme', 'half')")
            await connection.execute("SELECT pg_sleep(600)")

    task = asyncio.create_task(slow())
    await it_sleeps(database)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with tenant_transaction(pool, "acme") as connection:
        assert await connection.fetchval("SELECT count(*) FROM note") == 0
    assert await healthy(pool)
    await pool.close()


async def test_a_listener_wakes_once_at_first_and_then_for_every_notification(database: str) -> None:
    wakes = aiter(Listener(database, "changes"))
    assert await asyncio.wait_for(anext(wakes), PATIENCE_S) == ""
    connection = await asyncpg.connect(database)
    await connection.execute("NOTIFY changes, 'p1'")
    assert await asyncio.wait_for(anext(wakes), PATIENCE_S) == "p1"
    await connection.close()


async def test_a_listener_comes_back_after_its_connection_was_ended(database: str) -> None:
    wakes = aiter(Listener(database, "changes"))
    await asyncio.wait_for(anext(wakes), PATIENCE_S)
    connection = await asyncpg.connect(database)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    )
    assert await asyncio.wait_for(anext(wakes), PATIENCE_S) == ""
    await connection.execute("NOTIFY changes, 'after'")
    assert await asyncio.wait_for(anext(wakes), PATIENCE_S) == "after"
    await connection.close()


async def test_a_busy_pool_is_healthy(service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=1, max_size=1)
    async with pool.acquire():
        assert await healthy(pool)
    await pool.close()


async def test_a_template_is_prepared_once_and_copied_as_often_as_needed(databases: Any) -> None:
    prepared: list[str] = []

    async def prepare(dsn: str) -> None:
        prepared.append(dsn)
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE filled AS SELECT 7 AS seven")
        await connection.close()

    name = f"template test {uuid.uuid4()}"
    for _ in range(2):
        dsn = await databases.create(await databases.template(name, prepare))
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT seven FROM filled") == 7
        await connection.close()
    assert len(prepared) == 1


async def test_a_database_that_cannot_be_reached_is_not_healthy(service_dsn: str) -> None:
    pool = await open_pool(service_dsn, min_size=0, max_size=1)
    pool.terminate()
    assert not await healthy(pool)


def test_statements_are_read_by_name_with_their_purpose() -> None:
    queries = load_queries("-- name: one\n-- The first.\nSELECT 1;\n\n-- name: two\n-- The second.\nSELECT\n  2;\n")
    assert queries.one == "SELECT 1"
    assert queries.two == "SELECT\n  2"
    assert queries.purpose == {"one": "The first.", "two": "The second."}
    assert list(queries) == ["one", "two"]


@pytest.mark.parametrize(
    "text",
    [
        "-- name: one\nSELECT 1",
        "-- name: one\n-- Said.\n",
        "-- name: one\n-- A.\nSELECT 1;\n-- name: one\n-- B.\nSELECT 2",
        "-- name: Two-Words\n-- A.\nSELECT 1",
    ],
    ids=["no purpose", "no statement", "named twice", "bad name"],
)
def test_a_file_that_breaks_the_rules_is_refused(text: str) -> None:
    with pytest.raises(BadQueryFile):
        load_queries(text)


def test_a_statement_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="absent"):
        _ = load_queries("").absent
