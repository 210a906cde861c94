"""Leases: each resource of a tenant has one owner at a time, and a former owner's writes are fenced off.

The tables are in sql/ownership.sql; a service copies them into one of its migrations.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from services.runtime.database import STORE_ERRORS, as_tenant, is_unavailable
from services.runtime.errors import Unavailable
from services.runtime.metrics import runtime_metrics
from services.runtime.queries import load_queries
from services.runtime.setbacks import Setbacks

QUERIES = load_queries(Path(__file__).parent / "sql" / "ownership_queries.sql")
BEAT_S = 0.5
SILENT_S = 3.0
FORGOTTEN_S = 60.0
RELEASE_S_MAX = 10.0
CONNECT_S_MAX = 5.0
ANSWER_S_MAX = 5.0

log = structlog.get_logger(__name__)


class LostLease(Unavailable):
    """Another replica owns this resource now; nothing that was decided here may be written."""

    default_reason = "OVERLOADED"

    def __init__(self, lease: Lease) -> None:
        super().__init__(message="this replica no longer owns what it was working on")
        self.lease = lease


@dataclass(frozen=True, order=True)
class Resource:
    tenant: str
    name: str


@dataclass(frozen=True)
class Lease:
    tenant: str
    resource: str
    epoch: int

    async def guard(self, connection: asyncpg.Connection) -> None:
        """Call it in every write transaction: no newer owner can take over before that transaction ends."""
        if await connection.fetchval(QUERIES.guard, self.tenant, self.resource) != self.epoch:
            raise LostLease(self)


Work = Callable[[Lease], Awaitable[None]]


@dataclass(eq=False)
class _Held:
    lease: Lease
    task: asyncio.Task[None] = field(repr=False)


def fair_share(resources: int, replicas: Iterable[uuid.UUID], me: uuid.UUID) -> int:
    """How many resources `me` should hold: shares differ by one at most, and add up to all of them."""
    ranked = sorted({*replicas, me})
    share, rest = divmod(resources, len(ranked))
    return share + (1 if ranked.index(me) < rest else 0)


class Leases:
    """Spreads resources fairly over the live replicas and runs `work` for each that this one holds."""

    def __init__(
        self,
        dsn: str,
        *,
        schema: str,
        resources: Callable[[], Iterable[Resource]],
        beat_s: float = BEAT_S,
        silent_s: float = SILENT_S,
    ) -> None:
        self.replica = uuid.uuid4()
        self._dsn = dsn
        self._schema = schema
        self._resources = resources
        self._beat_s = beat_s
        self._silent_s = silent_s
        self._held: dict[Resource, _Held] = {}
        self._setbacks = Setbacks[Resource]()

    @property
    def held(self) -> list[Lease]:
        return [held.lease for held in self._held.values()]

    async def run(self, work: Work) -> None:
        """Runs until cancelled. `work` is cancelled when its lease goes, and is waited for before it is given back."""
        while True:
            try:
                await self._session(work)
            except STORE_ERRORS as error:
                if not is_unavailable(error):
                    raise
                log.warning("lease connection lost", error=type(error).__name__)
            await asyncio.sleep(self._beat_s)

    async def _session(self, work: Work) -> None:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_S_MAX,
            command_timeout=ANSWER_S_MAX,
            server_settings={"search_path": self._schema},
        )
        try:
            while True:
                await self._beat(connection, work)
                await asyncio.sleep(self._beat_s)
        except asyncio.CancelledError:
            # Others take over at once instead of waiting for this replica to fall silent.
            await self._stop_work(list(self._held))
            try:
                await connection.execute(QUERIES.unregister, self.replica)
            except STORE_ERRORS as error:
                log.warning("replica deregistration failed", error=type(error).__name__)
            raise
        finally:
            runtime_metrics.add("andon.runtime.leases.lost", len(self._held))
            # Without the connection the locks are gone, so the work stops before anything else.
            await self._stop_work(list(self._held))
            connection.terminate()

    async def _beat(self, connection: asyncpg.Connection, work: Work) -> None:
        await connection.execute(QUERIES.register, self.replica)
        live = [row["replica"] for row in await connection.fetch(QUERIES.live_replicas, self._silent_s)]
        await connection.fetch(QUERIES.end_silent_sessions, self._silent_s)
        await connection.execute(QUERIES.forget_silent, FORGOTTEN_S)
        wanted = sorted(set(self._resources()))
        ended = [one for one, held in self._held.items() if held.task.done() or one not in wanted]
        share = fair_share(len(wanted), live, self.replica)
        holding = [one for one in self._held if one not in ended]
        for resource in [*ended, *holding[share:]]:
            await self._stop_work([resource])
            await connection.fetchval(QUERIES.unlock, self._key(resource))
        await self._take_up_to(connection, share, wanted, work)
        runtime_metrics.set("andon.runtime.leases.held", len(self._held), schema=self._schema)

    async def _take_up_to(self, connection: asyncpg.Connection, share: int, wanted: list[Resource], work: Work) -> None:
        # Each replica begins elsewhere, so that they do not all ask for the same one.
        start = self.replica.int % max(len(wanted), 1)
        for resource in [*wanted[start:], *wanted[:start]]:
            if len(self._held) >= share:
                return
            if resource in self._held or self._setbacks.waits(resource):
                continue
            if await connection.fetchval(QUERIES.try_lock, self._key(resource)):
                try:
                    lease = await self.take(connection, resource)
                except STORE_ERRORS as error:
                    if is_unavailable(error):
                        raise
                    # What is refused to one tenant is no reason to leave the others without their owners.
                    self._setbacks.add(resource)
                    log.error("lease refused", tenant=resource.tenant, resource=resource.name, exc_info=error)
                    await connection.fetchval(QUERIES.unlock, self._key(resource))
                    continue
                self._held[resource] = _Held(lease, asyncio.create_task(self._work(work, lease)))

    async def take(self, connection: asyncpg.Connection, resource: Resource) -> Lease:
        async with as_tenant(connection, resource.tenant):
            epoch = await connection.fetchval(QUERIES.take, resource.tenant, resource.name, self.replica)
        log.info("lease acquired", tenant=resource.tenant, resource=resource.name, epoch=epoch)
        return Lease(resource.tenant, resource.name, int(epoch))

    async def _work(self, work: Work, lease: Lease) -> None:
        try:
            await work(lease)
        except LostLease:
            runtime_metrics.add("andon.runtime.leases.lost")
            log.warning("lease lost", tenant=lease.tenant, resource=lease.resource, epoch=lease.epoch)
        except Exception as error:
            # Given back at the next beat, and not taken again at once.
            self._setbacks.add(Resource(lease.tenant, lease.resource))
            log.error("leased work failed", tenant=lease.tenant, resource=lease.resource, exc_info=error)

    async def _stop_work(self, resources: list[Resource]) -> None:
        tasks: list[asyncio.Task[Any]] = [self._held.pop(resource).task for resource in resources]
        for task in tasks:
            task.cancel()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=RELEASE_S_MAX)
            if stuck:
                log.error("leased work did not stop, its writes are fenced", count=len(stuck))

    def _key(self, resource: Resource) -> str:
        return f"{self._schema}/{resource.tenant}/{resource.name}"
