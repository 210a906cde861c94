"""Days of data quality that are over, and silences, become events of the service's own source, exactly once.

Theory of operation. Under the lock of the log, days that changed since they were published get their next revision, and
what it says is stored with them. Then it is written as everything else is, by id: a process that dies in between, or
another one that publishes meanwhile, writes the same events, and the log has them once. A day that waits for that gets
no other revision. The events are no part of the quality that they publish. A silence has an id and a time that follow
from what is stored, so it is the same event in every process.

A tenant has them once it has the source: then all days are published, those before it as well.
"""

from collections.abc import Callable, Sequence

from andon.ingest.v1 import event_pb2

from services.ingest.admission.own_source import QUALITY
from services.ingest.data_quality.source_rhythm import HOUR_US, HOURS_STORED
from services.ingest.model import DAY_US, IncomingBatch, TenantId
from services.ingest.registry.data_quality import Day
from services.ingest.servicer.source_activity import all_activities
from services.ingest.wire import batches
from services.ingest.wire.data_quality import day_event, silence_event
from services.ingest.writer.interface import IngestStore
from services.ingest.writer.tenant_log import TenantLog

DAYS_AT_ONCE = 500


class QualityPublisher:
    """`alarms_per_week`: false alarms of a source whose rhythm is learned."""

    def __init__(self, store: IngestStore, clock_us: Callable[[], int], alarms_per_week: float) -> None:
        self._store = store
        self._clock_us = clock_us
        self._alarms_per_week = alarms_per_week
        # By tenant: the ids of the silences that last, so that this process writes each once, and the hour of the last
        # look at what is too old.
        self._silences: dict[TenantId, set[str]] = {}
        self._hours: dict[TenantId, int] = {}

    async def publish(self, log: TenantLog) -> None:
        """All days that are over and have changed, and the sources that have fallen silent."""
        hour = self._clock_us() // HOUR_US
        if self._hours.get(log.tenant) != hour:
            async with self._store.changing(log.tenant) as session:
                await session.quality.expire_hours(HOURS_STORED)
            self._hours[log.tenant] = hour
        async with self._store.session(log.tenant) as session:
            is_wanted = await session.registry.source(QUALITY) is not None
        if is_wanted:
            await self._publish_silences(log)
            await self._publish_days(log)

    async def _publish_silences(self, log: TenantLog) -> None:
        now_us, before = self._clock_us(), self._silences.get(log.tenant, set())
        found = all_activities(self._store, log.tenant, self._alarms_per_week)
        events = {event.id: event for event in [silence_event(one) async for one in found if one.is_silent(now_us)]}
        if new := [event for name, event in events.items() if name not in before]:
            await log.submit(_batch(new))
        self._silences[log.tenant] = set(events)

    async def _publish_days(self, log: TenantLog) -> None:
        today = Day(self._clock_us() // DAY_US)
        while True:
            async with self._store.session(log.tenant) as session:
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
            await log.submit(_batch([event_pb2.Event.FromString(event) for *_, event in pending]))
            async with self._store.locked(log.tenant) as session:
                await session.quality.published([(source, day, revision) for source, day, revision, _ in pending])


def _batch(events: Sequence[event_pb2.Event]) -> IncomingBatch:
    rows = event_pb2.EventRows(events=events)
    return IncomingBatch(batches.arrival(event_pb2.EventBatch(rows=rows)), is_own=True)
