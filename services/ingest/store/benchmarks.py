"""Benchmarks in Postgres."""

import asyncpg

from services.ingest.model import TenantId
from services.ingest.registry.benchmarks.model import StoredBenchmark
from services.ingest.store.schema import micros, queries


class PostgresBenchmarks:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def create(self, name: str, document: bytes) -> StoredBenchmark | None:
        row = await self._connection.fetchrow(queries.create_benchmark, self._tenant, name, document)
        return _benchmark(row) if row is not None else None

    async def benchmark(self, name: str) -> StoredBenchmark | None:
        row = await self._connection.fetchrow(queries.benchmark, self._tenant, name)
        return _benchmark(row) if row is not None else None

    async def benchmarks(self, after: str, count_max: int) -> list[StoredBenchmark]:
        rows = await self._connection.fetch(queries.benchmarks, self._tenant, after, count_max)
        return [_benchmark(row) for row in rows]

    async def replace(self, name: str, document: bytes) -> StoredBenchmark:
        return _benchmark(await self._connection.fetchrow(queries.replace_benchmark, self._tenant, name, document))


def _benchmark(row: asyncpg.Record) -> StoredBenchmark:
    return StoredBenchmark(
        row["name"], row["document"], row["revision"], micros(row["created_at"]), micros(row["updated_at"])
    )
