"""One tenant's log as callers see it: while one commit is on its way, the next one gathers."""

import asyncio
from contextlib import suppress
from uuid import UUID

from services.ingest.admission.tenant_keys import TenantKeys
from services.ingest.metrics import metrics
from services.ingest.model import IncomingBatch, TenantId, Written
from services.ingest.writer.commit import Committer, LogLimits
from services.ingest.writer.decision import CommitResult
from services.ingest.writer.queue import QueuedBatch, merged, next_group, part_rows
from services.runtime.errors import ResourceExhausted


class TenantLog:
    def __init__(self, tenant: TenantId, keys: TenantKeys, committer: Committer, limits: LogLimits) -> None:
        self.tenant = tenant
        self.keys = keys
        self.tail = committer.tail
        self.persons = committer.persons
        # Of the log; from `open` on.
        self.origin: UUID
        self.is_open = False
        self.committer = committer
        self._queue_rows_max = limits.queue_rows_max
        # Of one commit.
        self._rows_max, self._bytes_max = limits.commit_rows_max, limits.group_bytes_max
        self._opening = asyncio.Lock()
        self._waiting: list[QueuedBatch] = []
        self._queued_rows = 0
        self._freed = asyncio.Event()
        self._committing: asyncio.Task[None] | None = None
        self._admitting: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Before anything is submitted."""
        async with self._opening:
            self.origin = (await self.committer.open()).origin
            self.is_open = True

    async def capacity(self) -> None:
        """Returns when another batch can be queued: how a stream waits where a single call is refused."""
        while self._queued_rows >= self._queue_rows_max // 2:
            self._freed.clear()
            await self._freed.wait()

    def submit(self, batch: IncomingBatch) -> "asyncio.Future[Written | bytes]":
        """Queues a batch; the answer comes when all of it is durable."""
        if self._queued_rows and self._queued_rows + batch.received > self._queue_rows_max:
            metrics.add("andon.ingest.refused", batch.received)
            raise ResourceExhausted("OVERLOADED", "too much is waiting to be written", retry_after_s=0.5)
        rows = part_rows(batch, self._rows_max, self._bytes_max)
        queued = QueuedBatch(batch, asyncio.get_running_loop().create_future(), rows)
        self._queued_rows += batch.received
        if rows < batch.received:
            # Small ones are admitted together when their turn comes; a large one before it waits for its turns.
            task = asyncio.create_task(self._admit(queued))
            self._admitting.add(task)
            task.add_done_callback(self._admitting.discard)
        else:
            self._add(queued)
        return queued.answer

    async def close(self) -> None:
        """What is queued is written first."""
        await asyncio.gather(*self._admitting, return_exceptions=True)
        if self._committing is not None:
            with suppress(Exception):
                await self._committing

    async def _admit(self, queued: QueuedBatch) -> None:
        try:
            first = await self.committer.first_answer(queued)
            if first is None:
                await self.committer.admit_large(queued)
                self._add(queued)
                return
        except Exception as error:
            first = error
        self._settle(queued, first, queued.batch.received)

    def _add(self, queued: QueuedBatch) -> None:
        self._waiting.append(queued)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())

    async def _commit_all(self) -> None:
        large_next = False
        while self._waiting:
            group = next_group(self._waiting, self._rows_max, self._bytes_max, large_next=large_next)
            large_next = not group[-1].queued.is_cut
            taken = {part.queued for part in group}
            self._waiting = [queued for queued in self._waiting if queued not in taken]
            try:
                results: list[CommitResult] = await self.committer.commit(group)
            except Exception as error:
                results = [error] * len(group)
            for part, result in zip(group, results, strict=True):
                queued = part.queued
                if not isinstance(result, Written):
                    # Nothing more of it is written.
                    self._settle(queued, result, queued.batch.received - part.begin)
                    continue
                queued.written.append(result)
                queued.written_rows = part.end
                if part.is_last:
                    self._settle(queued, merged(queued.written), part.rows)
                else:
                    self._queued_rows -= part.rows
                    self._waiting.append(queued)

    def _settle(self, queued: QueuedBatch, result: CommitResult, rows: int) -> None:
        self._queued_rows -= rows
        self._freed.set()
        if queued.answer.done():
            return
        if isinstance(result, Exception):
            queued.answer.set_exception(result)
        else:
            queued.answer.set_result(result)
