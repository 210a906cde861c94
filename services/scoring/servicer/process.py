"""ProcessService: open cases by the time that is left to their targets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from andon.scoring.v1 import process_pb2 as pb
from andon.scoring.v1 import process_pb2_grpc

from services.runtime.cursors import CursorCodec
from services.runtime.errors import NotFound, invalid
from services.runtime.page_tokens import page_size, page_token, place_of
from services.scoring.fold.open_cases import case_targets
from services.scoring.servicer.request_context import RequestContext, heartbeat_s
from services.scoring.store.open_cases import BEGINNING, OpenCaseQuery
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.open_case import OpenCase
from services.scoring.wire.open_cases import CaseEntry, open_case_message
from services.scoring.wire.scores import microseconds, timestamp
from services.scoring.wire.systems import stored_system

LIST_DEFAULT, LIST_MAX = 1_000, 10_000


class ProcessServicer(process_pb2_grpc.ProcessServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self.requests = requests

    async def ListOpenCases(self, request: pb.ListOpenCasesRequest, context: Any) -> pb.ListOpenCasesResponse:
        tenant, size = self.requests.tenant, page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        system = await self._active(tenant, request.name)
        targets = _checked_filter(system, request.filter)
        head = await self.requests.store.case_log_head(tenant)
        # States and times left of all pages speak of one moment.
        now_us = await self._now_us(tenant, system, request)
        due_us, case_id, indicator, as_of_us, through = place_of(
            request, BEGINNING, "", "", BEGINNING if now_us is None else now_us, head.position
        )
        known = as_of_us != BEGINNING
        query = _query(system, request, as_of_us)
        found = await self.requests.store.list_open_cases(tenant, query, (due_us, case_id, indicator), size + 1)
        response = pb.ListOpenCasesResponse(through=CursorCodec(head.origin).encode(through), indicators=targets)
        if len(found) > size:
            last = found[size - 1]
            response.next_page_token = page_token(request, last.due_us, last.case_id, last.indicator, as_of_us, through)
        if known:
            response.as_of.CopyFrom(timestamp(as_of_us))
        if not request.page_token:
            counts = await self.requests.store.count_open_cases(tenant, query, as_of_us)
            response.late_count, response.at_risk_count, response.on_time_count = counts
        # Ten thousand on a page.
        moment = as_of_us if known else None
        await asyncio.to_thread(lambda: response.cases.extend(_messages(found[:size], moment)))
        return response

    async def WatchOpenCases(
        self, request: pb.WatchOpenCasesRequest, context: Any
    ) -> AsyncIterator[pb.WatchOpenCasesResponse]:
        tenant = self.requests.tenant
        system = await self._active(tenant, request.name)
        _checked_filter(system, request.filter)
        head = await self.requests.store.case_log_head(tenant)
        codec = CursorCodec(head.origin)
        after = codec.watch_start(request.after, head.oldest, head.position)

        def picked(entry: CaseEntry) -> list[pb.OpenCaseChange]:
            if entry.system != system.name:
                return []
            return [change for change in entry.changes if _passes(request.filter, change.case)]

        tail = self.requests.replica.case_tail(tenant)
        beat_s = heartbeat_s(request.heartbeat)
        async for batch in tail.follow(after, heartbeat_s=beat_s, accepts=lambda entry: bool(picked(entry))):
            for position, entry in batch.items:
                yield pb.WatchOpenCasesResponse(changes=picked(entry), through=codec.encode(position))
            if not batch.items or batch.items[-1][0] != batch.through:
                yield pb.WatchOpenCasesResponse(through=codec.encode(batch.through))

    async def _active(self, tenant: str, name: str) -> IndicatorSystem:
        if not name:
            raise invalid("name", "is required", "FIELD_REQUIRED")
        stored = await self.requests.store.active_systems(tenant, [name])
        if not stored:
            raise NotFound("NOT_FOUND", "there is no active indicator system of this name")
        # A document as large as one may be takes longer than a loop can wait.
        return await asyncio.to_thread(stored_system, stored[0])

    async def _now_us(self, tenant: str, system: IndicatorSystem, request: pb.ListOpenCasesRequest) -> int | None:
        if request.HasField("as_of"):
            return microseconds(request.as_of)
        progress = await self.requests.store.progress_of_active(tenant, system.process, system.system)
        return next((one.watermark_us() for one in progress), None)


def _checked_filter(system: IndicatorSystem, wanted: pb.OpenCaseFilter) -> list[str]:
    """The indicators that have a target."""
    targets = [target.indicator for target in case_targets(system.spec)]
    for place, name in enumerate(wanted.indicators):
        if name not in targets:
            raise invalid(f"filter.indicators[{place}]", "is no indicator with a limit or target that a case can pass")
    for name in sorted(wanted.slice):
        if name not in system.spec.dimension_names:
            raise invalid("filter.slice", f"{name} is no dimension of the indicator system")
    return targets


def _query(system: IndicatorSystem, request: pb.ListOpenCasesRequest, as_of_us: int) -> OpenCaseQuery:
    query = OpenCaseQuery(system.name, system.version, request.filter.indicators, request.filter.slice)
    if not request.HasField("time_left_max"):
        return query
    return OpenCaseQuery(
        system.name,
        system.version,
        request.filter.indicators,
        request.filter.slice,
        as_of_us + request.time_left_max.ToMicroseconds(),
    )


def _messages(found: Sequence[OpenCase], now_us: int | None) -> list[pb.OpenCase]:
    return [open_case_message(one, one.state(now_us), now_us) for one in found]


def _passes(wanted: pb.OpenCaseFilter, case: pb.OpenCase) -> bool:
    if wanted.indicators and case.indicator not in wanted.indicators:
        return False
    return all(case.slice.get(name) == value for name, value in wanted.slice.items())
