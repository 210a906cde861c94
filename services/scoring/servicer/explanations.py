"""ExplainScore."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from andon.scoring.v1 import score_pb2, scoring_pb2

from services.runtime.errors import NotFound
from services.runtime.page_tokens import page_size, page_token, place_of
from services.scoring.fold.work_pairs import unmatched
from services.scoring.scores.explanation import (
    CaseValue,
    cases_of,
    composite_working,
    event_ids_by_case,
    with_unlisted,
    with_unmatched,
    working,
)
from services.scoring.servicer.request_context import RequestContext
from services.scoring.system.case_model import Text, Work
from services.scoring.system.hierarchy import tree_of
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey, SeriesName, series_name, slice_of
from services.scoring.system.windows import ALL_TIME, EARLIEST_US, LATEST_US
from services.scoring.wire.ingest_client import table_of
from services.scoring.wire.scores import microseconds, score_of, text, unpack_score, window_id

LIST_DEFAULT, LIST_MAX = 100, 1_000


class ExplanationRpcs:
    requests: RequestContext

    async def ExplainScore(
        self, request: scoring_pb2.ExplainScoreRequest, context: Any
    ) -> scoring_pb2.ExplainScoreResponse:
        tenant, size = self.requests.tenant, page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        (after,) = place_of(request, "")
        key = SeriesKey(request.series)
        current, name = await self.requests.system_of_series(tenant, key), series_name(key)
        row = await self.requests.store.score_at(tenant, key, microseconds(request.time))
        if row is None:
            raise NotFound("NOT_FOUND", "the series has no score at this time")
        message = unpack_score(row)
        system = await self.requests.system(tenant, current.name, message.system_version)
        if not message.HasField("moments"):
            words = await self._composite_working(tenant, system, name, message)
            return scoring_pb2.ExplainScoreResponse(score=message, working=text(words))
        cases = await self._cases(tenant, system, name, key, message)
        page = [case for case in cases if case.case_id > after][: size + 1]
        token = page_token(request, page[size - 1].case_id) if len(page) > size else ""
        words = working(system.spec.indicator_by_name[name.indicator], score_of(message))
        since_us = await self.requests.store.observed_since(tenant, system.name, system.version)
        missing = message.count - len(cases)
        if missing > 0 and since_us is not None and window_id(message.interval).start_us < since_us:
            words = with_unlisted(words, missing, since_us)
        ids = [case.case_id for case in page[:size]]
        events = await self.requests.replica.ingest(tenant).cases(ids, "") if ids else []
        measure = system.spec.measure_by_name[system.spec.indicator_by_name[name.indicator].measure]
        if isinstance(measure.kind, Work):
            alone = await asyncio.to_thread(unmatched, events, measure.kind.activities)
            words = with_unmatched(words, len(ids), *alone)
        return scoring_pb2.ExplainScoreResponse(
            score=message,
            working=text(words),
            cases=_with_events(page[:size], events),
            next_page_token=token,
            total_count=len(cases),
        )

    async def _cases(
        self, tenant: str, system: IndicatorSystem, name: SeriesName, key: SeriesKey, score: score_pb2.Score
    ) -> list[CaseValue]:
        window = window_id(score.interval)
        is_all = window == ALL_TIME
        span = (EARLIEST_US, LATEST_US) if is_all else (window.start_us, window.end_us)
        pages = await self.requests.store.observations(tenant, system.name, system.version, *span)
        return await asyncio.to_thread(
            lambda: cases_of((table_of(raw) for _, raw in pages), name.indicator, window, slice_of(key), is_all)
        )

    async def _composite_working(
        self, tenant: str, system: IndicatorSystem, name: SeriesName, score: score_pb2.Score
    ) -> Text:
        tree = tree_of(system, name.window)
        if tree is None:
            return Text()
        found = await self.requests.store.scores_of_window(
            tenant, name.process, name.system, name.window, window_id(score.interval).start_us
        )
        listed = [score_of(unpack_score(row)) for row in found]
        scores = {series_name(one.series).indicator: one for one in listed}
        return composite_working(tree, name.indicator, scores)


def _with_events(cases: Sequence[CaseValue], events: Sequence[pa.Table]) -> list[scoring_pb2.CaseObservation]:
    event_ids = event_ids_by_case(events, [case.case_id for case in cases])
    return [
        scoring_pb2.CaseObservation(case_id=case.case_id, value=case.value, event_ids=event_ids[case.case_id])
        for case in cases
    ]
