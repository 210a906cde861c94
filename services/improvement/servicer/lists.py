"""ListProblems, GetProblem and GetImprovementStatus."""

from __future__ import annotations

import asyncio
from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb

from services.improvement.paging import page_key, page_size, page_token
from services.improvement.servicer.desk import Desk
from services.improvement.wire.codec import combined
from services.improvement.wire.filters import problem_query
from services.improvement.wire.validation import check_filter, invalid
from services.runtime.errors import Unavailable
from services.runtime.following import CursorCodec, foreign_origin, foreign_position

SETTLING_S_MAX = 300.0
# Enough to answer before the caller's deadline does.
PATIENCE_SHARE = 0.95


class ListCalls:
    desk: Desk

    async def ListProblems(self, request: pb.ListProblemsRequest, context: Any) -> pb.ListProblemsResponse:
        check_filter(request.filter)
        limit, (severity, name) = page_size(request.page_size), page_key(request.page_token, request.filter)
        if request.at_least:
            await self._reached(request.at_least, context)
        async with self.desk.store.transaction(self.desk.tenant) as transaction:
            head = await transaction.head()
            problems = await transaction.page(
                problem_query(request.filter, self.desk.clock_us()), severity, name, limit + 1
            )
        shown = problems[:limit]
        return pb.ListProblemsResponse(
            problems=[self.desk.message(problem) for problem in shown],
            next_page_token=page_token(shown[-1], request.filter) if len(problems) > limit else "",
            through=CursorCodec(head.origin).encode(head.position),
        )

    async def _reached(self, at_least: str, context: Any) -> None:
        """Waits until the problems hold everything of scoring's log through this cursor."""
        position = foreign_position(at_least)
        tenant, remaining_s = self.desk.tenant, context.time_remaining()
        timeout_s = SETTLING_S_MAX if remaining_s is None else min(SETTLING_S_MAX, remaining_s * PATIENCE_SHARE)
        changed = self.desk.subscriptions.of(tenant).changed
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    generation = changed.generation()
                    async with self.desk.store.transaction(tenant) as transaction:
                        head = await transaction.head()
                    _check_origin(at_least, head.signals_through)
                    if head.settled_position >= position:
                        return
                    await changed.changed(generation, 0.5)
        except TimeoutError as error:
            raise Unavailable("NOT_YET_REACHED", "the signals through at_least are not followed yet") from error

    async def GetProblem(self, request: pb.GetProblemRequest, context: Any) -> pb.GetProblemResponse:
        return pb.GetProblemResponse(problem=self.desk.message(await self.desk.known(request.name)))

    async def GetImprovementStatus(
        self, request: pb.GetImprovementStatusRequest, context: Any
    ) -> pb.GetImprovementStatusResponse:
        async with self.desk.store.transaction(self.desk.tenant) as transaction:
            head = await transaction.head()
        return pb.GetImprovementStatusResponse(
            signals_through=head.signals_through,
            through=CursorCodec(head.origin).encode(head.position),
            open_count=head.live_count,
            total_count=head.total_count,
            content_hash=combined(head.digest, ()).hex(),
        )


def _check_origin(at_least: str, followed: str) -> None:
    """A cursor of another log would never be reached, or too soon."""
    if followed and foreign_origin(at_least) != foreign_origin(followed):
        raise invalid("at_least", "is no cursor of the log that is followed here", "CURSOR_FOREIGN")
