"""Which of the waiting batches share the next commit."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.ingest.model import Admission, IncomingBatch, Written


@dataclass(frozen=True)
class QueuedBatch:
    """A batch in the queue; a large one is admitted while it waits, under the sources of this revision."""

    batch: IncomingBatch
    answer: "asyncio.Future[Written | bytes]"
    admission: "asyncio.Future[Admission] | None" = None
    revision: int = -1


def next_group(queue: Sequence[QueuedBatch], rows_max: int, bytes_max: int) -> int:
    """How many batches from the front: as many as fit, at least one, each request id once; a check goes alone."""
    if len(queue) == 1:
        return 1
    rows, size, alone = 0, 0, False
    ids: set[UUID] = set()
    for count, waiting in enumerate(queue):
        batch = waiting.batch
        rows += batch.received
        size += batch.arrival.page.nbytes
        if count and (rows > rows_max or size > bytes_max or batch.request_id in ids or batch.validate_only or alone):
            return count
        alone = batch.validate_only
        if batch.request_id is not None:
            ids.add(batch.request_id)
    return len(queue)


def unadmitted(
    group: Sequence[QueuedBatch], revision: int
) -> "Iterator[asyncio.Future[Admission] | list[IncomingBatch]]":
    """Admissions under these sources, and between them the batches that are to be admitted together."""
    batches: list[IncomingBatch] = []
    for waiting in group:
        if waiting.admission is None or waiting.revision != revision:
            batches.append(waiting.batch)
            continue
        if batches:
            yield batches
            batches = []
        yield waiting.admission
    if batches:
        yield batches
