"""What the registry records: counts, refused events, first answers to request ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.ingest.model import IntakeCounts, SourceId
from services.ingest.registry.data_quality import QualityDelta


@dataclass(frozen=True)
class SealedEvent:
    """A refused event; `payload` is encrypted."""

    quarantine_id: str
    source: str
    batch_index: int
    field: str
    reason: str
    payload: bytes


@dataclass(frozen=True)
class StoredAnswer:
    request_id: UUID
    method: str
    fingerprint: bytes
    answer: bytes


@dataclass(frozen=True)
class Receipt:
    """What came of one commit, apart from the events that it wrote."""

    counts: Mapping[str, IntakeCounts] = field(default_factory=dict)
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)
    refused: tuple[SealedEvent, ...] = ()
    # Names that were unknown until now.
    new_sources: tuple[SourceId, ...] = ()
    # Values that were cleaned, by source, rule and field; without rule and field: events of which any was.
    cleaned: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    quality: QualityDelta = field(default_factory=QualityDelta)
    method: str = ""
    answers: tuple[StoredAnswer, ...] = ()
