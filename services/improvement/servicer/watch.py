"""WatchProblems and GetWatchBounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from andon.improvement.v1 import improvement_pb2 as pb
from andon.improvement.v1 import problem_pb2
from google.protobuf.duration_pb2 import Duration

from services.improvement.model import Problem
from services.improvement.servicer.desk import Desk
from services.improvement.store import LogEntry, LogHead
from services.improvement.wire.codec import decode_changes
from services.improvement.wire.filters import matches
from services.improvement.wire.scalars import duration, length_us
from services.improvement.wire.validation import check_filter, invalid
from services.runtime.following import CursorCodec


class WatchCalls:
    desk: Desk

    async def WatchProblems(
        self, request: pb.WatchProblemsRequest, context: Any
    ) -> AsyncIterator[pb.WatchProblemsResponse]:
        check_filter(request.filter)
        tenant = self.desk.tenant
        async with self.desk.store.transaction(tenant) as transaction:
            head = await transaction.head()
            current = await transaction.problems() if request.snapshot else []
        codec, after = CursorCodec(head.origin), _begin(request, head)
        found = self._wanted(request.filter, current)
        yield pb.WatchProblemsResponse(problems=found, through=codec.encode(after), snapshot_complete=request.snapshot)
        heartbeat_s = length_us(request.heartbeat) / 1e6 if request.HasField("heartbeat") else None
        async for batch in self.desk.subscriptions.of(tenant).tail.follow(after, heartbeat_s=heartbeat_s):
            yield self._changes(request.filter, batch.items, codec.encode(batch.through))

    def _changes(
        self, filter_: pb.ProblemFilter, entries: Sequence[tuple[int, LogEntry]], through: str
    ) -> pb.WatchProblemsResponse:
        problems = [problem for _, entry in entries for problem in decode_changes(entry.changes)]
        return pb.WatchProblemsResponse(
            problems=self._wanted(filter_, problems),
            through=through,
            lag=self._lag(entries[0][1]) if entries else None,
        )

    def _wanted(self, filter_: pb.ProblemFilter, problems: Sequence[Problem]) -> list[problem_pb2.Problem]:
        now_us = self.desk.clock_us()
        return [self.desk.message(problem) for problem in problems if matches(filter_, problem, now_us)]

    def _lag(self, oldest: LogEntry) -> Duration:
        return duration(max(0, self.desk.clock_us() - int(oldest.committed_at.timestamp() * 1_000_000)))

    async def GetWatchBounds(self, request: pb.GetWatchBoundsRequest, context: Any) -> pb.GetWatchBoundsResponse:
        async with self.desk.store.transaction(self.desk.tenant) as transaction:
            head = await transaction.head()
        codec = CursorCodec(head.origin)
        return pb.GetWatchBoundsResponse(oldest=codec.encode(head.oldest), newest=codec.encode(head.position))


def _begin(request: pb.WatchProblemsRequest, head: LogHead) -> int:
    """Where a watch begins."""
    if not request.after:
        return head.position
    if request.snapshot:
        raise invalid("after", "must be empty together with snapshot")
    codec = CursorCodec(head.origin)
    position = codec.check_not_expired(codec.decode(request.after), head.oldest)
    if position > head.position:
        raise invalid("after", "a cursor from beyond the log", "CURSOR_INVALID")
    return position
