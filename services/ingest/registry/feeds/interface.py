"""What is stored of a tenant's KPI feeds, within one transaction."""

from typing import Protocol

from services.ingest.model import SourceId
from services.ingest.registry.feeds.model import Feed


class Feeds(Protocol):
    async def create(self, feed: Feed) -> None: ...

    async def feed(self, name: SourceId) -> Feed | None: ...

    async def feeds(self, after: str, count_max: int) -> list[Feed]:
        """By name."""

    async def replace(self, feed: Feed) -> None:
        """Title and series."""
