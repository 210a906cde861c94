"""CreateProblem, AcknowledgeProblem, AddCause, DismissProblem, CloseProblem, UndoTransition: a problem itself."""

from __future__ import annotations

import uuid
from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb

from services.improvement import transitions
from services.improvement.audit_trail import Occasion
from services.improvement.model import Cause
from services.improvement.servicer.request_context import RequestContext
from services.improvement.wire.problems import new_problem
from services.improvement.wire.validation import (
    check_cause,
    check_new_problem,
    check_optional_reason,
    check_problem_name,
    check_reason,
)
from services.runtime.errors import invalid

UNDOING = {
    pb.UndoTransitionRequest.TRANSITION_ACKNOWLEDGE: ("UNDO_ACKNOWLEDGE", transitions.undo_acknowledge),
    pb.UndoTransitionRequest.TRANSITION_DISMISS: ("UNDO_DISMISS", transitions.undo_dismiss),
    pb.UndoTransitionRequest.TRANSITION_SNOOZE: ("UNDO_SNOOZE", transitions.undo_snooze),
}


def _judgement(cause: Cause) -> Occasion:
    if cause.confirmed or not cause.judged:
        return Occasion("ADD_CAUSE")
    return Occasion("JUDGE_CAUSE", reason=cause.state.value)


class DecisionRpcs:
    requests: RequestContext

    async def CreateProblem(self, request: pb.CreateProblemRequest, context: Any) -> pb.CreateProblemResponse:
        check_new_problem(request.problem)
        opened = new_problem(request.problem, f"problems/{uuid.uuid4().hex[:20]}", self.requests.clock_us())
        return await self.requests.create(
            request, opened, Occasion("OPEN", reason=opened.origin.value), pb.CreateProblemResponse
        )

    async def AcknowledgeProblem(
        self, request: pb.AcknowledgeProblemRequest, context: Any
    ) -> pb.AcknowledgeProblemResponse:
        name, now_us = check_problem_name("name", request.name), self.requests.clock_us()
        return await self.requests.change(
            request,
            name,
            Occasion("ACKNOWLEDGE"),
            lambda problem: transitions.acknowledge(problem, now_us),
            pb.AcknowledgeProblemResponse,
        )

    async def AddCause(self, request: pb.AddCauseRequest, context: Any) -> pb.AddCauseResponse:
        name, cause, now_us = (
            check_problem_name("parent", request.parent),
            check_cause(request),
            self.requests.clock_us(),
        )
        return await self.requests.change(
            request,
            name,
            _judgement(cause),
            lambda problem: transitions.add_cause(problem, cause, now_us),
            pb.AddCauseResponse,
        )

    async def DismissProblem(self, request: pb.DismissProblemRequest, context: Any) -> pb.DismissProblemResponse:
        name, reason = check_problem_name("name", request.name), check_reason(request.reason)
        now_us = self.requests.clock_us()
        return await self.requests.change(
            request,
            name,
            Occasion("DISMISS", reason=reason),
            lambda problem: transitions.dismiss(problem, reason, now_us),
            pb.DismissProblemResponse,
        )

    async def CloseProblem(self, request: pb.CloseProblemRequest, context: Any) -> pb.CloseProblemResponse:
        name, now_us = check_problem_name("name", request.name), self.requests.clock_us()
        return await self.requests.change(
            request,
            name,
            Occasion("CLOSE"),
            lambda problem: transitions.close(problem, now_us),
            pb.CloseProblemResponse,
        )

    async def UndoTransition(self, request: pb.UndoTransitionRequest, context: Any) -> pb.UndoTransitionResponse:
        name, reason = check_problem_name("name", request.name), check_optional_reason(request.reason)
        now_us = self.requests.clock_us()
        if request.transition not in UNDOING:
            raise invalid("transition", "is required", "FIELD_REQUIRED")
        event, undo = UNDOING[request.transition]
        return await self.requests.change(
            request,
            name,
            Occasion(event, reason=reason),
            lambda problem: undo(problem, now_us),
            pb.UndoTransitionResponse,
        )
