"""The logs that this process has open, one for each tenant that called."""

import asyncio
from collections.abc import Callable

from services.ingest.log import Forms, Limits, TenantLog
from services.ingest.model import TenantId
from services.ingest.pseudonyms import tenant_keys
from services.ingest.store import LogStore


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
            log = TenantLog(tenant, self._store, keys, self._limits, self._forms, self._clock)
            # Another call of the tenant may have been faster while keys were derived: the first one stays.
            log = self._open.setdefault(tenant, log)
        await log.open()
        return log

    def wake(self, tenant: str) -> None:
        """Empty: all."""
        for name, log in self._open.items():
            if tenant in ("", name):
                log.signal.notify()

    async def close(self) -> None:
        await asyncio.gather(*(log.close() for log in self._open.values()))
