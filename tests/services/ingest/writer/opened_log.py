"""A tenant's log over a store, as the service opens it, with limits that a test reaches."""

from __future__ import annotations

from services.ingest.__main__ import answer
from services.ingest.admission.tenant_keys import tenant_keys
from services.ingest.log.tail import LogTail
from services.ingest.model import TenantId
from services.ingest.store.sessions import PostgresStore
from services.ingest.wire import event_as_sent
from services.ingest.writer.commit import Committer, LogLimits
from services.ingest.writer.receipt import Codec
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.clock import clock_us
from services.runtime.drain import Draining

LIMITS = LogLimits(
    commit_rows_max=100,
    commit_bytes_max=1_000_000,
    queue_rows_max=10_000,
    partition_count=2,
    cache_bytes_max=1_000_000,
)


def tenant_log(store: PostgresStore, tenant: TenantId, limits: LogLimits = LIMITS) -> TenantLog:
    keys = tenant_keys(bytes(32), tenant)
    tail = LogTail(store.log(tenant), Draining(), 4_000_000, 1.0)
    committer = Committer(tenant, store, keys, limits, Codec(event_as_sent, answer), clock_us, tail)
    return TenantLog(tenant, keys, committer, limits)
