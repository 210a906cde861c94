"""One tenant's log as callers see it: while one commit is on its way, the next one gathers."""

import asyncio
from contextlib import suppress
from functools import partial
from uuid import UUID

from services.ingest.admission.pseudonyms import TenantKeys
from services.ingest.metrics import metrics
from services.ingest.model import IncomingBatch, TenantId, Written
from services.ingest.workers import LARGE_ROWS_MIN, computed
from services.ingest.writer.commit import Committer, LogLimits
from services.ingest.writer.decision import CommitResult
from services.ingest.writer.group import QueuedBatch, next_group
from services.runtime.errors import ResourceExhausted


class TenantLog:
    def __init__(self, tenant: TenantId, keys: TenantKeys, committer: Committer, limits: LogLimits) -> None:
        self.tenant = tenant
        self.keys = keys
        self.tail = committer.tail
        self._committer = committer
        self._limits = limits
        self._opening = asyncio.Lock()
        self._queue: list[QueuedBatch] = []
        self._queued_rows = 0
        self._freed = asyncio.Event()
        self._committing: asyncio.Task[None] | None = None

    @property
    def origin(self) -> UUID:
        """Raises LookupError before `open`."""
        if self._committer.head is None:
            raise LookupError("the log is not open")
        return self._committer.head.origin

    async def open(self) -> None:
        if self._committer.head is None:
            async with self._opening:
                await self._committer.open()

    async def archive_old_ids(self) -> None:
        await self._committer.archive_old_ids()

    async def capacity(self) -> None:
        """Returns when another batch can be queued: how a stream waits where a single call is refused."""
        while self._queued_rows >= self._limits.queue_rows_max // 2:
            self._freed.clear()
            await self._freed.wait()

    def submit(self, batch: IncomingBatch) -> "asyncio.Future[Written | bytes]":
        """Queues a batch; the answer comes when it is durable."""
        if self._queued_rows and self._queued_rows + batch.received > self._limits.queue_rows_max:
            metrics.add("andon.ingest.refused", batch.received)
            raise ResourceExhausted("OVERLOADED", "too much is waiting to be written", retry_after_s=0.5)
        answer: asyncio.Future[Written | bytes] = asyncio.get_running_loop().create_future()
        admission = None
        if batch.received >= LARGE_ROWS_MIN:
            # Small ones are admitted together when their turn comes; a large one while other commits are on their way.
            admission = asyncio.ensure_future(computed(batch.received, partial(self._committer.admit, [batch])))
        self._queue.append(QueuedBatch(batch, answer, admission, self._committer.revision))
        self._queued_rows += batch.received
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        return answer

    async def close(self) -> None:
        """What is queued is written first."""
        if self._committing is not None:
            with suppress(Exception):
                await self._committing

    async def _commit_all(self) -> None:
        while self._queue:
            count = next_group(self._queue, self._limits.commit_rows_max, self._limits.commit_bytes_max)
            group, self._queue = self._queue[:count], self._queue[count:]
            try:
                outcomes: list[CommitResult] = await self._committer.commit(group)
            except Exception as error:
                outcomes = [error] * len(group)
            finally:
                self._queued_rows -= sum(waiting.batch.received for waiting in group)
                self._freed.set()
            for waiting, outcome in zip(group, outcomes, strict=True):
                if waiting.answer.done():
                    continue
                if isinstance(outcome, Exception):
                    waiting.answer.set_exception(outcome)
                else:
                    waiting.answer.set_result(outcome)
