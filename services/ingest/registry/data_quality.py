"""What is recorded of the quality of data: counts by source and day of event time, and what is published of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType, Protocol

from services.ingest.model import SECOND_US, QualityDimension

# Days since 1970-01-01, UTC.
Day = NewType("Day", int)

# Upper ends of the classes of delay, from an event's time to its commit; the last class has none.
DELAY_BOUNDS_US = tuple(seconds * SECOND_US for seconds in (60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400))


@dataclass(frozen=True)
class DayCounts:
    """Of events of one source and day, as they came: received = accepted + duplicate + refused.

    What a replay writes is counted as refused when it came, and as replayed now. `failed`: events by dimension, each
    once. `delays`: accepted events by class of delay.
    """

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    replayed: int = 0
    corrections: int = 0
    retractions: int = 0
    failed: Mapping[QualityDimension, int] = field(default_factory=dict)
    delays: tuple[int, ...] = (0,) * (len(DELAY_BOUNDS_US) + 1)

    @property
    def received(self) -> int:
        return self.accepted + self.duplicate + self.refused

    def checked(self, dimension: QualityDimension) -> int:
        """How many events a dimension is judged by. The content of an event is judged once, however often it comes."""
        if dimension is QualityDimension.UNIQUENESS:
            return self.received
        return self.accepted if dimension is QualityDimension.TIMELINESS else self.accepted + self.refused

    def share(self, dimension: QualityDimension) -> float | None:
        """Of the judged events, those that pass; None where there is none."""
        checked = self.checked(dimension)
        return 1 - self.failed.get(dimension, 0) / checked if checked else None


@dataclass(frozen=True)
class QualityDelta:
    """What one commit adds."""

    days: Mapping[tuple[str, Day], DayCounts] = field(default_factory=dict)
    # Events that fail a dimension because of a field.
    fields: Mapping[tuple[str, Day, QualityDimension, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class DayQuality:
    """What is recorded of one source and day, through the commit at `position`."""

    source: str
    day: Day
    counts: DayCounts
    position: int
    fields: Mapping[tuple[QualityDimension, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A day to be published: what is known of it, and the revision that it gets."""

    quality: DayQuality
    revision: int


@dataclass(frozen=True)
class SourceHours:
    """How many events came in which hours since 1970, ascending, and when the last one did."""

    source: str
    hours: Sequence[int]
    counts: Sequence[int]
    last_us: int


class QualityBook(Protocol):
    """Of one tenant, within one transaction."""

    async def days(
        self, sources: Sequence[str], begin: Day, end: Day, after: tuple[Day, str], count_max: int
    ) -> list[DayQuality]:
        """Of days in [begin, end), by day and source, after a place. No sources: all."""

    async def changed(self, sources: Sequence[str], after: int, through: int, count_max: int) -> list[DayQuality]:
        """What commits in (after, through] changed, by position; all of a position or none of it."""

    async def claimable(self, before: Day, count_max: int) -> list[Claim]:
        """Days before this one that changed since they were published last."""

    async def store_claims(self, events: Sequence[tuple[Claim, bytes]]) -> None:
        """What is to be published of each."""

    async def pending(self, count_max: int) -> list[tuple[str, Day, int, bytes]]:
        """What is to be published: source, day, revision, event."""

    async def hours(self, sources: Sequence[str], after: str, count_max: int) -> list[SourceHours]:
        """When something came of sources after one, by source. No sources: all."""

    async def expire_hours(self, hours: int) -> None:
        """Forgets what lies so many hours before the last one of its source."""

    async def published(self, done: Sequence[tuple[str, Day, int]]) -> None:
        """Those are in the log."""
