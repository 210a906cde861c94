"""Postgres as a service sees it: a pool of its role's connections, transactions of one tenant, wake-ups."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog

from services.runtime.metrics import runtime_metrics

APPLICATION_SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
}
CONNECT_S_MAX = 10.0
ACQUIRE_S_MAX = 10.0
# Longer than the server's own statement timeout: it is for the case that the server cannot be heard at all.
COMMAND_S_MAX = 75.0
HEALTH_S_MAX = 2.0
LISTENER_CHECK_S = 10.0
PAUSE_S_MAX = 5.0

# Whatever a call of a store may raise.
STORE_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# The sort that passes: the network, a server that starts, stops or is full, a conflict with other transactions.
# Everything else Postgres refuses for good: a defect, which trying again does not cure.
UNAVAILABLE_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresSystemError,
    # While passwords are rotated, and while a standby is promoted.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # What the driver says of a connection that was killed in the middle of an answer.
    asyncpg.InternalClientError,
)

log = structlog.get_logger(__name__)


def is_unavailable(error: BaseException) -> bool:
    """Whether it is worth waiting and trying again; of a store's other errors it is not."""
    if isinstance(error, asyncpg.InterfaceError):
        # The driver has one class for a connection that is gone and for a call that was wrong.
        return "clos" in str(error)
    return isinstance(error, UNAVAILABLE_ERRORS)


async def open_pool(
    dsn: str,
    *,
    role_settings: Mapping[str, str] | None = None,
    application_name: str = "andon",
    min_size: int = 2,
    max_size: int = 10,
    statement_cache_size: int = 256,
) -> asyncpg.Pool:
    """`role_settings` are Postgres settings of every connection, such as {"search_path": "ingest"}."""
    settings = {**APPLICATION_SETTINGS, "application_name": application_name, **(role_settings or {})}
    return await asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max(max_size, min_size),
        server_settings=settings,
        timeout=CONNECT_S_MAX,
        statement_cache_size=statement_cache_size,
        command_timeout=COMMAND_S_MAX,
        # A new connection costs a caller milliseconds, and nothing here ages.
        max_queries=sys.maxsize,
        reset=_leave_as_it_is,
    )


async def _leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """A transaction leaves nothing behind in its session, so that asking Postgres to reset it is a wasted round trip.

    What a cancelled caller left open, the pool rolls back all the same.
    """


@asynccontextmanager
async def acquire(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A pooled connection; the wait for it is measured."""
    asked = time.perf_counter()
    # The pool's own limit would make a task for each wait.
    async with asyncio.timeout(ACQUIRE_S_MAX):
        connection = await pool.acquire()
    try:
        runtime_metrics.record("db.client.connection.wait_time", time.perf_counter() - asked)
        yield connection
    finally:
        await pool.release(connection)


@asynccontextmanager
async def tenant_transaction(
    pool: asyncpg.Pool, tenant: str, *, isolation: str | None = None, readonly: bool = False, first: str = ""
) -> AsyncIterator[asyncpg.Connection]:
    """A transaction that sees and writes the rows of one tenant and of no other.

    first: a statement without parameters that goes with the opening, such as a lock; what it answers is not read.
    """
    async with (
        acquire(pool) as connection,
        as_tenant(connection, tenant, isolation=isolation, readonly=readonly, first=first),
    ):
        yield connection


@asynccontextmanager
async def as_tenant(
    connection: asyncpg.Connection,
    tenant: str,
    *,
    isolation: str | None = None,
    readonly: bool = False,
    first: str = "",
) -> AsyncIterator[None]:
    """The same on a given connection; it begins and becomes the tenant in one round trip.

    Raises InFailedSQLTransactionError where the body swallowed an error of Postgres: what it wrote is gone, and
    nobody may take it for stored.
    """
    if not tenant or "\0" in tenant:
        raise ValueError("a tenant transaction needs a tenant")
    level = f" ISOLATION LEVEL {isolation.replace('_', ' ')}" if isolation else ""
    quoted = tenant.replace("'", "''")
    # For the rest of this transaction only, so that a pooled connection never carries a tenant over.
    becoming = f"SELECT set_config('andon.tenant', '{quoted}', true)"
    opening = f"BEGIN{level}{' READ ONLY' if readonly else ''}; {becoming}; {first}"
    try:
        await connection.execute(opening)
        yield
    except BaseException:
        # Where the connection is lost the transaction is, too; what went wrong first is what the caller must hear.
        with suppress(*STORE_ERRORS):
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
        raise
    if await connection.execute("COMMIT") != "COMMIT":
        raise asyncpg.InFailedSQLTransactionError("the transaction had failed and was rolled back")


async def healthy(pool: asyncpg.Pool) -> bool:
    """Whether Postgres answers. A pool whose connections are all at work is busy, not ill."""
    if pool.get_size() == pool.get_max_size() and not pool.get_idle_size():
        return not pool.is_closing()
    try:
        async with asyncio.timeout(HEALTH_S_MAX), pool.acquire() as connection:
            return bool(await connection.fetchval("SELECT 1") == 1)
    except STORE_ERRORS:
        return False


async def close_pool(pool: asyncpg.Pool, timeout_s: float = 5.0) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await pool.close()
    except TimeoutError:
        pool.terminate()


class Listener:
    """Wake-ups from `NOTIFY channel` on a connection of its own. A hint only: each reconnection wakes once, too.

    async for payload in Listener(dsn, "ingest_segment"):
        signal.notify()

    `run` does just that for as long as the process runs.
    """

    def __init__(self, dsn: str, channel: str, check_s: float = LISTENER_CHECK_S) -> None:
        self._dsn = dsn
        self._channel = channel
        self._check_s = check_s

    async def __aiter__(self) -> AsyncIterator[str]:
        pause_s = 0.05
        while True:
            try:
                connection = await asyncpg.connect(self._dsn, timeout=CONNECT_S_MAX)
            except STORE_ERRORS:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, PAUSE_S_MAX)
                continue
            pause_s = 0.05
            try:
                async for payload in self._payloads(connection):
                    yield payload
            except STORE_ERRORS as error:
                log.warning("listener connection lost", channel=self._channel, error=type(error).__name__)
            finally:
                connection.terminate()

    async def run(self, wake: Callable[[str], None]) -> None:
        async for payload in self:
            wake(payload)

    async def _payloads(self, connection: asyncpg.Connection) -> AsyncIterator[str]:
        waiting: dict[str, None] = {}
        arrived = asyncio.Event()

        def note(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
            waiting[payload] = None
            arrived.set()

        connection.add_termination_listener(lambda _: arrived.set())
        await connection.add_listener(self._channel, note)
        # Whatever was announced while we were away is lost, so the first wake-up is ours.
        yield ""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check_s):
                    await arrived.wait()
            if not arrived.is_set() or connection.is_closed():
                await connection.fetchval("SELECT 1", timeout=HEALTH_S_MAX)
            arrived.clear()
            payloads = list(waiting)
            waiting.clear()
            for payload in payloads:
                yield payload
