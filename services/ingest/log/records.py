"""What is appended to a log, and what is read of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.ingest.model import Segment


@dataclass(frozen=True)
class LogHead:
    """Where a log begins and ends; `position` is that of its last commit, 0 while it is empty."""

    origin: UUID
    position: int
    oldest_position: int
    next_offsets: tuple[int, ...]
    event_count: int

    def moved(self, entry: "LogEntry") -> "LogHead":
        """Where the log ends after this entry."""
        return replace(
            self,
            position=entry.position,
            next_offsets=entry.next_offsets,
            event_count=self.event_count + sum(segment.event_count for segment in entry.segments),
        )


@dataclass(frozen=True)
class LogEntry:
    """What one commit appends, if the log ends at `after`. Without segments it only moves the log."""

    after: int
    next_offsets: tuple[int, ...]
    segments: tuple[Segment, ...] = ()
    # The latest event time of each source that has events in the segments.
    source_times: Mapping[str, int] = field(default_factory=dict)
    traceparents: tuple[str, ...] = ()

    @property
    def position(self) -> int:
        return self.after + 1

    @property
    def byte_count(self) -> int:
        return sum(len(segment.events) for segment in self.segments)

    def logged(self, committed_at_us: int) -> "LoggedCommit":
        """What readers get of it once it is appended."""
        commit = Commit(self.position, self.byte_count, committed_at_us, self.traceparents, self.source_times)
        pages = [
            StoredPage(
                SegmentKey(self.position, one.partition, one.first_offset),
                one.event_count,
                one.time_min_us,
                one.time_max_us,
                one.events,
            )
            for one in sorted(self.segments, key=lambda one: (one.partition, one.first_offset))
        ]
        return LoggedCommit(commit, tuple(pages))


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
    committed_at_us: int
    traceparents: tuple[str, ...] = ()
    source_times: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredSegment:
    id_hashes: bytes
    events: bytes


@dataclass(frozen=True)
class StoredPage:
    """A segment as readers get it: its events as they are stored, and the span of their times."""

    place: SegmentKey
    event_count: int
    time_min_us: int
    time_max_us: int
    events: bytes


@dataclass(frozen=True)
class PageFilter:
    """Partitions absent: all. A page is chosen if its span of event time overlaps [start_us, end_us)."""

    partitions: tuple[int, ...] | None = None
    start_us: int = -(2**62)
    end_us: int = 2**62

    def chooses(self, page: StoredPage) -> bool:
        return (
            (self.partitions is None or page.place.partition in self.partitions)
            and page.time_max_us >= self.start_us
            and page.time_min_us < self.end_us
        )


EVERY_PAGE = PageFilter()


@dataclass(frozen=True)
class LoggedCommit:
    """A commit with its pages, or with those of them that were asked for."""

    commit: Commit
    pages: tuple[StoredPage, ...] = ()


def bounded(commits: Sequence[Commit], bytes_max: int) -> Sequence[Commit]:
    """As many commits as fit, at least one."""
    size = 0
    for count, commit in enumerate(commits):
        size += commit.byte_count
        if count and size > bytes_max:
            return commits[:count]
    return commits
