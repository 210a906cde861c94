"""ListSourceActivity and WatchSourceActivity: when sources came last, and which of them are silent."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from andon.ingest.v1 import data_quality_pb2

from services.ingest.data_quality.source_rhythm import SourceActivity, activity
from services.ingest.model import SECOND_US, SOURCE, SourceId, TenantId
from services.ingest.servicer.request_context import RequestContext
from services.ingest.wire.data_quality import activity_message
from services.ingest.wire.times import micros
from services.ingest.workers import computed
from services.ingest.writer.interface import IngestStore
from services.runtime.drain import draining_error
from services.runtime.errors import invalid
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.tail import heartbeat_within_limits

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000
SOURCES_MAX = 100
# What a source falls silent at is looked at so often.
CHECKED_EVERY_S = 10.0
_POLL_S = 0.5
# To learn a rhythm takes about as long as so many rows of a batch.
_RHYTHM_ROWS = 2_000


class SourceActivityRpcs:
    """`alarms_per_week`: false alarms of a source whose rhythm is learned."""

    requests: RequestContext
    alarms_per_week: float

    async def ListSourceActivity(
        self, request: data_quality_pb2.ListSourceActivityRequest, context: Any
    ) -> data_quality_pb2.ListSourceActivityResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after,) = place_of(request, "")
        sources = source_ids(request.sources)
        log = await self.requests.log()
        found = await activities(self.requests.store, log.tenant, self.alarms_per_week, sources, after, size + 1)
        chosen, now_us = found[:size], self.requests.clock_us()
        return data_quality_pb2.ListSourceActivityResponse(
            activities=[activity_message(one, now_us) for one in chosen],
            next_page_token=page_token(request, chosen[-1].source) if len(found) > size else "",
        )

    async def WatchSourceActivity(
        self, request: data_quality_pb2.WatchSourceActivityRequest, context: Any
    ) -> AsyncIterator[data_quality_pb2.WatchSourceActivityResponse]:
        sources = source_ids(request.sources)
        heartbeat_s = heartbeat_within_limits(micros(request.heartbeat) / SECOND_US)
        log = await self.requests.log()
        sent: dict[str, bool] = {}
        heartbeat_at = checked_at = 0.0
        while not self.requests.draining.started:
            now_s = time.monotonic()
            news: list[tuple[SourceActivity, int]] = []
            if now_s >= checked_at:
                checked_at = now_s + CHECKED_EVERY_S
                async for one in all_activities(self.requests.store, log.tenant, self.alarms_per_week, sources):
                    now_us = self.requests.clock_us()
                    if sent.get(one.source) is not one.is_silent(now_us):
                        sent[one.source] = one.is_silent(now_us)
                        news.append((one, now_us))
            if news or now_s >= heartbeat_at:
                heartbeat_at = now_s + heartbeat_s
                yield data_quality_pb2.WatchSourceActivityResponse(activities=[activity_message(*one) for one in news])
            await asyncio.sleep(min(_POLL_S, heartbeat_s))
        raise draining_error()


async def all_activities(
    store: IngestStore, tenant: TenantId, alarms_per_week: float, sources: Sequence[str] = ()
) -> AsyncIterator[SourceActivity]:
    """By name. No sources: all."""
    after = ""
    while found := await activities(store, tenant, alarms_per_week, sources, after, PAGE_SIZE):
        for one in found:
            yield one
        after = found[-1].source


async def activities(
    store: IngestStore,
    tenant: TenantId,
    alarms_per_week: float,
    sources: Sequence[str],
    after: str,
    count_max: int,
) -> list[SourceActivity]:
    """Of sources after one, by name. No sources: all."""
    async with store.session(tenant) as session:
        seen = await session.quality.hours(sources, after, count_max)
        known = await session.registry.sources()
    found = []
    for one in seen:
        source = known.get(SourceId(one.source))
        learned = partial(activity, one, source.silent_after_us if source else None, alarms_per_week)
        found.append(await computed(_RHYTHM_ROWS, learned))
    return found


def source_ids(names: Sequence[str]) -> list[str]:
    if len(names) > SOURCES_MAX:
        raise invalid("sources", f"must be at most {SOURCES_MAX}")
    for index, name in enumerate(names):
        if name and not SOURCE.fullmatch(name):
            raise invalid(f"sources[{index}]", "must be the id of a source")
    return list(names)
