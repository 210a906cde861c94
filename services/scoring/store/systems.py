"""Indicator systems and their versions, and the first answers to requests that changed them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from services.runtime.database import tenant_transaction
from services.runtime.requests import IdempotencyKey
from services.scoring.store.backtests import BacktestEditor
from services.scoring.store.clauses import ClauseEditor
from services.scoring.store.overviews import AnnotationRow
from services.scoring.store.statements import QUERIES
from services.scoring.store.verdicts import VerdictEditor
from services.scoring.system.version import SystemVersion


class SystemEditor:
    def __init__(self, connection: asyncpg.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant
        self.clauses = ClauseEditor(connection, tenant)
        self.backtests = BacktestEditor(connection, tenant)
        self.verdicts = VerdictEditor(connection, tenant)

    async def first_answer(self, key: IdempotencyKey | None) -> bytes | None:
        row = await self._connection.fetchrow(QUERIES.first_answer, self._tenant, str(key.request_id)) if key else None
        if key is None or row is None:
            return None
        key.check(bytes(row["fingerprint"]))
        return bytes(row["answer"])

    async def store_answer(self, key: IdempotencyKey | None, method: str, answer: bytes) -> None:
        await self._connection.execute(QUERIES.forget_answers, self._tenant)
        if key is not None:
            row = (self._tenant, str(key.request_id), method, key.fingerprint, answer)
            await self._connection.execute(QUERIES.keep_answer, *row)

    async def add_annotation(self, row: AnnotationRow) -> None:
        await self._connection.execute(
            QUERIES.add_annotation, self._tenant, row.id, row.scope, row.start_us, row.end_us, row.body
        )

    async def has_annotation(self, id: UUID) -> bool:
        return bool(await self._connection.fetchval(QUERIES.annotation_exists, self._tenant, id))

    async def delete_annotation(self, id: UUID) -> None:
        await self._connection.execute(QUERIES.delete_annotation, self._tenant, id)

    async def log_weight_change(self, name: str, version: int, body: bytes) -> None:
        await self._connection.execute(QUERIES.log_weight_change, self._tenant, name, version, body)

    async def current_version(self, name: str) -> int | None:
        """Of the version that is scored by, else of the newest."""
        found: int | None = await self._connection.fetchval(QUERIES.system_current_version, self._tenant, name)
        return found

    async def create(self, name: str, spec: bytes, etag: str) -> SystemVersion:
        return _version(await self._connection.fetchrow(QUERIES.create_system, self._tenant, name, spec, etag))

    async def version(self, name: str, version: int) -> SystemVersion | None:
        row = await self._connection.fetchrow(QUERIES.system_version, self._tenant, name, version)
        return _version(row) if row else None

    async def other_active_count(self, name: str) -> int:
        """Of systems that have another name."""
        return int(await self._connection.fetchval(QUERIES.other_active_count, self._tenant, name))

    async def activate(self, name: str, version: int, etag: str, etag_retired: str) -> SystemVersion:
        await self._connection.execute(QUERIES.retire_active, self._tenant, name, etag_retired)
        await self._connection.execute(QUERIES.forget_fold, self._tenant, name, version)
        row = await self._connection.fetchrow(QUERIES.activate, self._tenant, name, version, etag)
        await self._connection.fetchval(QUERIES.announce, self._tenant)
        return _version(row)


class Systems:
    _pool: asyncpg.Pool

    @asynccontextmanager
    async def editing(self, tenant: str) -> AsyncIterator[SystemEditor]:
        """One change of indicator systems; changes of a tenant come one after the other."""
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(QUERIES.provision_tenant, tenant)
            await connection.execute(QUERIES.lock_head)
            yield SystemEditor(connection, tenant)

    async def system(self, tenant: str, name: str, version: int = 0) -> SystemVersion | None:
        """Version 0: the active one, else the newest."""
        async with tenant_transaction(self._pool, tenant) as connection:
            if version:
                row = await connection.fetchrow(QUERIES.system_version, tenant, name, version)
            else:
                row = await connection.fetchrow(QUERIES.system_current, tenant, name)
        return _version(row) if row else None

    async def active_versions(self, tenant: str) -> dict[tuple[str, int], str]:
        """Name and version of all that is scored by, with the digest of its document."""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.active_versions, tenant)
        return {(row["name"], row["version"]): row["digest"] for row in rows}

    async def active_systems(self, tenant: str, names: Sequence[str] | None = None) -> list[SystemVersion]:
        """names: of these systems only; None: of all."""
        async with tenant_transaction(self._pool, tenant) as connection:
            return [_version(row) for row in await connection.fetch(QUERIES.active_systems, tenant, names)]

    async def list_systems(
        self, tenant: str, parent: str, active_only: bool, after: tuple[str, int], limit: int
    ) -> list[SystemVersion]:
        like = f"{parent}/indicatorSystems/%" if parent else ""
        async with tenant_transaction(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.list_systems, tenant, like, *after, active_only, limit)
        return [_version(row) for row in rows]


def _version(row: asyncpg.Record) -> SystemVersion:
    return SystemVersion(
        row["name"],
        row["version"],
        row["state"],
        row["spec"],
        row["etag"],
        row["create_time"],
        row["activate_time"],
    )
