"""The commits that this process wrote last, so that those who follow it need not wait until they are read back."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from services.ingest.log.records import Commit, SegmentKey, StoredPage
from services.ingest.model import Segment

COMMITS_MAX = 256
BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True)
class RecentCommit:
    commit: Commit
    segments: tuple[Segment, ...]

    def pages(self, partitions: Sequence[int] | None, start_us: int, end_us: int) -> list[StoredPage]:
        """As the store would choose and order them."""
        chosen = [
            one
            for one in self.segments
            if (partitions is None or one.partition in partitions)
            and one.time_max_us >= start_us
            and one.time_min_us < end_us
        ]
        return [
            StoredPage(SegmentKey(self.commit.position, one.partition, one.first_offset), one.event_count, one.events)
            for one in sorted(chosen, key=lambda one: (one.partition, one.first_offset))
        ]


class RecentCommits:
    """Holds the commits of positions (`after`, `through`], without gaps; nothing before the first one."""

    def __init__(self) -> None:
        self.after = self.through = -1
        # How often somebody else wrote, or may have: then the log itself must be asked.
        self.overtaken = 0
        self._commits: deque[RecentCommit] = deque()
        self._bytes = 0

    def add(self, commit: Commit, segments: tuple[Segment, ...]) -> None:
        if commit.position != self.through + 1:
            self._commits.clear()
            self._bytes = 0
            self.after = commit.position - 1
        self._commits.append(RecentCommit(commit, segments))
        self._bytes += commit.byte_count
        self.through = commit.position
        while len(self._commits) > COMMITS_MAX or self._bytes > BYTES_MAX:
            dropped = self._commits.popleft().commit
            self._bytes -= dropped.byte_count
            self.after = dropped.position

    def covers(self, position: int) -> bool:
        """Whether all that this process wrote after a position is here."""
        return self.after <= position <= self.through

    def since(self, position: int) -> list[RecentCommit]:
        newest_first = []
        for one in reversed(self._commits):
            if one.commit.position <= position:
                break
            newest_first.append(one)
        return newest_first[::-1]
