"""Load a file into ingest: columns, many batches in flight, every row answered for, resumable."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

import grpc
from andon.ingest.v1 import event_pb2, ingest_pb2, source_pb2
from andon_records.batches import Batch
from andon_records.mapping.document import CsvMapping
from andon_records.messages import NothingReadable

from andon_client.follow import Backoff, is_retryable, requested_delay_s
from andon_client.load_messages import message
from andon_client.load_report import LoadReport

if TYPE_CHECKING:
    from andon.ingest.v1.ingest_pb2_grpc import IngestServiceAsyncStub

BATCHES_IN_FLIGHT = 16


def policies_of(mapping: CsvMapping) -> list[source_pb2.FieldPolicy]:
    """What the mapping says of privacy, field by field."""
    return [
        source_pb2.FieldPolicy(
            field=one.field,
            treatment=source_pb2.Treatment.Value(f"TREATMENT_{one.treatment.upper()}"),
            band=one.band,
            leading_characters=one.leading_characters,
        )
        for one in mapping.privacy
    ]


async def register_source(ingest: IngestServiceAsyncStub, mapping: CsvMapping) -> None:
    """Makes the source with the mapping's privacy policy; one that exists is left as it is."""
    source = source_pb2.Source(
        kind=source_pb2.SOURCE_KIND_EVENT_LOG,
        policies=policies_of(mapping),
        subject=mapping.subject,
    )
    try:
        await ingest.CreateSource(ingest_pb2.CreateSourceRequest(source_id=mapping.source, source=source))
    except grpc.aio.AioRpcError as error:
        # Who may write but not define sources gets the server's safe defaults.
        if error.code() not in (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.PERMISSION_DENIED):
            raise


async def load(
    ingest: IngestServiceAsyncStub,
    batches: Iterator[Batch],
    on_written: Callable[[Batch, LoadReport], None] = lambda batch, report: None,
    on_break: Callable[[grpc.aio.AioRpcError], None] = lambda error: None,
) -> LoadReport:
    """Sends every batch and waits until all are durable.

    A broken call is opened again and what was not answered is sent again: event ids make that safe. The first batch is
    sent alone; where it is refused whole, NothingReadable says why and nothing else is sent. What goes wrong while
    batches are made is raised here, after everything sent before it was answered.
    """
    report, unanswered, attempt = LoadReport(), deque[Batch](), 0
    pace, source = Backoff(), _ReadAhead(batches)
    while True:
        try:
            async for batch, written in _exchange(ingest, unanswered, source, probe=report.rows == 0):
                first = report.rows == 0
                attempt = 0
                report.add(batch, written)
                if first and written is not None:
                    await _stop_if_refused(batch, written, report, source)
                on_written(batch, report)
            return report
        except grpc.aio.AioRpcError as error:
            if not is_retryable(error):
                raise
            on_break(error)
            requested_s = requested_delay_s(error)
        await asyncio.sleep(requested_s + pace.delay_s(attempt, lambda: 1.0))
        attempt += 1


async def _stop_if_refused(
    batch: Batch, written: ingest_pb2.WriteEventsResponse, report: LoadReport, source: _ReadAhead
) -> None:
    if written.quarantined < batch.events or await source.is_over():
        return
    raise NothingReadable(message("stopped", rows=report.rows, first=report.first_refusal()))


class _ReadAhead:
    """Reads and converts the next batch in a thread while answers are awaited."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._pending: asyncio.Task[Batch | None] | None = None
        # Taken, and with nothing to send: they are reported when the call ends.
        self.without_events = deque[Batch]()

    async def ready(self) -> None:
        """Raises what the reading raised, each time it is asked."""
        # Shielded: a call that breaks while this waits must not lose the batch that is being read.
        if self._pending is None:
            self._pending = asyncio.create_task(asyncio.to_thread(next, self._batches, None))
        await asyncio.shield(self._pending)

    async def is_over(self) -> bool:
        await self.ready()
        return self._pending is not None and self._pending.result() is None

    def take(self) -> Batch | None:
        """What is ready; None at the end."""
        assert self._pending is not None
        batch = self._pending.result()
        if batch is not None:
            self._pending = None
        return batch


async def _exchange(
    ingest: IngestServiceAsyncStub, unanswered: deque[Batch], source: _ReadAhead, probe: bool
) -> AsyncIterator[tuple[Batch, ingest_pb2.WriteEventsResponse | None]]:
    """One call: what is unanswered first, then new batches; yields each with its answer.

    probe: nothing was answered yet, so only one batch is sent before its answer is there.
    """
    limit = 1 if probe else BATCHES_IN_FLIGHT
    free = asyncio.Semaphore(max(0, limit - len(unanswered)))
    again, over = list(unanswered), asyncio.Event()

    async def requests() -> AsyncIterator[ingest_pb2.StreamEventsRequest]:
        for batch in again:
            yield _request(batch)
        while True:
            await free.acquire()
            if over.is_set():
                return
            try:
                await source.ready()
            except Exception:
                # gRPC would cancel the call for it: it is raised below, when everything sent is answered.
                return
            # gRPC may still ask on behalf of a call that has broken: the batch belongs to the next one.
            if over.is_set():
                return
            batch_or_end = source.take()
            if batch_or_end is None:
                return
            if batch_or_end.events == 0:
                source.without_events.append(batch_or_end)
                free.release()
                continue
            unanswered.append(batch_or_end)
            yield _request(batch_or_end)

    try:
        async for response in ingest.StreamEvents(requests()):
            batch = unanswered.popleft()
            for _ in range(BATCHES_IN_FLIGHT if probe else 1):
                free.release()
            probe = False
            yield batch, response.written
        while source.without_events:
            yield source.without_events.popleft(), None
        await source.ready()
    finally:
        # gRPC leaves what sends of a broken call waiting for ever: it goes on here, and ends.
        over.set()
        free.release()


def _request(batch: Batch) -> ingest_pb2.StreamEventsRequest:
    return ingest_pb2.StreamEventsRequest(
        batch=event_pb2.EventBatch(arrow_ipc=batch.arrow_ipc), sequence=batch.sequence
    )
