"""WatchProblems and GetWatchBounds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1 import problem_pb2

from services.improvement.servicer.request_context import RequestContext
from services.improvement.wire.codec import decode_changes
from services.improvement.wire.filters import matches, problem_query
from services.improvement.wire.scalars import duration, length_us
from services.improvement.wire.validation import check_filter
from services.runtime.cursors import CursorCodec

SNAPSHOT_PAGE = 200


class WatchRpcs:
    requests: RequestContext

    async def WatchProblems(
        self, request: pb.WatchProblemsRequest, context: Any
    ) -> AsyncIterator[pb.WatchProblemsResponse]:
        check_filter(request.filter)
        tenant = self.requests.tenant
        async with self.requests.store.transaction(tenant) as transaction:
            head = await transaction.head()
        codec = CursorCodec(head.origin)
        after = codec.watch_start(request.after, head.oldest, head.position, snapshot=request.snapshot)
        if request.snapshot:
            async for problems, is_last in self._snapshot(tenant, request.filter):
                ends = codec.encode(after) if is_last else ""
                yield pb.WatchProblemsResponse(problems=problems, through=ends, snapshot_complete=is_last)
        else:
            yield pb.WatchProblemsResponse(through=codec.encode(after))
        heartbeat_s = length_us(request.heartbeat) / 1e6 if request.HasField("heartbeat") else None
        async for batch in self.requests.tenants.of(tenant).tail.follow(after, heartbeat_s=heartbeat_s):
            now_us = self.requests.clock_us()
            changed = (problem for _, entry in batch.items for problem in decode_changes(entry.changes))
            response = pb.WatchProblemsResponse(
                problems=[self.requests.message(one) for one in changed if matches(request.filter, one, now_us)],
                through=codec.encode(batch.through),
            )
            if batch.items:
                lag_us = now_us - int(batch.items[0][1].committed_at.timestamp() * 1_000_000)
                response.lag.CopyFrom(duration(max(0, lag_us)))
            yield response

    async def _snapshot(
        self, tenant: str, filter_: pb.ProblemFilter
    ) -> AsyncIterator[tuple[list[problem_pb2.Problem], bool]]:
        """Page by page, so that no reader holds a transaction open; what changed meanwhile comes again with the log."""
        query, severity, name = problem_query(filter_, self.requests.clock_us()), math.inf, ""
        while True:
            async with self.requests.store.transaction(tenant) as transaction:
                page = await transaction.page(query, severity, name, SNAPSHOT_PAGE)
            is_last = len(page) < SNAPSHOT_PAGE
            yield await asyncio.to_thread(self.requests.messages, page), is_last
            if is_last:
                return
            severity, name = page[-1].severity, page[-1].name

    async def GetWatchBounds(self, request: pb.GetWatchBoundsRequest, context: Any) -> pb.GetWatchBoundsResponse:
        async with self.requests.store.transaction(self.requests.tenant) as transaction:
            head = await transaction.head()
        codec = CursorCodec(head.origin)
        return pb.GetWatchBoundsResponse(oldest=codec.encode(head.oldest), newest=codec.encode(head.position))
