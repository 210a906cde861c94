"""VerifyAction: gather the windows, judge them, store the verdict."""

from __future__ import annotations

from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb

from services.improvement import transitions
from services.improvement.audit_trail import Occasion
from services.improvement.error_mapping import mapped_errors
from services.improvement.metrics import metrics
from services.improvement.proof import history_begin_us, verify
from services.improvement.servicer.request_context import RequestContext
from services.improvement.wire.validation import problem_of_action


class VerificationRpcs:
    requests: RequestContext

    async def VerifyAction(self, request: pb.VerifyActionRequest, context: Any) -> pb.VerifyActionResponse:
        name = problem_of_action("name", request.name)
        # The first answer before the proof: what was verified once can not be verified again.
        if (first := await self.requests.answered(request, pb.VerifyActionResponse)) is not None:
            return _with_verification(first, request.name)
        now_us = self.requests.clock_us()
        problem = await self.requests.known(name)
        with mapped_errors():
            action = transitions.check_verifiable(problem, request.name)
            readings = await self.requests.scoring.readings(action.goal.series, history_begin_us(action))
            proof = verify(action, readings, await self.requests.scoring.scale(action.goal.series), now_us)
        answer = await self.requests.act(
            request,
            Occasion("VERIFY_ACTION", reason=transitions.finding(proof)),
            lambda problem: transitions.verified(problem, request.name, proof, now_us),
            pb.VerifyActionResponse,
        )
        if not request.validate_only:
            metrics.add("andon.improvement.verifications", verdict=proof.verdict.value)
        return _with_verification(answer, request.name)


def _with_verification(answer: pb.VerifyActionResponse, name: str) -> pb.VerifyActionResponse:
    action = next(action for action in answer.problem.actions if action.name == name)
    answer.verification.CopyFrom(action.verifications[-1])
    return answer
