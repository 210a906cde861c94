"""DataQualityService: the quality of data by source and day, its changes, and how active sources are."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from andon.ingest.v1 import data_quality_pb2, data_quality_pb2_grpc

from services.ingest.model import SECOND_US
from services.ingest.registry.data_quality import Day
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.source_activity import SourceActivityRpcs, source_ids
from services.ingest.wire.data_quality import day_message, days_of
from services.ingest.wire.times import micros
from services.runtime.cursors import CursorCodec
from services.runtime.drain import draining_error
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.tail import heartbeat_within_limits

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000
WATCHED_AT_ONCE = 500
# A busy source changes its day with every commit: it is sent so often, and nobody is told each time.
SENT_EVERY_S = 1.0
POLL_S = 1.0
_FIRST = -(2**31)


class DataQualityServicer(SourceActivityRpcs, data_quality_pb2_grpc.DataQualityServiceServicer):
    def __init__(self, requests: RequestContext, alarms_per_week: float) -> None:
        self.requests = requests
        self.alarms_per_week = alarms_per_week

    async def GetDataQuality(
        self, request: data_quality_pb2.GetDataQualityRequest, context: Any
    ) -> data_quality_pb2.GetDataQualityResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        day, source = place_of(request, _FIRST, "")
        sources = source_ids(request.sources)
        begin, end = days_of(request.interval)
        log = await self.requests.log()
        async with self.requests.store.session(log.tenant) as session:
            head = await session.log.head()
            found = await session.quality.days(sources, begin, end, (Day(day), source), size + 1)
        chosen = found[:size]
        return data_quality_pb2.GetDataQualityResponse(
            days=map(day_message, chosen),
            next_page_token=page_token(request, chosen[-1].day, chosen[-1].source) if len(found) > size else "",
            through=CursorCodec(head.origin).encode(head.position),
        )

    async def WatchDataQuality(
        self, request: data_quality_pb2.WatchDataQualityRequest, context: Any
    ) -> AsyncIterator[data_quality_pb2.WatchDataQualityResponse]:
        sources = source_ids(request.sources)
        heartbeat_s = heartbeat_within_limits(micros(request.heartbeat) / SECOND_US)
        log = await self.requests.log()
        head = await self.requests.store.log(log.tenant).head()
        cursors = CursorCodec(head.origin)
        # What is recorded of days does not expire with the log, so no cursor is too old.
        otherwise = 0 if request.snapshot else head.position
        after = cursors.watch_start(request.after, 0, head.position, snapshot=request.snapshot, otherwise=otherwise)
        due_s = time.monotonic()
        while not self.requests.draining.started:
            generation = log.tail.changed.generation()
            async with self.requests.store.session(log.tenant) as session:
                end = (await session.log.head()).position
                found = await session.quality.changed(sources, after, end, WATCHED_AT_ONCE)
            is_all = len(found) < WATCHED_AT_ONCE
            after = end if is_all else found[-1].position
            if found or time.monotonic() >= due_s:
                due_s = time.monotonic() + heartbeat_s
                yield data_quality_pb2.WatchDataQualityResponse(
                    days=map(day_message, found), through=cursors.encode(after)
                )
            if is_all:
                if found:
                    await asyncio.sleep(min(SENT_EVERY_S, heartbeat_s))
                wait_s = min(POLL_S, max(0.0, due_s - time.monotonic()))
                await log.tail.changed.changed(generation, wait_s)
        raise draining_error()
