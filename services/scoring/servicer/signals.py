"""ListSignals and WatchSignals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from andon.scoring.v1 import score_pb2, scoring_pb2

from services.runtime.page_tokens import page_size, page_token, place_of
from services.scoring.servicer.request_context import RequestContext, following, lag_since
from services.scoring.system.series import SeriesFilter
from services.scoring.system.windows import EARLIEST_US, LATEST_US
from services.scoring.wire.entries import PublishedEntry
from services.scoring.wire.scores import bounds, filter_of, unpack_signal

LIST_DEFAULT, LIST_MAX = 1_000, 10_000
SNAPSHOT_PAGE = 2_000


class SignalRpcs:
    requests: RequestContext

    async def ListSignals(
        self, request: scoring_pb2.ListSignalsRequest, context: Any
    ) -> scoring_pb2.ListSignalsResponse:
        tenant, size = self.requests.tenant, page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        if not request.page_token:
            filter_ = request.filter
            await self.requests.reached(tenant, request.at_least, filter_.process, filter_.system, context)
        codec, newest, _ = await self.requests.cursors(tenant)
        after, through = place_of(request, "", newest)
        rows = await self.requests.store.list_signals(
            tenant, filter_of(request.filter), bounds(request.interval), request.include_retracted, after, size + 1
        )
        response = scoring_pb2.ListSignalsResponse(through=codec.encode(through))
        if len(rows) > size:
            response.next_page_token = page_token(request, unpack_signal(rows[size - 1]).name, through)
        # Ten thousand on a page.
        await asyncio.to_thread(lambda: response.signals.extend(map(unpack_signal, rows[:size])))
        return response

    async def WatchSignals(
        self, request: scoring_pb2.WatchSignalsRequest, context: Any
    ) -> AsyncIterator[scoring_pb2.WatchSignalsResponse]:
        tenant = self.requests.tenant
        codec, newest, oldest = await self.requests.cursors(tenant)
        wanted = filter_of(request.filter)
        after = codec.watch_start(request.after, oldest, newest, snapshot=request.snapshot)
        if request.snapshot:
            async for signals, is_last in self._active(tenant, wanted):
                ends = codec.encode(after) if is_last else ""
                yield scoring_pb2.WatchSignalsResponse(signals=signals, through=ends, snapshot_complete=is_last)

        def pick(entry: PublishedEntry) -> list[score_pb2.Signal]:
            return [signal for signal in entry.signals if wanted.passes(signal.series)]

        # A response per commit, since each has its own trace.
        async for groups, through in following(self.requests, tenant, after, request.heartbeat, pick, per_commit=True):
            for group in groups:
                yield scoring_pb2.WatchSignalsResponse(
                    signals=group.items,
                    through=codec.encode(group.through),
                    lag=lag_since(group.committed_at),
                    traceparent=group.traceparent,
                )
            if not groups or groups[-1].through != through:
                yield scoring_pb2.WatchSignalsResponse(through=codec.encode(through))

    async def _active(self, tenant: str, filter_: SeriesFilter) -> AsyncIterator[tuple[list[score_pb2.Signal], bool]]:
        after = ""
        while True:
            rows = await self.requests.store.list_signals(
                tenant, filter_, (EARLIEST_US, LATEST_US), False, after, SNAPSHOT_PAGE
            )
            signals = [unpack_signal(row) for row in rows]
            yield signals, len(signals) < SNAPSHOT_PAGE
            if len(signals) < SNAPSHOT_PAGE:
                return
            after = signals[-1].name
