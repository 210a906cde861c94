"""The logs that this process has open, one for each tenant that called."""

import asyncio
from collections.abc import Callable

from services.ingest.admission.pseudonyms import tenant_keys
from services.ingest.log.append import TenantLog
from services.ingest.log.commit import Committer, LogLimits
from services.ingest.log.decision import Codec
from services.ingest.model import TenantId
from services.ingest.store.sessions import IngestStore


class TenantLogs:
    def __init__(
        self, store: IngestStore, secret: bytes, limits: LogLimits, forms: Codec, clock: Callable[[], int]
    ) -> None:
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
            log = TenantLog(tenant, keys, committer, self._limits)
            # Another call of the tenant may have been faster while keys were derived: the first one stays.
            log = self._open.setdefault(tenant, log)
        await log.open()
        return log

    def wake(self, announcement: str) -> None:
        """Tells a log that it has grown, as `<position> <tenant>` announces it, or all logs where nothing is said."""
        position, _, tenant = announcement.partition(" ")
        for name, log in self._open.items():
            if not announcement:
                log.wake(None)
            elif name == tenant:
                log.wake(int(position))

    async def close(self) -> None:
        await asyncio.gather(*(log.close() for log in self._open.values()))
