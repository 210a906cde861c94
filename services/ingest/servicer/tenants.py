"""What this process holds per tenant: its open log, from the first call on."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.ingest.admission.tenant_keys import tenant_keys
from services.ingest.log.tail import LogTail
from services.ingest.metrics import metrics
from services.ingest.model import TenantId
from services.ingest.writer.commit import Committer, LogLimits
from services.ingest.writer.interface import IngestStore
from services.ingest.writer.receipt import Codec
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.tenant_rounds import TenantRounds

EXPIRED_AT_ONCE = 1_000

log = structlog.get_logger(__name__)


class Tenants:
    def __init__(
        self,
        store: IngestStore,
        secret: bytes,
        limits: LogLimits,
        codec: Codec,
        clock: Callable[[], int],
        tail_of: Callable[[TenantId], LogTail],
    ) -> None:
        self._store = store
        self._secret = secret
        self._limits = limits
        self._codec = codec
        self._clock = clock
        self._tail_of = tail_of
        self._open: dict[TenantId, TenantLog] = {}

    async def of(self, tenant: TenantId) -> TenantLog:
        found = self._open.get(tenant)
        if found is None:
            keys = tenant_keys(self._secret, tenant)
            tail = self._tail_of(tenant)
            committer = Committer(tenant, self._store, keys, self._limits, self._codec, self._clock, tail)
            # Another call of the tenant may have been faster while keys were derived: the first one stays.
            found = self._open.setdefault(tenant, TenantLog(tenant, keys, committer, self._limits))
        if not found.is_open:
            await found.open()
        return found

    def wake(self, announcement: str) -> None:
        """Tells a log that it has grown, as `<position> <tenant>` announces it, or all logs where nothing is said."""
        position, _, tenant = announcement.partition(" ")
        for name, one in self._open.items():
            if not announcement:
                one.tail.notified(None)
            elif name == tenant:
                one.tail.notified(int(position))

    async def archive_old_ids(self, every_s: float) -> None:
        """For ever, of each open log in turn. What failed goes on, in a later round, where it ended."""
        rounds = TenantRounds[TenantId]("archive of ids")
        while True:
            await asyncio.sleep(every_s)
            await rounds.go(self._open, lambda tenant: self._open[tenant].committer.archive_old_ids())

    async def archive_events(self, every_s: float, run: Callable[[TenantId], Awaitable[None]]) -> None:
        """For ever, of each open log in turn. What is not in the archive is in the database."""
        rounds = TenantRounds[TenantId]("archive of events")
        while True:
            await asyncio.sleep(every_s)
            await rounds.go(self._open, run)

    async def read_transfers(self, every_s: float, go_on: Callable[[TenantId], Awaitable[None]]) -> None:
        """For ever, of each open log in turn."""
        rounds = TenantRounds[TenantId]("transfers of files")
        while True:
            await asyncio.sleep(every_s)
            await rounds.go(self._open, go_on)

    async def expire_quarantine(self, every_s: float, retention_us: int) -> None:
        """For ever, of each open log in turn."""
        rounds = TenantRounds[TenantId]("expiry of refused events")
        while True:
            await asyncio.sleep(every_s)
            await rounds.go(self._open, lambda tenant: self._expire_quarantine(tenant, self._clock() - retention_us))

    async def publish_quality(self, every_s: float, publish: Callable[[TenantLog], Awaitable[None]]) -> None:
        """For ever, of each open log in turn."""

        async def publish_of(tenant: TenantId) -> None:
            await self._open[tenant].open()
            await publish(self._open[tenant])

        rounds = TenantRounds[TenantId]("publication of data quality")
        while True:
            await asyncio.sleep(every_s)
            await rounds.go(self._open, publish_of)

    async def _expire_quarantine(self, tenant: TenantId, before_us: int) -> None:
        entries = EXPIRED_AT_ONCE
        while entries == EXPIRED_AT_ONCE:
            # Some at a time, since nobody else writes meanwhile.
            async with self._store.locked(tenant) as session:
                entries, events = await session.quarantine.expire(before_us, EXPIRED_AT_ONCE)
            metrics.add("andon.ingest.quarantine", entries, outcome="expired")
            if events:
                log.info("refused events expired", tenant=tenant, events=events)

    async def close(self) -> None:
        closed = await asyncio.gather(*(one.close() for one in self._open.values()), return_exceptions=True)
        for tenant, error in zip(self._open, closed, strict=True):
            if isinstance(error, BaseException):
                log.warning("log did not close", tenant=tenant, exc_info=error)
