"""SensorService: what sensors measure, and their readings as statistics."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from andon.ingest.v1 import sensor_pb2
from andon.ingest.v1 import sensor_pb2_grpc as grpc_stubs

from services.ingest.admission.readings import Downsampled, downsampled, read_readings
from services.ingest.model import (
    RESERVED_PREFIX,
    SOURCE,
    IncomingBatch,
    MalformedBatch,
    Source,
    SourceId,
    Written,
)
from services.ingest.registry.sensors.model import SensorSource
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.sensor_rules import check_batch, check_sensor_source
from services.ingest.wire import sensors as sensor_wire
from services.ingest.workers import computed
from services.ingest.writer.interface import LockedSession, StoreSession
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.cursors import CursorCodec
from services.runtime.drain import draining_error
from services.runtime.errors import AlreadyExists, NotFound, invalid
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.telemetry import current_traceparent

PAGE_SIZE, PAGE_SIZE_MAX = 20, 100
READ_AHEAD_BATCHES_MAX = 16
# Of a batch of readings: what takes as long as admitting a row does.
_ROW_BYTES = 100


@dataclass(frozen=True)
class Declared:
    """The sensors that a stream writes for, and the source that admits them."""

    sensors: SensorSource
    source: Source


@dataclass(frozen=True)
class SentReadings:
    """A batch of readings that is on its way to the disk."""

    sequence: int
    made: Downsampled
    answer: "asyncio.Future[Written | bytes]"


class SensorServicer(grpc_stubs.SensorServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self._requests = requests

    async def CreateSensorSource(
        self, request: sensor_pb2.CreateSensorSourceRequest, context: Any
    ) -> sensor_pb2.CreateSensorSourceResponse:
        checks, name = FieldChecks(), request.sensor_source_id
        own = SOURCE.fullmatch(name) is not None and not name.startswith(RESERVED_PREFIX)
        checks.require(own, "sensor_source_id", f"must be 1 to 64 of [a-z0-9._-], and not begin with {RESERVED_PREFIX}")
        check_sensor_source(request.sensor_source, checks)
        checks.done()
        one = sensor_wire.sensor_source(request.sensor_source, SourceId(name))

        async def create(session: LockedSession) -> sensor_pb2.CreateSensorSourceResponse:
            if await session.registry.source(one.id) is not None:
                raise AlreadyExists("ALREADY_EXISTS", "a source of this name exists")
            if not request.validate_only:
                await session.registry.create_source(sensor_wire.source_of(one))
                await session.sensors.create(one)
            made = one if request.validate_only else await _sensors(session, one.id)
            return sensor_pb2.CreateSensorSourceResponse(sensor_source=sensor_wire.sensor_source_message(made))

        kind = sensor_pb2.CreateSensorSourceResponse
        return await self._requests.once("CreateSensorSource", request, kind, create)

    async def GetSensorSource(
        self, request: sensor_pb2.GetSensorSourceRequest, context: Any
    ) -> sensor_pb2.GetSensorSourceResponse:
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await _sensors(session, _id(request.name))
        return sensor_pb2.GetSensorSourceResponse(sensor_source=sensor_wire.sensor_source_message(found))

    async def ListSensorSources(
        self, request: sensor_pb2.ListSensorSourcesRequest, context: Any
    ) -> sensor_pb2.ListSensorSourcesResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after,) = place_of(request, "")
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await session.sensors.sensor_sources(after, size + 1)
        more = page_token(request, found[size - 1].id) if len(found) > size else ""
        messages = [sensor_wire.sensor_source_message(one) for one in found[:size]]
        return sensor_pb2.ListSensorSourcesResponse(sensor_sources=messages, next_page_token=more)

    async def StreamReadings(
        self, requests: AsyncIterator[sensor_pb2.StreamReadingsRequest], context: Any
    ) -> AsyncIterator[sensor_pb2.StreamReadingsResponse]:
        log = await self._requests.log()
        sent: asyncio.Queue[SentReadings | None] = asyncio.Queue(READ_AHEAD_BATCHES_MAX)
        reader = asyncio.create_task(self._read_ahead(log, requests, sent))
        try:
            while (one := await sent.get()) is not None:
                written = await one.answer
                # Only a single call has an id by which an earlier answer is found.
                assert isinstance(written, Written)
                through = CursorCodec(log.origin).encode(written.position) if written.position is not None else ""
                yield sensor_wire.readings_response(one.sequence, one.made, written, through)
            # What stopped the reader is answered only after everything before it was.
            await reader
        finally:
            reader.cancel()
            # Not `await reader`: what cancels this task meanwhile would be taken for the reader's end.
            await asyncio.gather(reader, return_exceptions=True)

    async def _read_ahead(
        self,
        log: TenantLog,
        requests: AsyncIterator[sensor_pb2.StreamReadingsRequest],
        sent: "asyncio.Queue[SentReadings | None]",
    ) -> None:
        declared: dict[str, Declared] = {}
        try:
            async for request in requests:
                if self._requests.draining.started:
                    raise draining_error()
                check_batch(request)
                await log.capacity()
                if request.sensor_source not in declared:
                    declared[request.sensor_source] = await self._declared(log, _id(request.sensor_source))
                act = partial(_made, request, declared[request.sensor_source], self._requests.clock_us())
                try:
                    made = await computed(len(request.arrow_ipc) // _ROW_BYTES, act)
                except MalformedBatch as malformed:
                    path = malformed.field if malformed.field == "arrow_ipc" else f"arrow_ipc.{malformed.field}"
                    raise invalid(path, malformed.message, malformed.reason) from malformed
                await self._requests.quotas.wait(log, made.arrival.page)
                batch = IncomingBatch(made.arrival, current_traceparent())
                await sent.put(SentReadings(request.sequence, made, log.submit(batch)))
        except Exception:
            await sent.put(None)
            raise
        await sent.put(None)

    async def _declared(self, log: TenantLog, name: SourceId) -> Declared:
        async with self._requests.store.session(log.tenant) as session:
            source = await session.registry.source(name)
            sensors = await _sensors(session, name)
        assert source is not None
        return Declared(sensors, source)


def _made(request: sensor_pb2.StreamReadingsRequest, declared: Declared, now_us: int) -> Downsampled:
    source, sensors = declared.source, declared.sensors
    span_us = (source.time_earliest_us, now_us + source.future_tolerance_us)
    rules = sensor_wire.rules_of(sensors)
    batch = read_readings(request.arrow_ipc)
    return downsampled(batch, sensors.id, request.batch_id, rules, sensors.period_us, span_us)


async def _sensors(session: StoreSession, name: SourceId) -> SensorSource:
    found = await session.sensors.sensor_source(name)
    if found is None:
        raise NotFound("NOT_FOUND", "no such sensors")
    return found


def _id(name: str) -> SourceId:
    return SourceId(name.removeprefix(sensor_wire.SENSOR_PREFIX))
