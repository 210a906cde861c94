"""The batches that wait for a tenant's log, and what of them the next commit takes.

Theory of operation. A commit is bounded in rows and bytes, so that what comes next waits no longer than that takes.
A batch that is larger is cut into parts, which are written by one commit each and acknowledged together after the last.
If the process dies between two parts, the first ones are durable and were not acknowledged; the batch is sent again,
and they are duplicates.

Each commit takes whole batches first, in the order in which they came, and then parts of the large ones in turns. Half
of it is left to those, so neither waits for ever: a whole batch waits for the commit under way and for the whole ones
before it, a large one gets at least half of each commit.

A request id is written by one batch at a time. A check (`validate_only`) goes alone and uncut, since what repeats
within it is only known from all of it.
"""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from services.ingest.model import Admission, IncomingBatch, Written

# Bytes of columns that one commit takes, about.
COMMIT_BYTES = 2 * 1024 * 1024


@dataclass(eq=False)
class QueuedBatch:
    """`admission` is that of a large batch, under the sources of `revision`; `written` are its parts so far."""

    batch: IncomingBatch
    answer: "asyncio.Future[Written | bytes]"
    admission: Admission | None = None
    revision: int = -1
    written: list[Written] = field(default_factory=list)
    written_rows: int = 0

    @cached_property
    def byte_count(self) -> int:
        size: int = self.batch.arrival.page.nbytes
        return size


@dataclass(frozen=True)
class BatchPart:
    """The rows [begin, end) of a batch."""

    queued: QueuedBatch
    begin: int
    end: int

    @property
    def batch(self) -> IncomingBatch:
        return self.queued.batch

    @property
    def rows(self) -> int:
        return self.end - self.begin

    @property
    def is_last(self) -> bool:
        return self.end == self.batch.received

    @property
    def byte_count(self) -> int:
        return self.queued.byte_count * self.rows // max(1, self.batch.received)


class BatchQueue:
    def __init__(self, rows_max: int, bytes_max: int) -> None:
        """Of one commit."""
        self._rows_max, self._bytes_max = rows_max, bytes_max
        self._whole: list[QueuedBatch] = []
        self._cut: list[QueuedBatch] = []

    def __bool__(self) -> bool:
        return bool(self._whole or self._cut)

    def is_cut(self, queued: QueuedBatch) -> bool:
        return not queued.batch.validate_only and self._part_rows(queued) < queued.batch.received

    def add(self, queued: QueuedBatch) -> None:
        """A new batch, or one of which parts remain."""
        (self._cut if self.is_cut(queued) else self._whole).append(queued)

    def next_group(self) -> list[BatchPart]:
        """What the next commit takes, at least one part: whole batches, then parts of larger ones."""
        if self._whole and self._whole[0].batch.validate_only:
            return [_whole(self._whole.pop(0))]
        share = 2 if self._cut else 1
        begun = {one.batch.request_id for one in self._cut if one.written_rows} - {None}
        ids: set[UUID | None] = set(begun)
        group = self._taken_whole(self._rows_max // share, self._bytes_max // share, ids)
        rows, size = sum(part.rows for part in group), sum(part.byte_count for part in group)
        for queued in list(self._cut):
            end = min(queued.written_rows + self._part_rows(queued), queued.batch.received)
            part = BatchPart(queued, queued.written_rows, end)
            rows, size = rows + part.rows, size + part.byte_count
            if group and (rows > self._rows_max or size > self._bytes_max):
                break
            if queued.batch.request_id in ids and not queued.written_rows:
                continue
            if queued.batch.request_id is not None:
                ids.add(queued.batch.request_id)
            self._cut.remove(queued)
            group.append(part)
        return group

    def _taken_whole(self, rows_max: int, bytes_max: int, ids: set[UUID | None]) -> list[BatchPart]:
        group: list[BatchPart] = []
        rest: list[QueuedBatch] = []
        rows = size = 0
        for number, queued in enumerate(self._whole):
            rows, size = rows + queued.batch.received, size + queued.byte_count
            if (group and (rows > rows_max or size > bytes_max)) or queued.batch.validate_only:
                rest += self._whole[number:]
                break
            if queued.batch.request_id in ids:
                rest.append(queued)
                continue
            if queued.batch.request_id is not None:
                ids.add(queued.batch.request_id)
            group.append(_whole(queued))
        self._whole = rest
        return group

    def _part_rows(self, queued: QueuedBatch) -> int:
        """Half of a commit: the other half is that of whole batches."""
        fitting = queued.batch.received * (self._bytes_max // 2) // max(1, queued.byte_count)
        return max(1, min(self._rows_max // 2, fitting))


def _whole(queued: QueuedBatch) -> BatchPart:
    return BatchPart(queued, 0, queued.batch.received)
