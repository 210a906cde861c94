"""What is written to the log, and what is read of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.ingest.model import IntakeCounts, Segment, SourceId


@dataclass(frozen=True)
class LogHead:
    origin: UUID
    position: int
    oldest_position: int
    next_offsets: tuple[int, ...]
    event_count: int
    watermark_us: int | None
    sources_revision: int

    def moved(self, addition: "Addition") -> "LogHead":
        """Where the log ends after this addition."""
        return replace(
            self,
            position=addition.position,
            next_offsets=addition.next_offsets,
            event_count=self.event_count + addition.total.accepted,
            watermark_us=max((us for us in (self.watermark_us, addition.watermark_us) if us is not None), default=None),
        )


@dataclass(frozen=True)
class SegmentKey:
    """What finds one segment."""

    position: int
    partition: int
    first_offset: int


@dataclass(frozen=True)
class HashedSegment:
    position: int
    hashes: bytes
    committed_at_us: int


@dataclass(frozen=True)
class Commit:
    position: int
    byte_count: int
    watermark_us: int | None
    committed_at_us: int
    traceparents: tuple[str, ...]


@dataclass(frozen=True)
class StoredSegment:
    id_hashes: bytes
    events: bytes


@dataclass(frozen=True)
class StoredPage:
    place: SegmentKey
    event_count: int
    events: bytes


@dataclass(frozen=True)
class SealedEvent:
    """A refused event; `payload` is encrypted."""

    quarantine_id: str
    source: str
    batch_index: int
    field: str
    reason: str
    payload: bytes
    position: int = 0
    quarantined_at_us: int = 0


@dataclass(frozen=True)
class StoredAnswer:
    request_id: UUID
    method: str
    fingerprint: bytes
    answer: bytes


@dataclass(frozen=True)
class Addition:
    """All that one commit writes, if the log ends at `after` and its sources are at `sources_revision`."""

    after: int
    sources_revision: int
    next_offsets: tuple[int, ...]
    watermark_us: int | None
    total: IntakeCounts
    tallies: Mapping[str, IntakeCounts]
    reasons: Mapping[tuple[str, str], int]
    segments: tuple[Segment, ...]
    refused: tuple[SealedEvent, ...]
    sources: tuple[SourceId, ...]
    method: str
    answers: tuple[StoredAnswer, ...]
    traceparents: tuple[str, ...]

    @property
    def position(self) -> int:
        return self.after + 1
