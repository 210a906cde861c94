"""ExplainProblem."""

from __future__ import annotations

import asyncio
from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb
from andon.scoring.v1 import scoring_pb2

from services.improvement.model import SignalReference
from services.improvement.servicer.request_context import RequestContext
from services.improvement.wire.scalars import interval
from services.runtime.page_tokens import page_size

EXPLAINED_AT_ONCE = 8
EVENTS_DEFAULT, EVENTS_MAX = 20, 1_000


class ProblemExplanationRpcs:
    requests: RequestContext

    async def ExplainProblem(self, request: pb.ExplainProblemRequest, context: Any) -> pb.ExplainProblemResponse:
        most = page_size(request.events_max, EVENTS_DEFAULT, EVENTS_MAX, "events_max")
        problem, scoring = await self.requests.known(request.name), self.requests.scoring
        room = asyncio.Semaphore(EXPLAINED_AT_ONCE)

        async def link(reference: SignalReference) -> pb.ExplainProblemResponse.Link:
            async with room:
                return _link(reference, await scoring.explain(reference.series, reference.start_us, most), most)

        links = await asyncio.gather(*(link(reference) for reference in problem.signals))
        return pb.ExplainProblemResponse(problem=self.requests.message(problem), links=links)


def _link(
    reference: SignalReference, explained: scoring_pb2.ExplainScoreResponse | None, most: int
) -> pb.ExplainProblemResponse.Link:
    link = pb.ExplainProblemResponse.Link(
        signal=reference.signal,
        series=reference.series,
        interval=interval(reference.start_us, reference.end_us),
        value=reference.value,
        amount=reference.value,
    )
    # A signal may be of a window in which nothing happened: the silence is what it says, and no event lies below it.
    if explained is not None:
        link.value = explained.score.value
        link.unit, link.amount = explained.unit, explained.amount
        link.case_count = explained.total_count
        link.case_ids.extend(case.case_id for case in explained.cases)
        link.event_ids.extend([event_id for case in explained.cases for event_id in case.event_ids][:most])
    return link
