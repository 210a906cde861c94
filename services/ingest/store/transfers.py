"""Transfers of files in Postgres."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg

from services.ingest.model import TenantId
from services.ingest.registry.transfers import StoredTransfer, TransferState
from services.ingest.store.postgres_log import Connect
from services.ingest.store.schema import micros, queries


class PostgresTransfers:
    def __init__(self, tenant: TenantId, connect: Connect) -> None:
        self._tenant = tenant
        self._connect = connect

    async def create(self, name: str, byte_count: int, request: bytes, report: bytes) -> StoredTransfer:
        async with self._connect() as connection:
            await connection.execute(queries.create_transfer, self._tenant, name, byte_count, request, report)
            return _transfer(await connection.fetchrow(queries.transfer, self._tenant, name))

    async def find(self, name: str) -> StoredTransfer | None:
        async with self._connect() as connection:
            row = await connection.fetchrow(queries.transfer, self._tenant, name)
        return _transfer(row) if row is not None else None

    async def page(self, before: int, count: int) -> list[StoredTransfer]:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.transfers, self._tenant, before, count)
        return [_transfer(row) for row in rows]

    async def extend(self, name: str, begin: int, count: int, content: bytes) -> bool:
        async with self._connect() as connection:
            uploaded = await connection.fetchval(queries.extend_transfer, self._tenant, name, begin, count)
            if uploaded is not None:
                await connection.execute(queries.add_transfer_chunk, self._tenant, name, begin, content)
        return uploaded is not None

    async def content(self, name: str) -> AsyncIterator[tuple[int, bytes]]:
        begin = 0
        while True:
            async with self._connect() as connection:
                row = await connection.fetchrow(queries.transfer_chunk, self._tenant, name, begin)
            if row is None:
                return
            yield row["begin_byte"], row["content"]
            begin = row["begin_byte"] + 1

    async def claim(self, reader: UUID, lease_s: float) -> StoredTransfer | None:
        async with self._connect() as connection:
            row = await connection.fetchrow(queries.claim_transfer, self._tenant, reader, lease_s)
        return _transfer(row) if row is not None else None

    async def renew(self, name: str, reader: UUID, lease_s: float) -> bool:
        async with self._connect() as connection:
            mine = await connection.fetchval(queries.renew_transfer, self._tenant, name, reader, lease_s)
        return mine is not None

    async def report(self, name: str, reader: UUID, state: TransferState, report: bytes) -> bool:
        async with self._connect() as connection:
            values = (self._tenant, name, reader, int(state), report)
            mine = await connection.fetchval(queries.report_transfer, *values)
            if mine is not None and state != TransferState.READING:
                await connection.execute(queries.delete_transfer_chunks, self._tenant, name)
        return mine is not None

    async def cancel(self, name: str) -> bool:
        async with self._connect() as connection:
            ended = await connection.fetchval(queries.cancel_transfer, self._tenant, name)
            if ended is not None:
                await connection.execute(queries.delete_transfer_chunks, self._tenant, name)
        return ended is not None

    async def cancel_abandoned(self, after_s: float) -> int:
        async with self._connect() as connection:
            rows = await connection.fetch(queries.abandoned_transfers, self._tenant, after_s)
        return sum([await self.cancel(row["transfer_id"]) for row in rows])


def _transfer(row: asyncpg.Record) -> StoredTransfer:
    return StoredTransfer(
        id=row["transfer_id"],
        sequence=row["sequence"],
        state=TransferState(row["state"]),
        byte_count=row["byte_count"],
        uploaded_bytes=row["uploaded_bytes"],
        request=row["request"],
        report=row["report"],
        attempts=row["attempts"],
        created_at_us=micros(row["created_at"]),
        updated_at_us=micros(row["updated_at"]),
    )
