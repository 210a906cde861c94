"""WriteEvents and StreamEvents."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from andon.ingest.v1 import event_pb2, ingest_pb2

from services.ingest import wire
from services.ingest.metrics import metrics
from services.ingest.model import IncomingBatch, MalformedBatch, Written
from services.ingest.servicer.request_context import RequestContext
from services.ingest.workers import computed
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.cursors import CursorCodec
from services.runtime.drain import draining_error
from services.runtime.errors import invalid
from services.runtime.requests import idempotency_key
from services.runtime.telemetry import current_traceparent

READ_AHEAD_BATCHES_MAX = 64
# A refused event is as much work as so many that are accepted.
_FAULT_ROWS = 20
# Of a column-wise batch: what takes as long as a row otherwise does.
_ROW_BYTES = 200


@dataclass(frozen=True)
class Sent:
    """A batch of a stream that is on its way to the disk."""

    sequence: int
    answer: "asyncio.Future[Written | bytes]"


class WriteRpcs:
    requests: RequestContext

    async def WriteEvents(self, request: ingest_pb2.WriteEventsRequest, context: Any) -> ingest_pb2.WriteEventsResponse:
        begun_s = time.perf_counter()
        batch = replace(await received(request.batch), validate_only=request.validate_only)
        key = await computed(batch.received, lambda: idempotency_key(request))
        if key is not None:
            batch = replace(batch, request_id=key.request_id, fingerprint=key.fingerprint)
        log = await self.requests.log()
        response = await answered(log, await log.submit(batch))
        encoding = request.batch.WhichOneof("encoding") or ""
        metrics.record("andon.ingest.batch.duration", time.perf_counter() - begun_s, encoding=encoding)
        return response

    async def StreamEvents(
        self, requests: AsyncIterator[ingest_pb2.StreamEventsRequest], context: Any
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
        requests: AsyncIterator[ingest_pb2.StreamEventsRequest],
        sent: "asyncio.Queue[Sent | None]",
    ) -> None:
        try:
            async for request in requests:
                if self.requests.draining.started:
                    raise draining_error()
                await log.capacity()
                await sent.put(Sent(request.sequence, log.submit(await received(request.batch))))
        except Exception:
            await sent.put(None)
            raise
        await sent.put(None)


async def received(batch: event_pb2.EventBatch) -> IncomingBatch:
    # To read a row takes about as long as all else that is done with two. Of Arrow nobody knows the rows before.
    rows = len(batch.arrow_ipc) // _ROW_BYTES or 2 * len(batch.rows.events)
    try:
        arrival = await computed(rows, partial(wire.arrival, batch))
    except MalformedBatch as malformed:
        path = ".".join(part for part in ("batch", malformed.field) if part)
        raise invalid(path, malformed.message, malformed.reason) from malformed
    return IncomingBatch(arrival, current_traceparent())


async def answered(log: TenantLog, written: Written | bytes) -> ingest_pb2.WriteEventsResponse:
    if isinstance(written, bytes):
        return ingest_pb2.WriteEventsResponse.FromString(written)
    through = CursorCodec(log.origin).encode(written.position) if written.position is not None else ""
    return await computed(_FAULT_ROWS * len(written.faults), partial(wire.written_response, written, through))
