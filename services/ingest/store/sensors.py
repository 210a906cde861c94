"""Sensors in Postgres."""

import json
from dataclasses import asdict

import asyncpg

from services.ingest.model import SourceId, TenantId
from services.ingest.registry.sensors.model import SensorQuantity, SensorSource
from services.ingest.store.schema import micros, queries


class PostgresSensors:
    """Of one tenant, within one transaction."""

    def __init__(self, connection: asyncpg.Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant

    async def create(self, one: SensorSource) -> None:
        quantities = json.dumps([asdict(quantity) for quantity in one.quantities])
        await self._connection.execute(
            queries.create_sensor_source,
            self._tenant,
            one.id,
            one.title_en,
            one.title_zh,
            one.period_us,
            quantities,
        )

    async def sensor_source(self, name: SourceId) -> SensorSource | None:
        row = await self._connection.fetchrow(queries.sensor_source, self._tenant, name)
        return _sensor_source(row) if row is not None else None

    async def sensor_sources(self, after: str, count_max: int) -> list[SensorSource]:
        rows = await self._connection.fetch(queries.sensor_sources, self._tenant, after, count_max)
        return [_sensor_source(row) for row in rows]


def _sensor_source(row: asyncpg.Record) -> SensorSource:
    return SensorSource(
        SourceId(row["source"]),
        tuple(SensorQuantity(**one) for one in json.loads(row["quantities"])),
        row["period_us"],
        row["title_en"],
        row["title_zh"],
        micros(row["created_at"]),
    )
