"""The archive of old segments, as everything else in ingest knows it: files of them, and where each segment lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.ingest.log.records import SegmentKey


@dataclass(frozen=True)
class ArchiveFile:
    """What is recorded of a file; times in microseconds, of its first and last commit."""

    id: int
    key: str
    segment_count: int
    event_count: int
    byte_count: int
    sha256: bytes
    archived_at_us: int
    first_at_us: int
    last_at_us: int


@dataclass(frozen=True)
class ArchiveTotals:
    files: int
    events: int
    bytes: int


@dataclass(frozen=True)
class ArchivePlace:
    """A segment is one group of rows of a file."""

    key: str
    group: int


@dataclass(frozen=True)
class PackedFile:
    """The bytes of a file, and which segment each of its groups of rows is, in order."""

    content: bytes
    segments: tuple[SegmentKey, ...]
    event_count: int


class ArchiveDamaged(OSError):
    """A file is missing, or is not what was written."""


class SegmentArchive(Protocol):
    async def store(self, key: str, content: bytes) -> None:
        """Durable when it returns, and whole or not there at all. To store the same again changes nothing."""

    async def content(self, key: str) -> bytes:
        """Raises ArchiveDamaged where it is missing."""

    async def events(self, places: Sequence[ArchivePlace]) -> list[bytes]:
        """The events of some segments as they were stored, in the order of `places`. Raises ArchiveDamaged."""


class ArchiveBook(Protocol):
    """What of one tenant's log is due, and what is archived; a transaction for each call."""

    async def due(self, now_us: int, after_us: int, bytes_max: int) -> tuple[list[int], bool]:
        """Commits whose events are to be archived, at least one where any is, and whether more are.

        after_us: of sources that say nothing themselves; 0: never.
        """

    async def segments(self, positions: Sequence[int]) -> list[tuple[SegmentKey, bytes]]:
        """Those of the commits whose events are in the database."""

    async def record(self, key: str, file: PackedFile, sha256: bytes) -> bool:
        """The events of its segments leave the database. False: another process was quicker, and nothing is changed."""

    async def files(self, after: int, count: int) -> list[ArchiveFile]:
        """In the order of their ids, after one."""

    async def totals(self) -> ArchiveTotals: ...
