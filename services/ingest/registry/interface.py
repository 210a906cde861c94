"""The registry of one tenant within one transaction, as everything else in ingest knows it.

What comes of commits (counts, refused events, new sources, answers) is recorded by the log's `append`: its receipt.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from services.ingest.model import IntakeQuota, IntakeTotals, Source, SourceId
from services.ingest.registry.records import StoredAnswer
from services.ingest.registry.vocabulary import Vocabulary, Word


class Registry(Protocol):
    async def answered(self, request_ids: Sequence[UUID]) -> dict[UUID, StoredAnswer]:
        """First answers to those of these request ids that have one from the last 24 hours."""

    async def expire_answers(self) -> None:
        """Drops older ones, some at a time."""

    async def intake(self) -> tuple[dict[str, IntakeTotals], dict[tuple[str, str], int]]:
        """Counts by source, and refused events by source and reason."""

    async def cleaning(self) -> dict[tuple[str, str, str], int]:
        """Cleaned values by source, rule and field; without rule and field: events."""

    async def sources(self) -> dict[SourceId, Source]: ...

    async def source(self, name: SourceId) -> Source | None: ...

    async def vocabulary(self) -> Vocabulary: ...

    async def record_vocabulary(self, words: Sequence[Word]) -> None:
        """Safe to repeat."""

    async def create_source(self, source: Source) -> bool:
        """False where it exists."""

    async def commits_of(self, name: SourceId, after: int, through: int, count_max: int) -> list[int]:
        """The next positions in (after, through] at which events of a source were written."""

    async def commits_among(self, name: SourceId, positions: Sequence[int]) -> list[int]:
        """Those of some positions at which events of a source were written, in order."""

    async def take_quota(self, source: str, quota: IntakeQuota, events: int, size: int, burst_s: float) -> float:
        """Takes so many events and bytes, if the balance of the source is not used up; empty: that of the tenant.

        Above 0: nothing was taken, and nothing can be for so many seconds. Of a balance that is not used up any number
        is taken, and later calls wait for it. burst_s: how many seconds' worth a balance holds at most.
        """

    async def update_source(self, source: Source) -> bool:
        """False where it is no longer at `source.revision`."""
