"""Every statement prepares on the migrated schema, and every table of tenants is closed to other tenants."""

from __future__ import annotations

import asyncpg
import pytest

from deploy.declared import suite
from services.runtime.migrations import migrate, pending
from services.runtime.queries import load_queries


@pytest.fixture
def sql(root, service):
    if not suite()[service].has_store:
        pytest.skip(f"{service} has no store")
    return root / "services" / service / "sql"


@pytest.fixture
async def database(databases, service, sql):
    migrations = sql / "migrations"
    template = await databases.template(
        f"schema of {service}", lambda dsn: migrate(dsn, schema=service, directory=migrations)
    )
    return await databases.create(template)


@pytest.fixture
async def connection(database, service):
    connection = await asyncpg.connect(database, server_settings={"search_path": service})
    yield connection
    await connection.close()


def _named(path):
    queries = load_queries(path)
    assert len(queries) > 0
    return [(name, queries.statements[name]) for name in queries]


async def test_every_named_statement_prepares_on_the_migrated_schema(connection, sql):
    broken = {}
    for name, statement in _named(sql / "queries.sql"):
        try:
            await connection.prepare(statement)
        except asyncpg.PostgresError as error:
            broken[name] = str(error)
    assert broken == {}


async def test_the_statements_of_ownership_prepare_where_a_service_shares_work(connection, root, sql):
    migrations = "".join(path.read_text(encoding="utf-8") for path in (sql / "migrations").glob("*.sql"))
    if "CREATE TABLE lease" not in migrations:
        pytest.skip("this service shares no work by leases")
    for _, statement in _named(root / "services" / "runtime" / "sql" / "ownership_queries.sql"):
        await connection.prepare(statement)


async def test_migrating_again_changes_nothing(connection, database, service, sql):
    assert await pending(database, schema=service, directory=sql / "migrations") == []
    assert await migrate(database, schema=service, directory=sql / "migrations") == []


TABLES_OF_TENANTS = """
    SELECT class.oid, class.relname AS name, class.relrowsecurity AS enabled, class.relforcerowsecurity AS forced
    FROM pg_class AS class
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attname = 'tenant'
    WHERE class.relnamespace = $1::text::regnamespace AND class.relkind IN ('r', 'p') AND NOT attribute.attisdropped
"""
POLICIES = "SELECT pg_get_expr(polqual, polrelid) AS rule FROM pg_policy WHERE polrelid = $1"


async def test_every_table_with_a_tenant_has_row_level_security_forced_by_a_policy_on_the_tenant(connection, service):
    tables = await connection.fetch(TABLES_OF_TENANTS, service)
    assert tables, "a service without a table of tenants has nothing to keep"
    for table in tables:
        rules = [row["rule"] for row in await connection.fetch(POLICIES, table["oid"])]
        assert table["enabled"], f"{table['name']}: row-level security is not enabled"
        assert table["forced"], f"{table['name']}: row-level security is not forced on the owner"
        assert any("andon.tenant" in rule and "tenant =" in rule for rule in rules), f"{table['name']}: {rules}"


TABLES_WITHOUT_TENANT = """
    SELECT class.relname FROM pg_class AS class
    WHERE class.relnamespace = $1::text::regnamespace AND class.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = class.oid AND attname = 'tenant')
"""


async def test_only_what_belongs_to_no_tenant_has_no_tenant_column(connection, service):
    names = {row["relname"] for row in await connection.fetch(TABLES_WITHOUT_TENANT, service)}
    assert names <= {"migration", "replica"}


async def test_one_tenant_sees_nothing_of_another_even_when_a_statement_forgets_to_ask(databases, service, sql):
    owner = await databases.create()
    role, password = f"andon_house_{service}", "house"
    await migrate(owner, schema=service, directory=sql / "migrations", service_role=role, service_password=password)
    superuser = await asyncpg.connect(owner)
    try:
        attributes = await superuser.fetchrow("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = $1", role)
        owned = await superuser.fetchval("SELECT count(*) FROM pg_class WHERE relowner = $1::text::regrole", role)
    finally:
        await superuser.close()
    assert tuple(attributes) == (False, False)
    assert owned == 0
    await _check_head(owner, role, password, HEADS[service])


# How each service begins the log of a tenant, without a WHERE to lean on.
HEADS = {
    "ingest": ("head", "INSERT INTO head (tenant, next_offsets) VALUES ($1, ARRAY[0::bigint])"),
    "scoring": ("score_head", "INSERT INTO score_head (tenant) VALUES ($1)"),
    "improvement": ("head", "INSERT INTO head (tenant) VALUES ($1)"),
}


async def _check_head(owner, role, password, head):
    table, insert = head
    connection = await asyncpg.connect(owner, user=role, password=password)
    try:
        count = await connection.fetchval("SELECT format('SELECT count(*) FROM %I', $1::text)", table)
        await connection.fetchval("SELECT set_config('andon.tenant', 'acme', false)")
        await connection.execute(insert, "acme")
        assert await connection.fetchval(count) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(insert, "other")
        for stranger in ("other", ""):
            await connection.fetchval("SELECT set_config('andon.tenant', $1, false)", stranger)
            assert await connection.fetchval(count) == 0
    finally:
        await connection.close()
