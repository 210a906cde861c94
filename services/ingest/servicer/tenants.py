"""What this process holds per tenant: its open log, from the first call on."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.ingest.admission.tenant_keys import tenant_keys
from services.ingest.log.tail import LogTail
from services.ingest.metrics import metrics
from services.ingest.model import TenantId
from services.ingest.writer.commit import Committer, LogLimits
from services.ingest.writer.decision import Codec
from services.ingest.writer.interface import IngestStore
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.database import UNAVAILABLE_ERRORS
from services.runtime.errors import ResourceExhausted

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
        """For ever, of each open log in turn."""
        while True:
            await asyncio.sleep(every_s)
            for tenant, open_log in list(self._open.items()):
                try:
                    await open_log.archive_old_ids()
                except UNAVAILABLE_ERRORS as error:
                    # Nothing is lost: the next round goes on where this one ended.
                    log.warning("ids were not archived", tenant=tenant, error=type(error).__name__)

    async def expire_quarantine(self, every_s: float, retention_us: int) -> None:
        """For ever, of each open log in turn."""
        while True:
            await asyncio.sleep(every_s)
            for tenant in list(self._open):
                try:
                    await self._expire_quarantine(tenant, self._clock() - retention_us)
                except UNAVAILABLE_ERRORS as error:
                    log.warning("refused events did not expire", tenant=tenant, error=type(error).__name__)

    async def publish_quality(self, every_s: float, publish: Callable[[TenantLog], Awaitable[None]]) -> None:
        """For ever, of each open log in turn."""
        while True:
            await asyncio.sleep(every_s)
            for tenant, open_log in list(self._open.items()):
                try:
                    await open_log.open()
                    await publish(open_log)
                except (*UNAVAILABLE_ERRORS, ResourceExhausted) as error:
                    log.warning("data quality was not published", tenant=tenant, error=type(error).__name__)

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
        await asyncio.gather(*(log.close() for log in self._open.values()))
