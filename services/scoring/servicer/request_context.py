"""What every family of RPCs works with: the store, the caller's tenant, cursors, tails and the wait for `at_least`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from services.runtime.draining import Draining
from services.runtime.errors import FieldViolation, InvalidArgument, NotFound, Unavailable
from services.runtime.following import CursorCodec, foreign_origin, foreign_position
from services.runtime.identity import current_caller
from services.scoring.replica.tenants import Replica
from services.scoring.store import Store
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.wire.entries import ENTRY_ITEMS_MAX, PublishedEntry, bytes_of
from services.scoring.wire.systems import stored_system

WAIT_S_MAX = 30.0
# Enough to answer before the caller's deadline does: a share of what is left, but not more than needed.
ANSWER_SHARE, ANSWER_S_MAX = 0.3, 2.0
POLL_S = 0.5

T = TypeVar("T", bound=Message)


@dataclass(frozen=True)
class Group(Generic[T]):
    """Changes of whole commits that go out as one response."""

    items: list[T]
    through: int
    committed_at: datetime
    traceparent: str


class RequestContext:
    def __init__(self, store: Store, replica: Replica, draining: Draining) -> None:
        self.store = store
        self.replica = replica
        self.draining = draining

    @property
    def tenant(self) -> str:
        return current_caller().tenant

    async def cursors(self, tenant: str) -> tuple[CursorCodec, int, int]:
        """The codec of the tenant's score log, its newest and its oldest position."""
        head = await self.store.head(tenant)
        return CursorCodec(head.origin), head.position, head.oldest

    async def reached(self, tenant: str, at_least: str, process: str, system: str, context: Any) -> None:
        """Returns once everything through this cursor of ingest is scored; a retryable error at the deadline."""
        if not at_least:
            return
        wanted = foreign_position(at_least)
        left_s = context.time_remaining()
        due_s = _clock() + (
            WAIT_S_MAX if left_s is None else min(left_s - min(ANSWER_SHARE * left_s, ANSWER_S_MAX), WAIT_S_MAX)
        )
        wake = self.replica.wake(tenant)
        while True:
            generation = wake.generation()
            if await self._has_reached(tenant, at_least, wanted, process, system):
                return
            if _clock() >= due_s or self.draining.started:
                raise Unavailable("NOT_YET_REACHED", "scoring has not come to this cursor yet", retry_after_s=0.2)
            await wake.changed(generation, max(0.0, min(POLL_S, due_s - _clock())))

    async def _has_reached(self, tenant: str, at_least: str, wanted: int, process: str, system: str) -> bool:
        for one in await self.store.progress_of_active(tenant, process, system):
            if any(row.through and foreign_origin(row.through) != foreign_origin(at_least) for row in one.progress):
                violation = FieldViolation("at_least", "a cursor of another deployment", "CURSOR_FOREIGN")
                raise InvalidArgument("CURSOR_FOREIGN", "the cursor is foreign", field_violations=[violation])
            if one.position() < wanted:
                return False
        return True

    async def system_of_series(self, tenant: str, series: str) -> IndicatorSystem:
        """The system that a series belongs to; a key that names none is not found."""
        try:
            name = series_name(SeriesKey(series))
        except ValueError as error:
            raise InvalidArgument(
                "FIELD_INVALID",
                "not a key of a series",
                field_violations=[FieldViolation("series", "process/system/indicator@window{...}", "FIELD_INVALID")],
            ) from error
        return await self.system(tenant, f"processes/{name.process}/indicatorSystems/{name.system}")

    async def system(self, tenant: str, name: str, version: int = 0) -> IndicatorSystem:
        stored = await self.store.system(tenant, name, version)
        if stored is None:
            raise NotFound("NOT_FOUND", "there is no such indicator system")
        return stored_system(stored)


def _clock() -> float:
    return asyncio.get_running_loop().time()


def heartbeat_s(heartbeat: Duration) -> float | None:
    return heartbeat.seconds + heartbeat.nanos / 1e9 or None


def lag_since(committed_at: datetime) -> Duration:
    lag = Duration()
    lag.FromTimedelta(max(datetime.now(UTC) - committed_at, timedelta(0)))
    return lag


def groups(steps: Sequence[tuple[int, PublishedEntry, list[T]]], per_commit: bool, bytes_max: int) -> list[Group[T]]:
    """Commits put together until a response is full; never a part of one."""
    made: list[Group[T]] = []
    left = 0
    for position, step, items in steps:
        last, size = made[-1] if made else None, bytes_of(items)
        if last and not per_commit and size <= left and len(last.items) + len(items) <= ENTRY_ITEMS_MAX:
            made[-1] = Group([*last.items, *items], position, last.committed_at, last.traceparent)
        else:
            made.append(Group(items, position, step.committed_at, step.traceparent))
            left = bytes_max
        left -= size
    return made


async def following(
    requests: RequestContext, tenant: str, after: int, heartbeat: Duration, pick: Any, per_commit: bool = False
) -> AsyncIterator[tuple[list[Group[Any]], int]]:
    """Groups of what `pick` keeps of each step, and the position through which everything is delivered."""
    tail = requests.replica.tail(tenant)
    async for batch in tail.follow(after, heartbeat_s=heartbeat_s(heartbeat), accepts=lambda step: bool(pick(step))):
        steps = [(position, step, pick(step)) for position, step in batch.items]
        yield groups(steps, per_commit, requests.replica.entry_bytes_max), batch.through


def watch_from(codec: CursorCodec, after: str, snapshot: bool, newest: int, oldest: int) -> int:
    """Where a watch begins."""
    if after and snapshot:
        violation = FieldViolation("after", "must be empty together with snapshot", "FIELD_INVALID")
        raise InvalidArgument("FIELD_INVALID", "after and snapshot exclude each other", field_violations=[violation])
    if not after:
        return newest
    position = codec.check_not_expired(codec.decode(after), oldest)
    if position > newest:
        violation = FieldViolation("after", "a cursor from beyond the log", "CURSOR_INVALID")
        raise InvalidArgument("CURSOR_INVALID", "the cursor is not of this log", field_violations=[violation])
    return position
