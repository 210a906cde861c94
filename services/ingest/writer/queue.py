"""The batches that wait for a tenant's log, and what of them the next commit takes.

Theory of operation. A commit is bounded in rows and bytes, so that what comes next waits no longer than that takes.
A batch that is larger is cut into parts, which are written by one commit each and acknowledged together after the last.
If the process dies between two parts, the first ones are durable and were not acknowledged; the batch is sent again,
and they are duplicates.

Where whole batches and parts of large ones wait, commits of whole batches alone take turns with commits that both
share, half each; the large ones take turns too. So neither waits for ever: a large batch gets a part into every second
commit, at least. A whole batch that comes while a part is written waits for that, and then its own commit takes no
longer than if nobody else wrote.

A request id is written by one batch at a time. A check (`validate_only`) and a replay of refused events go alone and
uncut, since what becomes of them is only known from all of them.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from services.ingest.model import Admission, IncomingBatch, Written, total

# Bytes of columns that one commit takes, about.
COMMIT_BYTES = 2 * 1024 * 1024


@dataclass(eq=False)
class QueuedBatch:
    """`part_rows` is what one commit takes of it.

    `admission` is that of a large batch, under the sources of `revision`; `written` are its parts so far.
    """

    batch: IncomingBatch
    answer: "asyncio.Future[Written | bytes]"
    part_rows: int
    admission: Admission | None = None
    revision: int = -1
    written: list[Written] = field(default_factory=list)
    written_rows: int = 0

    @property
    def is_cut(self) -> bool:
        return self.part_rows < self.batch.received

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


def merged(parts: Sequence[Written]) -> Written:
    """The answer to a batch that was written in parts, in their order."""
    if len(parts) == 1:
        return parts[0]
    return Written(
        total(part.tally for part in parts),
        tuple(fault for part in parts for fault in part.faults),
        tuple(name for part in parts for name in part.quarantine_ids),
        parts[-1].position,
        duplicates=tuple(rows for part in parts for rows in part.duplicates),
        origin=parts[0].origin,
    )


def part_rows(batch: IncomingBatch, rows_max: int, bytes_max: int) -> int:
    """How many rows of a batch one commit of so many rows and bytes takes: all, or half a commit of a larger one."""
    if batch.goes_alone:
        return batch.received
    fitting: int = batch.received * (bytes_max // 2) // max(1, batch.arrival.page.nbytes)
    return min(batch.received, max(1, min(rows_max // 2, fitting)))


def next_group(waiting: Sequence[QueuedBatch], rows_max: int, bytes_max: int, *, large_next: bool) -> list[BatchPart]:
    """What the next commit takes, at least one part: whole batches, then parts of larger ones, in their order.

    `large_next`: no whole batch goes without those parts.
    """
    whole, cut = [one for one in waiting if not one.is_cut], [one for one in waiting if one.is_cut]
    if whole and whole[0].batch.goes_alone:
        return [BatchPart(whole[0], 0, whole[0].batch.received)]
    group: list[BatchPart] = []
    # A batch without a request id is never taken for another.
    ids: set[UUID | None] = {one.batch.request_id for one in cut if one.written_rows} - {None}

    def take(candidates: Iterable[QueuedBatch], rows_max: int, bytes_max: int) -> None:
        rows, size = sum(part.rows for part in group), sum(part.byte_count for part in group)
        for queued in candidates:
            end = min(queued.written_rows + queued.part_rows, queued.batch.received)
            part = BatchPart(queued, queued.written_rows, end)
            rows, size = rows + part.rows, size + part.byte_count
            if queued.batch.goes_alone or (group and (rows > rows_max or size > bytes_max)):
                return
            if queued.batch.request_id in ids and not queued.written_rows:
                continue
            if queued.batch.request_id is not None:
                ids.add(queued.batch.request_id)
            group.append(part)

    share = 2 if cut and large_next else 1
    take(whole, rows_max // share, bytes_max // share)
    if large_next or not group:
        take(cut, rows_max, bytes_max)
    return group
