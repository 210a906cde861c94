"""ListSeries, ListScores, WatchScores, GetWatchBounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from andon.scoring.v1 import score_pb2, scoring_pb2

from services.runtime.errors import OutOfRange
from services.runtime.page_tokens import page_size, page_token, place_of
from services.scoring.servicer.request_context import RequestContext, following, lag_since
from services.scoring.servicer.score_rows import rows_with_silence
from services.scoring.store.results import HistoryGone, Page
from services.scoring.system.series import SeriesFilter
from services.scoring.system.windows import EARLIEST_US, LATEST_US
from services.scoring.wire.entries import PublishedEntry
from services.scoring.wire.scores import bounds, filter_of, series_message, unpack_score, window_id

LIST_DEFAULT, LIST_MAX = 1_000, 10_000
SNAPSHOT_PAGE = 2_000


class ScoreRpcs:
    requests: RequestContext

    async def ListSeries(self, request: scoring_pb2.ListSeriesRequest, context: Any) -> scoring_pb2.ListSeriesResponse:
        tenant, size = self.requests.tenant, page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        (after,) = place_of(request, "")
        keys = await self.requests.store.list_series(tenant, filter_of(request.filter), after, size + 1)
        systems = await self.requests.systems_of(tenant, keys[:size])
        listed = await asyncio.to_thread(lambda: [series_message(key, systems.get(key)) for key in keys[:size]])
        token = page_token(request, keys[size - 1]) if len(keys) > size else ""
        return scoring_pb2.ListSeriesResponse(series=listed, next_page_token=token)

    async def ListScores(self, request: scoring_pb2.ListScoresRequest, context: Any) -> scoring_pb2.ListScoresResponse:
        tenant, size = self.requests.tenant, page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        codec, newest, _ = await self.requests.cursors(tenant)
        if not request.page_token:
            filter_ = request.filter
            await self.requests.reached(tenant, request.at_least, filter_.process, filter_.system, context)
            codec, newest, _ = await self.requests.cursors(tenant)
        series, start_us, through = place_of(request, "", EARLIEST_US, newest)
        as_of = request.as_of.ToDatetime(UTC) if request.HasField("as_of") else None
        page, wanted, span = Page((series, start_us), size + 1), filter_of(request.filter), bounds(request.interval)
        if as_of is None and not request.published_only:
            scores = await rows_with_silence(self.requests, tenant, wanted, span, page)
        else:
            try:
                rows = await self.requests.store.list_scores(tenant, wanted, span, page, as_of)
            except HistoryGone as gone:
                codec, _, oldest = await self.requests.cursors(tenant)
                kept = {"oldest": codec.encode(oldest), "oldest_time": gone.since.isoformat()}
                message = "as_of lies before the history that is kept"
                raise OutOfRange("CURSOR_EXPIRED", message, metadata=kept) from gone
            scores = await asyncio.to_thread(lambda: [unpack_score(row) for row in rows])
        token = ""
        if len(scores) > size:
            last = scores[size - 1]
            token = page_token(request, last.series, window_id(last.interval).start_us, through)
        response = scoring_pb2.ListScoresResponse(next_page_token=token, through=codec.encode(through))
        await asyncio.to_thread(response.scores.extend, scores[:size])
        return response

    async def WatchScores(
        self, request: scoring_pb2.WatchScoresRequest, context: Any
    ) -> AsyncIterator[scoring_pb2.WatchScoresResponse]:
        tenant = self.requests.tenant
        codec, newest, oldest = await self.requests.cursors(tenant)
        wanted = filter_of(request.filter)
        after = codec.watch_start(request.after, oldest, newest, snapshot=request.snapshot)
        if request.snapshot:
            async for scores, is_last in self._snapshot(tenant, wanted):
                ends = codec.encode(after) if is_last else ""
                yield scoring_pb2.WatchScoresResponse(scores=scores, through=ends, snapshot_complete=is_last)

        def pick(entry: PublishedEntry) -> list[score_pb2.Score]:
            return [score for score in entry.scores if wanted.passes(score.series)]

        async for groups, through in following(self.requests, tenant, after, request.heartbeat, pick):
            for group in groups[:-1]:
                yield _response(group.items, codec.encode(group.through), group.committed_at)
            last = groups[-1] if groups else None
            yield _response(last.items if last else [], codec.encode(through), last.committed_at if last else None)

    async def _snapshot(self, tenant: str, filter_: SeriesFilter) -> AsyncIterator[tuple[list[score_pb2.Score], bool]]:
        """Page by page, so that no reader holds a transaction open; what changed meanwhile comes again with the log."""
        after = ("", EARLIEST_US)
        while True:
            rows = await self.requests.store.list_scores(
                tenant, filter_, (EARLIEST_US, LATEST_US), Page(after, SNAPSHOT_PAGE)
            )
            scores = [unpack_score(row) for row in rows]
            yield scores, len(scores) < SNAPSHOT_PAGE
            if len(scores) < SNAPSHOT_PAGE:
                return
            after = (scores[-1].series, window_id(scores[-1].interval).start_us)

    async def GetWatchBounds(
        self, request: scoring_pb2.GetWatchBoundsRequest, context: Any
    ) -> scoring_pb2.GetWatchBoundsResponse:
        codec, newest, oldest = await self.requests.cursors(self.requests.tenant)
        return scoring_pb2.GetWatchBoundsResponse(oldest=codec.encode(oldest), newest=codec.encode(newest))


def _response(
    scores: list[score_pb2.Score], through: str, committed_at: datetime | None
) -> scoring_pb2.WatchScoresResponse:
    response = scoring_pb2.WatchScoresResponse(scores=scores, through=through)
    if committed_at is not None:
        response.lag.CopyFrom(lag_since(committed_at))
    return response
