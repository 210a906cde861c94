"""AcknowledgeProblem, AddCause, DismissProblem and CloseProblem: what people say of a problem itself."""

from __future__ import annotations

from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb

from services.improvement import transitions
from services.improvement.servicer.request_context import RequestContext
from services.improvement.wire.validation import check_cause, check_problem_name, check_reason


class DecisionRpcs:
    requests: RequestContext

    async def AcknowledgeProblem(
        self, request: pb.AcknowledgeProblemRequest, context: Any
    ) -> pb.AcknowledgeProblemResponse:
        name, now_us = check_problem_name("name", request.name), self.requests.clock_us()
        return await self.requests.change(
            request, name, lambda problem: transitions.acknowledge(problem, now_us), pb.AcknowledgeProblemResponse
        )

    async def AddCause(self, request: pb.AddCauseRequest, context: Any) -> pb.AddCauseResponse:
        name, cause, now_us = (
            check_problem_name("parent", request.parent),
            check_cause(request),
            self.requests.clock_us(),
        )
        return await self.requests.change(
            request, name, lambda problem: transitions.add_cause(problem, cause, now_us), pb.AddCauseResponse
        )

    async def DismissProblem(self, request: pb.DismissProblemRequest, context: Any) -> pb.DismissProblemResponse:
        name, reason = check_problem_name("name", request.name), check_reason(request.reason)
        now_us = self.requests.clock_us()
        return await self.requests.change(
            request, name, lambda problem: transitions.dismiss(problem, reason, now_us), pb.DismissProblemResponse
        )

    async def CloseProblem(self, request: pb.CloseProblemRequest, context: Any) -> pb.CloseProblemResponse:
        name, now_us = check_problem_name("name", request.name), self.requests.clock_us()
        return await self.requests.change(
            request, name, lambda problem: transitions.close(problem, now_us), pb.CloseProblemResponse
        )
