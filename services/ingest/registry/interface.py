"""The registry of one tenant within one transaction, as everything else in ingest knows it.

What comes of commits (counts, refused events, new sources, answers) is recorded by the log's `append`: its receipt.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from services.ingest.model import IntakeCounts, Source, SourceId
from services.ingest.registry.records import SealedEvent, StoredAnswer


class Registry(Protocol):
    async def answered(self, request_ids: Sequence[UUID]) -> dict[UUID, StoredAnswer]:
        """First answers to those of these request ids that have one from the last 24 hours."""

    async def expire_answers(self) -> None:
        """Drops older ones, some at a time."""

    async def intake(self) -> tuple[dict[str, IntakeCounts], dict[tuple[str, str], int]]:
        """Counts by source, and refused events by source and reason."""

    async def sources(self) -> dict[SourceId, Source]: ...

    async def create_source(self, source: Source) -> bool:
        """False where it exists."""

    async def update_source(self, source: Source) -> bool:
        """False where it is no longer at `source.revision`."""

    async def quarantined(self, source: str, after: tuple[int, str], count_max: int) -> list[SealedEvent]:
        """Refused events after a position and id, in order. An empty source: of all."""

    async def quarantined_count(self, source: str) -> int: ...
