"""What every family of RPCs works with: the store, the caller's tenant, cursors, tails and the wait for `at_least`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from services.runtime.cursors import CursorCodec, foreign_position, same_log
from services.runtime.drain import Draining
from services.runtime.errors import NotFound, invalid
from services.runtime.identity import current_caller
from services.runtime.notifier import reach
from services.scoring.replica.tenants import Replica
from services.scoring.scores.silence import SilentSeries
from services.scoring.store import Store
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey, series_name
from services.scoring.wire.entries import ENTRY_ITEMS_MAX, PublishedEntry, bytes_of
from services.scoring.wire.systems import listed_message, stored_system, system_of

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

        async def scored() -> bool:
            self.draining.check()
            for one in await self.store.progress_of_active(tenant, process, system):
                for row in one.progress:
                    same_log(at_least, row.through)
                if one.position() < wanted:
                    return False
            return True

        await reach(scored, self.replica.wake(tenant), context.time_remaining())

    async def system_of_series(self, tenant: str, series: str) -> IndicatorSystem:
        """The system that a series belongs to; a key that names none is not found."""
        try:
            name = series_name(SeriesKey(series))
        except ValueError as error:
            raise invalid("series", "must be a key such as process/system/indicator@window{...}") from error
        return await self.system(tenant, name.owner)

    async def systems_of(self, tenant: str, keys: Sequence[SeriesKey]) -> dict[SeriesKey, IndicatorSystem]:
        """The active system of each series that has one; without a spec where its document cannot be read."""
        owners = await asyncio.to_thread(lambda: {key: series_name(key).owner for key in keys})
        stored = await self.store.active_systems(tenant, sorted(set(owners.values()))) if owners else []

        def read() -> dict[SeriesKey, IndicatorSystem]:
            systems = {one.name: system_of(listed_message(one)) for one in stored}
            return {key: systems[owner] for key, owner in owners.items() if owner in systems}

        # Ten thousand series on a page, and documents of a thousand indicators: nothing for a loop.
        return await asyncio.to_thread(read)

    async def silent_series(self, tenant: str, system: IndicatorSystem) -> SilentSeries:
        found = await self.store.progress_of_active(tenant, system.process, system.system)
        watermark_us = next((one.watermark_us() for one in found), None)
        return SilentSeries(system, system.spec.passed_us(watermark_us))

    async def system(self, tenant: str, name: str, version: int = 0) -> IndicatorSystem:
        stored = await self.store.system(tenant, name, version)
        if stored is None:
            raise NotFound("NOT_FOUND", "there is no such indicator system")
        # A document as large as one may be takes longer than a loop can wait.
        return await asyncio.to_thread(stored_system, stored)


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
