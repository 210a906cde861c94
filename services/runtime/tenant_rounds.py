"""Background work on one tenant after the other, where what fails for one stops no other."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

import structlog

from services.runtime.metrics import runtime_metrics
from services.runtime.peers import defect_of
from services.runtime.setbacks import Setbacks

Name = TypeVar("Name", bound=str)
Report = Callable[[Name, str, str], Awaitable[None]]
"""Of a tenant, what to call the defect, and the incident that the log has it under."""

log = structlog.get_logger(__name__)


class TenantRounds(Generic[Name]):
    """One kind of work. A tenant that a defect stopped is passed over for a while, the longer the more often it failed.

    task: how log and metric call it. peer: the service that the work calls. report: says where people look that a
    defect stopped it.
    """

    def __init__(self, task: str, peer: str = "a peer", report: Report[Name] | None = None) -> None:
        self._task = task
        self._peer = peer
        self._report = report
        self._setbacks = Setbacks[Name]()

    async def go(self, tenants: Iterable[Name], work: Callable[[Name], Awaitable[None]]) -> None:
        """One turn of each. What is only unavailable is tried again in the next round."""
        for tenant in list(tenants):
            if self._setbacks.waits(tenant):
                continue
            try:
                await work(tenant)
            except Exception as error:
                await self._failed(tenant, error)
            else:
                self._setbacks.clear(tenant)

    async def _failed(self, tenant: Name, error: Exception) -> None:
        defect = defect_of(error, self._peer)
        sort = "unavailable" if defect is None else "defect"
        runtime_metrics.add("andon.runtime.tenants.failed", task=self._task, sort=sort)
        if defect is None:
            log.warning("work of a tenant failed, retrying", task=self._task, tenant=tenant, error=type(error).__name__)
            return
        self._setbacks.add(tenant)
        incident = uuid.uuid4().hex
        log.error(
            "work of a tenant stopped by a defect", task=self._task, tenant=tenant, incident=incident, exc_info=error
        )
        if self._report is not None:
            try:
                await self._report(tenant, defect, incident)
            except Exception as unreported:
                log.error("a stopped tenant is in this log only", tenant=tenant, exc_info=unreported)
