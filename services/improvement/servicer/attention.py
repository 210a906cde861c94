"""AssignProblem, SnoozeProblem, AddNote and ListProblemHistory: who looks at a problem, when, and what was said."""

from __future__ import annotations

from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb

from services.improvement import transitions
from services.improvement.audit_trail import Occasion
from services.improvement.servicer.request_context import RequestContext
from services.improvement.wire.history_entries import entry_message
from services.improvement.wire.validation import (
    check_assignment,
    check_later,
    check_note,
    check_optional_reason,
    check_problem_name,
    check_reason,
)
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_DEFAULT, PAGE_MAX = 100, 1_000
REVISION_MAX = 2**63 - 1


class AttentionRpcs:
    requests: RequestContext

    async def AssignProblem(self, request: pb.AssignProblemRequest, context: Any) -> pb.AssignProblemResponse:
        name, reason = check_problem_name("name", request.name), check_optional_reason(request.reason)
        check_assignment(request)
        owner, now_us = request.owner if request.HasField("owner") else None, self.requests.clock_us()
        return await self.requests.change(
            request,
            name,
            Occasion("ASSIGN", reason=reason),
            lambda problem: transitions.assign(
                problem, owner, request.added_watchers, request.removed_watchers, now_us
            ),
            pb.AssignProblemResponse,
        )

    async def SnoozeProblem(self, request: pb.SnoozeProblemRequest, context: Any) -> pb.SnoozeProblemResponse:
        name, reason = check_problem_name("name", request.name), check_reason(request.reason)
        now_us = self.requests.clock_us()
        until_us = check_later("snooze_end_time", request, now_us)
        return await self.requests.change(
            request,
            name,
            Occasion("SNOOZE", reason=reason),
            lambda problem: transitions.snooze(problem, until_us, now_us),
            pb.SnoozeProblemResponse,
        )

    async def AddNote(self, request: pb.AddNoteRequest, context: Any) -> pb.AddNoteResponse:
        name, note = check_problem_name("parent", request.parent), check_note(request.note)
        now_us = self.requests.clock_us()
        return await self.requests.change(
            request,
            name,
            Occasion("NOTE", note=note),
            lambda problem: transitions.add_note(problem, now_us),
            pb.AddNoteResponse,
        )

    async def ListProblemHistory(
        self, request: pb.ListProblemHistoryRequest, context: Any
    ) -> pb.ListProblemHistoryResponse:
        name = check_problem_name("parent", request.parent)
        limit = page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
        (before,) = place_of(request, REVISION_MAX)
        await self.requests.known(name)
        async with self.requests.store.transaction(self.requests.tenant) as transaction:
            entries = await transaction.history(name, before, limit + 1)
        shown = entries[:limit]
        return pb.ListProblemHistoryResponse(
            entries=[entry_message(one) for one in shown],
            next_page_token=page_token(request, shown[-1].revision) if len(entries) > limit else "",
        )
