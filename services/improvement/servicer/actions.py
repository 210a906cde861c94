"""PlanAction, StartAction, CompleteAction and CancelAction."""

from __future__ import annotations

from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb

from services.improvement import transitions
from services.improvement.audit_trail import Occasion
from services.improvement.error_mapping import mapped_errors
from services.improvement.servicer.request_context import RequestContext
from services.improvement.wire.goals import check_action, check_direction
from services.improvement.wire.validation import check_optional_reason, check_problem_name, time_us


class ActionRpcs:
    requests: RequestContext

    async def PlanAction(self, request: pb.PlanActionRequest, context: Any) -> pb.PlanActionResponse:
        name, action = check_problem_name("parent", request.parent), check_action(request.action)
        now_us = self.requests.clock_us()
        with mapped_errors():
            check_direction(action.goal, await self.requests.scoring.direction(action.goal.series))
        answer = await self.requests.change(
            request,
            name,
            Occasion("PLAN_ACTION"),
            lambda problem: transitions.plan_action(problem, action, now_us),
            pb.PlanActionResponse,
        )
        answer.action.CopyFrom(answer.problem.actions[-1])
        return answer

    async def StartAction(self, request: pb.StartActionRequest, context: Any) -> pb.StartActionResponse:
        now_us = self.requests.clock_us()
        started_us = time_us("start_time", request, now_us)
        return await self.requests.act(
            request,
            Occasion("START_ACTION"),
            lambda problem: transitions.start_action(problem, request.name, started_us, now_us),
            pb.StartActionResponse,
        )

    async def CompleteAction(self, request: pb.CompleteActionRequest, context: Any) -> pb.CompleteActionResponse:
        now_us = self.requests.clock_us()
        done_us = time_us("done_time", request, now_us)
        return await self.requests.act(
            request,
            Occasion("COMPLETE_ACTION"),
            lambda problem: transitions.complete_action(problem, request.name, done_us, now_us),
            pb.CompleteActionResponse,
        )

    async def CancelAction(self, request: pb.CancelActionRequest, context: Any) -> pb.CancelActionResponse:
        reason, now_us = check_optional_reason(request.reason), self.requests.clock_us()
        return await self.requests.act(
            request,
            Occasion("CANCEL_ACTION", reason=reason),
            lambda problem: transitions.cancel_action(problem, request.name, reason, now_us),
            pb.CancelActionResponse,
        )
