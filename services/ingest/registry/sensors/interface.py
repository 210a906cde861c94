"""What is stored of a tenant's sensors, within one transaction."""

from typing import Protocol

from services.ingest.model import SourceId
from services.ingest.registry.sensors.model import SensorSource


class Sensors(Protocol):
    async def create(self, one: SensorSource) -> None: ...

    async def sensor_source(self, name: SourceId) -> SensorSource | None: ...

    async def sensor_sources(self, after: str, count_max: int) -> list[SensorSource]:
        """By name."""
