"""The log of one tenant, as everything else in ingest knows it: `head`, `append` and `read`.

A log is a gapless sequence of entries, each written by one commit. Its end is the only thing that writers compete for:

- `append` writes an entry if the log still ends at `entry.after`, and otherwise nothing. What a writer decided from its
  copy of the log (which events are new, which sources have which policy) therefore holds when the entry is written.
- An entry comes with a receipt: what the registry has to record of the same commit. The log delivers it to the registry
  exactly once and in the order of positions. A reader of position P of the log finds the receipts through P recorded.
- An entry without segments is allowed: a change of a source's policy moves the log, so that no commit that was decided
  under the old policy can be written after it.
- Entries become visible in order and are durable when `append` returns.

`tests/services/ingest/log/test_interface.py` holds every implementation to this; Postgres is `store/postgres_log.py`.
"""

from collections.abc import Sequence
from typing import Protocol

from services.ingest.log.records import HashedSegment, LogEntry, LoggedCommit, LogHead, PageFilter, StoredSegment
from services.ingest.registry.records import Receipt


class Log(Protocol):
    async def create(self, partition_count: int) -> None:
        """Makes an empty log with this many partitions, where there is none."""

    async def head(self) -> LogHead: ...

    async def append(self, entry: LogEntry, receipt: Receipt) -> int | None:
        """The time of the commit, in microseconds.

        None where the log does not end at `entry.after`, or where one of the receipt's request ids was answered within
        24 hours: then nothing is written.
        """

    async def read(self, after: int, pages: PageFilter, commits_max: int, bytes_max: int) -> list[LoggedCommit]:
        """The next commits with those of their pages, as many as fit but at least one; empty at the end of the log."""

    async def read_hashes(self, after: int, through: int) -> list[HashedSegment]:
        """The id hashes of segments in (after, through], in order."""

    async def read_case_hashes(self, after: int, through: int) -> list[tuple[int, bytes]]:
        """Position and case hashes of segments in (after, through], in order."""

    async def read_segments(
        self, positions: Sequence[int], partitions: Sequence[int] | None = None
    ) -> dict[int, list[StoredSegment]]:
        """The segments of some commits, by position, in order; those without any have an empty list."""

    async def position_before(self, us: int) -> int:
        """The last commit that was made before a moment; 0: none was."""

    async def watermarks(self, position: int) -> dict[str, int]:
        """The latest event time of each source, in microseconds, through a position."""
