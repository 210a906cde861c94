"""ListSignals and WatchSignals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from andon.scoring.v1 import score_pb2, scoring_pb2

from services.scoring.replica.tail import Step
from services.scoring.servicer.page_tokens import page_size, page_token, place_of
from services.scoring.servicer.request_context import Desk, Group, following, lag_since, watch_from
from services.scoring.wire.scores import EARLIEST_US, LATEST_US, bounds, matches

LIST_DEFAULT, LIST_MAX = 1_000, 10_000
SNAPSHOT_PAGE = 2_000


class Signals:
    desk: Desk

    async def ListSignals(
        self, request: scoring_pb2.ListSignalsRequest, context: Any
    ) -> scoring_pb2.ListSignalsResponse:
        tenant, size = self.desk.tenant, page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        if not request.page_token:
            filter_ = request.filter
            await self.desk.reached(tenant, request.at_least, filter_.process, filter_.system, context)
        codec, newest, _ = await self.desk.cursors(tenant)
        after, through = place_of(request, "", newest)
        signals = await self.desk.store.list_signals(
            tenant, request.filter, bounds(request.interval), request.include_retracted, after, size + 1
        )
        token = page_token(request, signals[size - 1].name, through) if len(signals) > size else ""
        return scoring_pb2.ListSignalsResponse(
            signals=signals[:size], next_page_token=token, through=codec.encode(through)
        )

    async def WatchSignals(
        self, request: scoring_pb2.WatchSignalsRequest, context: Any
    ) -> AsyncIterator[scoring_pb2.WatchSignalsResponse]:
        tenant = self.desk.tenant
        codec, newest, oldest = await self.desk.cursors(tenant)
        after = watch_from(codec, request.after, request.snapshot, newest, oldest)
        if request.snapshot:
            async for signals, is_last in self._standing(tenant, request.filter):
                ends = codec.encode(after) if is_last else ""
                yield scoring_pb2.WatchSignalsResponse(signals=signals, through=ends, snapshot_complete=is_last)

        def pick(step: Step) -> list[score_pb2.Signal]:
            return [signal for signal in step.signals if matches(request.filter, signal.series)]

        # A response per commit, since each has its own trace.
        async for groups, through in following(self.desk, tenant, after, request.heartbeat, pick, per_commit=True):
            for group in groups:
                yield _response(group, codec.encode(group.through))
            if not groups or groups[-1].through != through:
                yield scoring_pb2.WatchSignalsResponse(through=codec.encode(through))

    async def _standing(
        self, tenant: str, filter_: scoring_pb2.SeriesFilter
    ) -> AsyncIterator[tuple[list[score_pb2.Signal], bool]]:
        after = ""
        while True:
            signals = await self.desk.store.list_signals(
                tenant, filter_, (EARLIEST_US, LATEST_US), False, after, SNAPSHOT_PAGE
            )
            yield signals, len(signals) < SNAPSHOT_PAGE
            if len(signals) < SNAPSHOT_PAGE:
                return
            after = signals[-1].name


def _response(group: Group[score_pb2.Signal], through: str) -> scoring_pb2.WatchSignalsResponse:
    return scoring_pb2.WatchSignalsResponse(
        signals=group.items, through=through, lag=lag_since(group.committed_at), traceparent=group.traceparent
    )
