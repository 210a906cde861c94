"""Days of data quality that are over become events of the service's own source, exactly once.

Theory of operation. Under the lock of the log, days that changed since they were published get their next revision, and
what it says is stored with them. Then it is written as everything else is, by id: a process that dies in between, or
another one that publishes meanwhile, writes the same events, and the log has them once. A day that waits for that gets
no other revision. The events are no part of the quality that they publish.

A tenant has them once it has the source: then all days are published, those before it as well.
"""

from collections.abc import Callable

from andon.ingest.v1 import event_pb2

from services.ingest import wire
from services.ingest.admission.own_source import QUALITY
from services.ingest.model import DAY_US, IncomingBatch, Written
from services.ingest.registry.data_quality import Day
from services.ingest.wire.data_quality import day_event
from services.ingest.writer.interface import IngestStore
from services.ingest.writer.tenant_log import TenantLog

DAYS_AT_ONCE = 500


class QualityPublisher:
    def __init__(self, store: IngestStore, clock_us: Callable[[], int]) -> None:
        self._store = store
        self._clock_us = clock_us

    async def publish(self, log: TenantLog) -> None:
        """All that is over and has changed."""
        today = Day(self._clock_us() // DAY_US)
        while True:
            async with self._store.session(log.tenant) as session:
                if await session.registry.source(QUALITY) is None:
                    return
                pending = await session.quality.pending(DAYS_AT_ONCE)
                waiting = bool(pending) or bool(await session.quality.claimable(today, 1))
            if not waiting:
                return
            if not pending:
                async with self._store.locked(log.tenant) as session:
                    claims = await session.quality.claimable(today, DAYS_AT_ONCE)
                    events = [(one, day_event(one).SerializeToString(deterministic=True)) for one in claims]
                    if events:
                        await session.quality.store_claims(events)
                continue
            rows = event_pb2.EventRows(events=[event_pb2.Event.FromString(event) for *_, event in pending])
            batch = IncomingBatch(wire.arrival(event_pb2.EventBatch(rows=rows)), is_own=True)
            written = await log.submit(batch)
            assert isinstance(written, Written)
            async with self._store.locked(log.tenant) as session:
                await session.quality.published([(source, day, revision) for source, day, revision, _ in pending])
