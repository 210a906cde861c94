"""ExplainScore."""

from __future__ import annotations

import asyncio
from typing import Any

from andon.scoring.v1 import score_pb2, scoring_pb2

from services.runtime.errors import NotFound
from services.runtime.page_tokens import page_size, page_token, place_of
from services.scoring.fold.work_pairs import unmatched
from services.scoring.scores.display_unit import display_unit
from services.scoring.scores.explanation import (
    CaseValue,
    cases_of,
    composite_working,
    contribution,
    event_ids_by_case,
    members_of,
    with_unlisted,
    with_unmatched,
    working,
)
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import node_scores
from services.scoring.system.case_model import Work
from services.scoring.system.hierarchy import tree_of
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey, SeriesName, series_name, slice_of
from services.scoring.system.windows import ALL_TIME, EARLIEST_US, LATEST_US
from services.scoring.wire.ingest_client import table_of
from services.scoring.wire.scores import microseconds, score_message, score_of, text, unpack_score, window_id

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
        message = await self._score(tenant, current, key, microseconds(request.time))
        system = await self.requests.system(tenant, current.name, message.system_version)
        indicator = system.spec.indicator_by_name.get(name.indicator)
        if indicator is None:
            return await self._composite(tenant, system, name, message)
        cases = await self._cases(tenant, system, name, key, message) if message.count else []
        page = [case for case in cases if case.case_id > after][: size + 1]
        token = page_token(request, page[size - 1].case_id) if len(page) > size else ""
        score, unit = score_of(message), display_unit(system.spec, indicator)
        words = working(indicator, score, unit, system.spec.ratio(indicator))
        since_us = await self.requests.store.observed_since(tenant, system.name, system.version)
        missing = message.count - len(cases)
        if missing > 0 and since_us is not None and window_id(message.interval).start_us < since_us:
            words = with_unlisted(words, missing, since_us)
        ids = [case.case_id for case in page[:size]]
        events = await self.requests.replica.ingest(tenant).cases(ids, "") if ids else []
        measure = system.spec.measure_by_name[indicator.measure]
        if isinstance(measure.kind, Work):
            alone = await asyncio.to_thread(unmatched, events, measure.kind.activities)
            words = with_unmatched(words, len(ids), *alone)
        event_ids = event_ids_by_case(events, ids)
        scale = score.resolution * unit.scale
        return scoring_pb2.ExplainScoreResponse(
            score=message,
            working=text(words),
            cases=[
                scoring_pb2.CaseObservation(
                    case_id=case.case_id,
                    value=case.value,
                    event_ids=event_ids[case.case_id],
                    amount=case.value * scale,
                    contribution=contribution(indicator, case.value * scale, message.count),
                )
                for case in page[:size]
            ],
            next_page_token=token,
            total_count=len(cases),
            unit=unit.name,
            amount=None if score.value is None else score.value * unit.scale,
        )

    async def _score(self, tenant: str, system: IndicatorSystem, key: SeriesKey, at_us: int) -> score_pb2.Score:
        """As it was published, or that of an empty window as lists show it."""
        row = await self.requests.store.score_at(tenant, key, at_us)
        if row is not None:
            return unpack_score(row)
        silent = await self.requests.silent_series(tenant, system)
        for last in map(unpack_score, await self.requests.store.last_scores(tenant, [key], at_us)):
            for empty in silent.between(key, window_id(last.interval)):
                if empty.window.start_us <= at_us < empty.window.end_us:
                    return score_message(empty, None)
        raise NotFound("NOT_FOUND", "the series has no score at this time")

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

    async def _composite(
        self, tenant: str, system: IndicatorSystem, name: SeriesName, message: score_pb2.Score
    ) -> scoring_pb2.ExplainScoreResponse:
        tree = tree_of(system, name.window)
        found = await node_scores(self.requests, tenant, system, name.window, window_id(message.interval))
        scores = {node: score_of(one) for node, one in found.items()}
        members = members_of(tree, name.indicator, scores) if tree else []
        return scoring_pb2.ExplainScoreResponse(
            score=message,
            working=text(composite_working(members, score_of(message))),
            unit="points",
            amount=message.points if message.HasField("points") else None,
            nodes=[
                scoring_pb2.NodeContribution(
                    name=one.name,
                    title=text(one.title),
                    share=one.share,
                    points=one.points,
                    points_low=one.points_low,
                    points_high=one.points_high,
                    contribution=one.contribution,
                )
                for one in members
            ],
        )
