"""What every family of RPCs works with: the caller's log, the store, the clock and the drain."""

from collections.abc import Callable

from services.ingest.known.case_index import CaseIndex
from services.ingest.model import TenantId
from services.ingest.servicer.tenants import Tenants
from services.ingest.writer.interface import IngestStore
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.drain import Draining
from services.runtime.identity import current_caller


class RequestContext:
    def __init__(
        self,
        tenants: Tenants,
        store: IngestStore,
        draining: Draining,
        clock_us: Callable[[], int],
        message_bytes_max: int,
    ) -> None:
        self.store = store
        self.draining = draining
        self.clock_us = clock_us
        self.message_bytes_max = message_bytes_max
        self._tenants = tenants
        self._cases: dict[TenantId, CaseIndex] = {}

    async def log(self) -> TenantLog:
        """Of the caller's tenant."""
        return await self._tenants.of(TenantId(current_caller().tenant))

    def cases(self, log: TenantLog) -> CaseIndex:
        return self._cases.setdefault(log.tenant, CaseIndex(log.keys))
