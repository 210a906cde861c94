"""How much may come of a tenant and its sources: the balances are shared by all replicas.

Theory of operation. A balance is a row that is locked for one transaction, so replicas share it exactly. A batch is
taken as long as the balance is not used up, however large it is, and leaves a debt that later ones wait for. So the
rates hold over a longer time, and at once there comes at most a balance and a batch. Without a limit nothing is asked.
"""

import asyncio
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from services.ingest.columns import codes_of
from services.ingest.metrics import metrics
from services.ingest.model import IntakeQuota, Source, SourceId
from services.ingest.writer.interface import IngestStore
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.errors import QuotaViolation, ResourceExhausted

NO_QUOTA = IntakeQuota()
# A stream that waits looks again this often at least, since a quota may have been raised.
WAIT_S_MAX = 5.0


class Quotas:
    """`tenant`: of each tenant. `burst_s`: how many seconds' worth may come at once."""

    def __init__(self, store: IngestStore, tenant: IntakeQuota, burst_s: float) -> None:
        self._store = store
        self._tenant = tenant
        self._burst_s = burst_s

    async def take(self, log: TenantLog, page: pa.RecordBatch) -> None:
        """Raises ResourceExhausted where the batch must come later; nothing is taken then."""
        limits = limits_of(page, log.committer.sources, self._tenant)
        if not limits:
            return
        async with self._store.changing(log.tenant) as session:
            for source, (quota, events, size) in limits.items():
                wait_s = await session.registry.take_quota(source, quota, events, size, self._burst_s)
                if wait_s:
                    metrics.add("andon.ingest.refused", page.num_rows)
                    # What was taken of other balances is rolled back with this.
                    raise exceeded(source, quota, wait_s)

    async def wait(self, log: TenantLog, page: pa.RecordBatch) -> None:
        """Returns when it is taken: how a stream waits where a single call is refused."""
        while True:
            try:
                return await self.take(log, page)
            except ResourceExhausted as error:
                await asyncio.sleep(min(error.retry_after_s or WAIT_S_MAX, WAIT_S_MAX))


def limits_of(
    page: pa.RecordBatch, sources: Mapping[SourceId, Source], tenant: IntakeQuota
) -> dict[str, tuple[IntakeQuota, int, int]]:
    """What a batch takes of which quota, in one order for all calls; an empty name: the tenant's."""
    limits: dict[str, tuple[IntakeQuota, int, int]] = {}
    rows, size = page.num_rows, page.nbytes
    if tenant != NO_QUOTA and rows:
        limits[""] = (tenant, rows, size)
    column = page.column("source")
    names = column.dictionary.to_pylist()
    quotas = {
        name: source.quota
        for name in names
        if name is not None and (source := sources.get(SourceId(name))) is not None and source.quota != NO_QUOTA
    }
    if not quotas:
        return limits
    counts = np.bincount(codes_of(column), minlength=len(names)).tolist()
    for name, quota in sorted(quotas.items()):
        # A dictionary may hold a name twice.
        count = sum(some for one, some in zip(names, counts, strict=True) if one == name)
        if count:
            limits[name] = (quota, count, size * count // rows)
    return limits


def exceeded(source: str, quota: IntakeQuota, wait_s: float) -> ResourceExhausted:
    named = [(quota.events_per_s, "events"), (quota.bytes_per_s, "bytes")]
    rates = " or ".join(f"{rate} {unit}" for rate, unit in named if rate)
    violation = QuotaViolation(f"sources/{source}" if source else "tenant", f"more than {rates} a second")
    return ResourceExhausted(
        "QUOTA_EXCEEDED",
        f"{violation.subject}: {violation.description}",
        retry_after_s=wait_s,
        quota_violations=[violation],
    )
