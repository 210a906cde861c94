"""Transactions on the database of ingest: one tenant each, with its log and its registry."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

import asyncpg

from services.ingest.log.archive import SegmentArchive
from services.ingest.log.interface import Log
from services.ingest.log.records import LogHead
from services.ingest.model import TenantId
from services.ingest.store.archive_book import PostgresArchiveBook
from services.ingest.store.benchmarks import PostgresBenchmarks
from services.ingest.store.data_quality import PostgresQualityBook
from services.ingest.store.entities import PostgresEntities
from services.ingest.store.feeds import PostgresFeeds
from services.ingest.store.forms import PostgresForms
from services.ingest.store.id_archive import PostgresIdArchive
from services.ingest.store.persons import PostgresPersons
from services.ingest.store.postgres_log import PostgresLog, head_of
from services.ingest.store.quarantine import PostgresQuarantine
from services.ingest.store.registry import PostgresRegistry
from services.ingest.store.schema import queries
from services.ingest.store.sensors import PostgresSensors
from services.ingest.store.surveys import PostgresSurveys
from services.ingest.store.transfers import PostgresTransfers
from services.runtime.database import acquire, tenant_transaction


@dataclass(frozen=True)
class PostgresSession:
    """One transaction of one tenant."""

    log: Log
    registry: PostgresRegistry
    quarantine: PostgresQuarantine
    quality: PostgresQualityBook
    surveys: PostgresSurveys
    forms: PostgresForms
    entities: PostgresEntities
    feeds: PostgresFeeds
    benchmarks: PostgresBenchmarks
    sensors: PostgresSensors


@dataclass(frozen=True)
class PostgresLockedSession(PostgresSession):
    """A transaction in which nobody else can append: the log ends at `head` until it is over."""

    head: LogHead
    id_archive: PostgresIdArchive
    persons: PostgresPersons


class PostgresStore:
    """`archive`: where events are that have left the database; absent: none have."""

    def __init__(self, pool: asyncpg.Pool, archive: SegmentArchive | None = None) -> None:
        self._pool = pool
        self._archive = archive

    def log(self, tenant: TenantId) -> Log:
        """The tenant's log, a transaction for each call; an append takes one round trip."""

        def connect() -> AbstractAsyncContextManager[asyncpg.Connection]:
            return tenant_transaction(self._pool, tenant)

        return PostgresLog(tenant, connect, lambda: acquire(self._pool), self._archive)

    def id_archive(self, tenant: TenantId) -> PostgresIdArchive:
        return PostgresIdArchive(tenant, lambda: tenant_transaction(self._pool, tenant))

    def archive_book(self, tenant: TenantId) -> PostgresArchiveBook:
        return PostgresArchiveBook(tenant, lambda: tenant_transaction(self._pool, tenant))

    def transfers(self, tenant: TenantId) -> PostgresTransfers:
        return PostgresTransfers(tenant, lambda: tenant_transaction(self._pool, tenant))

    def persons(self, tenant: TenantId) -> PostgresPersons:
        return PostgresPersons(tenant, lambda: tenant_transaction(self._pool, tenant))

    @asynccontextmanager
    async def session(self, tenant: TenantId) -> AsyncIterator[PostgresSession]:
        """Reads one state of the log and of the registry over several calls."""
        async with tenant_transaction(self._pool, tenant, isolation="repeatable_read", readonly=True) as connection:
            yield PostgresSession(*_parts_on(connection, tenant, self._archive))

    @asynccontextmanager
    async def changing(self, tenant: TenantId) -> AsyncIterator[PostgresSession]:
        """A transaction that may change the registry, next to the writers of the log."""
        async with tenant_transaction(self._pool, tenant) as connection:
            yield PostgresSession(*_parts_on(connection, tenant, self._archive))

    @asynccontextmanager
    async def locked(self, tenant: TenantId) -> AsyncIterator[PostgresLockedSession]:
        """Waits for the other writers of this log, and makes later ones wait."""
        async with tenant_transaction(self._pool, tenant) as connection:
            head = head_of(await connection.fetchrow(queries.lock_head, tenant))
            id_archive = PostgresIdArchive(tenant, lambda: nullcontext(connection))
            persons = PostgresPersons(tenant, lambda: nullcontext(connection))
            yield PostgresLockedSession(*_parts_on(connection, tenant, self._archive), head, id_archive, persons)


def _parts_on(
    connection: asyncpg.Connection, tenant: TenantId, archive: SegmentArchive | None
) -> tuple[
    Log,
    PostgresRegistry,
    PostgresQuarantine,
    PostgresQualityBook,
    PostgresSurveys,
    PostgresForms,
    PostgresEntities,
    PostgresFeeds,
    PostgresBenchmarks,
    PostgresSensors,
]:
    log = PostgresLog(tenant, lambda: nullcontext(connection), lambda: nullcontext(connection), archive)
    return (
        log,
        PostgresRegistry(connection, tenant),
        PostgresQuarantine(connection, tenant),
        PostgresQualityBook(connection, tenant),
        PostgresSurveys(connection, tenant),
        PostgresForms(connection, tenant),
        PostgresEntities(connection, tenant),
        PostgresFeeds(connection, tenant),
        PostgresBenchmarks(connection, tenant),
        PostgresSensors(connection, tenant),
    )
