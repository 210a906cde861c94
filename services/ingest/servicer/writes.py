"""WriteEvents and StreamEvents."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from andon.ingest.v1 import ingest_pb2, record_pb2

from services.ingest import wire
from services.ingest.metrics import metrics
from services.ingest.model import IncomingBatch, MalformedBatch, Written
from services.ingest.servicer.request_context import RequestContext
from services.ingest.wire.batches import StreamRequest, WriteRequest, incoming_batch
from services.ingest.wire.encoded_rows import reading
from services.ingest.workers import computed
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.contract import PartlyRead, Reader
from services.runtime.cursors import CursorCodec
from services.runtime.drain import draining_error
from services.runtime.errors import invalid
from services.runtime.telemetry import current_traceparent

READERS: dict[str, Reader] = {
    "/andon.ingest.v1.IngestService/WriteEvents": reading(ingest_pb2.WriteEventsRequest, "batch", "rows"),
    "/andon.ingest.v1.IngestService/StreamEvents": reading(ingest_pb2.StreamEventsRequest, "batch", "rows"),
    "/andon.ingest.v1.IngestService/WriteRecords": reading(record_pb2.WriteRecordsRequest, "records", "json"),
}
READ_AHEAD_BATCHES_MAX = 64
# A refused event is as much work as so many that are accepted.
_FAULT_ROWS = 20
# Of a column-wise batch: what takes as long as a row otherwise does.
_ROW_BYTES = 200
# Of rows that are still to be read: always work for a thread.
_ENCODED_ROW_BYTES = 50


@dataclass(frozen=True)
class Sent:
    """A batch of a stream that is on its way to the disk."""

    sequence: int
    answer: "asyncio.Future[Written | bytes]"


class WriteRpcs:
    requests: RequestContext

    async def WriteEvents(self, request: WriteRequest, context: Any) -> ingest_pb2.WriteEventsResponse:
        begun_s = time.perf_counter()
        batch = await received(request)
        log = await self.requests.log()
        if not batch.validate_only:
            await self.requests.quotas.take(log, batch.arrival.page)
        response = await answered(log, await log.submit(batch))
        encoding = "rows" if isinstance(request, PartlyRead) else request.batch.WhichOneof("encoding") or ""
        metrics.record("andon.ingest.batch.duration", time.perf_counter() - begun_s, encoding=encoding)
        return response

    async def StreamEvents(
        self, requests: AsyncIterator[StreamRequest], context: Any
    ) -> AsyncIterator[ingest_pb2.StreamEventsResponse]:
        log = await self.requests.log()
        sent: asyncio.Queue[Sent | None] = asyncio.Queue(READ_AHEAD_BATCHES_MAX)
        reader = asyncio.create_task(self._read_ahead(log, requests, sent))
        try:
            while (one := await sent.get()) is not None:
                written = await answered(log, await one.answer)
                yield ingest_pb2.StreamEventsResponse(sequence=one.sequence, written=written)
            # What stopped the reader is answered only after everything before it was.
            await reader
        finally:
            reader.cancel()
            # Not `await reader`: what cancels this task meanwhile would be taken for the reader's end.
            await asyncio.gather(reader, return_exceptions=True)

    async def _read_ahead(
        self,
        log: TenantLog,
        requests: AsyncIterator[StreamRequest],
        sent: "asyncio.Queue[Sent | None]",
    ) -> None:
        try:
            async for request in requests:
                if self.requests.draining.started:
                    raise draining_error()
                await log.capacity()
                sequence = (request.request if isinstance(request, PartlyRead) else request).sequence
                batch = await received(request)
                await self.requests.quotas.wait(log, batch.arrival.page)
                await sent.put(Sent(sequence, log.submit(batch)))
        except Exception:
            await sent.put(None)
            raise
        await sent.put(None)


async def received(came: WriteRequest | StreamRequest) -> IncomingBatch:
    """Raises InvalidArgument where no event of it can be read."""
    # To read a row takes about as long as all else that is done with two. Of Arrow nobody knows the rows before.
    if isinstance(came, PartlyRead):
        work = len(came.part) // _ENCODED_ROW_BYTES
    else:
        work = 2 * len(came.batch.rows.events) or len(came.batch.arrow_ipc) // _ROW_BYTES
    try:
        return await computed(work, partial(incoming_batch, came, current_traceparent()))
    except MalformedBatch as malformed:
        path = ".".join(name for name in ("batch", malformed.field) if name)
        raise invalid(path, malformed.message, malformed.reason) from malformed


async def answered(log: TenantLog, written: Written | bytes) -> ingest_pb2.WriteEventsResponse:
    if isinstance(written, bytes):
        return ingest_pb2.WriteEventsResponse.FromString(written)
    through = CursorCodec(log.origin).encode(written.position) if written.position is not None else ""
    return await computed(_FAULT_ROWS * len(written.faults), partial(wire.written_response, written, through))
