"""ListProblems, GetProblemCounts, GetProblem and GetImprovementStatus."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from andon.common.v1 import text_pb2
from andon.improvement.v1 import improvement_pb2 as pb

from services.improvement.model import Problem, ProblemOrder, list_key
from services.improvement.servicer.request_context import RequestContext
from services.improvement.store import IntakeFailure
from services.improvement.wire.codec import combined
from services.improvement.wire.filters import ORDERS, problem_query
from services.improvement.wire.validation import check_filter
from services.runtime.cursors import CursorCodec, foreign_position, same_log
from services.runtime.notifier import reach
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_DEFAULT, PAGE_MAX = 100, 1_000


class ListRpcs:
    requests: RequestContext

    async def ListProblems(self, request: pb.ListProblemsRequest, context: Any) -> pb.ListProblemsResponse:
        check_filter(request.filter)
        limit = page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
        key, name = place_of(request, math.inf, "")
        order = ORDERS[request.order]
        if request.at_least:
            await self._reached(request.at_least, context)
        async with self.requests.store.transaction(self.requests.tenant) as transaction:
            head = await transaction.head()
            problems = await transaction.page(
                problem_query(request.filter, self.requests.clock_us(), order), key, name, limit + 1
            )
        shown = problems[:limit]
        return pb.ListProblemsResponse(
            problems=await asyncio.to_thread(self.requests.messages, shown),
            next_page_token=_after(request, shown[-1], order) if len(problems) > limit else "",
            through=CursorCodec(head.origin).encode(head.position),
        )

    async def _reached(self, at_least: str, context: Any) -> None:
        """Waits until the problems hold everything of scoring's log through this cursor."""
        wanted, tenant = foreign_position(at_least), self.requests.tenant

        async def settled() -> bool:
            async with self.requests.store.transaction(tenant) as transaction:
                head = await transaction.head()
            same_log(at_least, head.signals_through)
            return head.settled_position >= wanted

        await reach(settled, self.requests.tenants.of(tenant).changed, context.time_remaining())

    async def GetProblemCounts(self, request: pb.GetProblemCountsRequest, context: Any) -> pb.GetProblemCountsResponse:
        async with self.requests.store.transaction(self.requests.tenant) as transaction:
            counts = await transaction.counts(request.process, request.system)
            waiting = await transaction.waiting(request.process, request.system, self.requests.clock_us())
        overdue, snoozed, unowned = waiting
        kind = pb.GetProblemCountsResponse
        return kind(
            counts=[kind.Count(state=state, count=count) for state, count in counts],  # type: ignore[arg-type]
            overdue_count=overdue,
            snoozed_count=snoozed,
            unowned_count=unowned,
        )

    async def GetProblem(self, request: pb.GetProblemRequest, context: Any) -> pb.GetProblemResponse:
        return pb.GetProblemResponse(problem=self.requests.message(await self.requests.known(request.name)))

    async def GetImprovementStatus(
        self, request: pb.GetImprovementStatusRequest, context: Any
    ) -> pb.GetImprovementStatusResponse:
        store, tenant = self.requests.store, self.requests.tenant
        async with store.transaction(tenant) as transaction:
            head = await transaction.head()
        return pb.GetImprovementStatusResponse(
            signals_through=head.signals_through,
            through=CursorCodec(head.origin).encode(head.position),
            open_count=head.live_count,
            total_count=head.total_count,
            content_hash=combined(head.digest, ()).hex(),
            intake=_intake(await store.failure(tenant)),
        )


def _after(request: pb.ListProblemsRequest, last: Problem, order: ProblemOrder) -> str:
    return page_token(request, list_key(last, order), last.name)


def _intake(failure: IntakeFailure | None) -> pb.GetImprovementStatusResponse.Intake:
    kind = pb.GetImprovementStatusResponse.Intake
    if failure is None:
        return kind(state=kind.STATE_SERVING)
    reason = text_pb2.Text(
        en=f"A defect stopped the intake of signals: {failure.error}. The log of replica {failure.replica} has it.",
        zh=f"信号接收因缺陷而停止：{failure.error}。详情见副本 {failure.replica} 的日志。",
    )
    message = kind(state=kind.STATE_NOT_SERVING, reason=reason, incident=failure.incident)
    if failure.since is not None:
        message.stop_time.FromDatetime(failure.since)
    return message
