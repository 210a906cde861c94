"""The logs that this process has open, one for each tenant that called."""

import asyncio
from collections.abc import Callable

from services.ingest.committing import Committer, Forms, Limits
from services.ingest.log import TenantLog
from services.ingest.model import TenantId
from services.ingest.pseudonyms import tenant_keys
from services.ingest.store.log_store import LogStore


class Logs:
    def __init__(self, store: LogStore, secret: bytes, limits: Limits, forms: Forms, clock: Callable[[], int]) -> None:
        self._store = store
        self._secret = secret
        self._limits = limits
        self._forms = forms
        self._clock = clock
        self._open: dict[TenantId, TenantLog] = {}

    async def of(self, tenant: TenantId) -> TenantLog:
        log = self._open.get(tenant)
        if log is None:
            keys = tenant_keys(self._secret, tenant)
            committer = Committer(tenant, self._store, keys, self._limits, self._forms, self._clock)
            log = TenantLog(committer, self._limits)
            # Another call of the tenant may have been faster while keys were derived: the first one stays.
            log = self._open.setdefault(tenant, log)
        await log.open()
        return log

    def wake(self, announcement: str) -> None:
        """Wakes the followers of a log, as `<position> <tenant>` announces it, or of all logs where nothing is said."""
        position, _, tenant = announcement.partition(" ")
        if not announcement:
            for log in self._open.values():
                log.signal.notify()
        elif (known := self._open.get(TenantId(tenant))) and known.position < int(position):
            # What this process wrote itself, its followers know already.
            known.signal.notify()

    async def close(self) -> None:
        await asyncio.gather(*(log.close() for log in self._open.values()))
