"""A commit that was decided on an outdated view of the log is decided again, under its lock."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pyarrow as pa
import pytest
from andon.ingest.v1 import ingest_pb2, source_pb2

from services.ingest.model import Arrival, IncomingBatch, IntakeCounts, TenantId, Written
from services.ingest.store.postgres_log import PostgresLog
from services.ingest.store.schema import SCHEMA
from services.ingest.store.sessions import PostgresStore
from services.ingest.wire.batches import arrival
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.database import acquire, open_pool, tenant_transaction
from tests.services.ingest.writer.opened_log import tenant_log


class CountingStore(PostgresStore):
    """The log on a real Postgres, which counts how it is asked."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.pool = pool
        self.locks = self.refused = 0

    def log(self, tenant: TenantId) -> PostgresLog:
        counting = self

        class CountingLog(PostgresLog):
            async def append(self, entry: Any, receipt: Any) -> int | None:
                committed_at_us = await super().append(entry, receipt)
                counting.refused += committed_at_us is None
                return committed_at_us

        return CountingLog(tenant, lambda: tenant_transaction(self.pool, tenant), lambda: acquire(self.pool))

    def locked(self, tenant: TenantId) -> Any:
        self.locks += 1
        return super().locked(tenant)


@pytest.fixture
async def store(migrated: str, make_settings: Any) -> AsyncIterator[CountingStore]:
    pool = await open_pool(make_settings(migrated).dsn, role_settings={"search_path": SCHEMA}, min_size=1)
    yield CountingStore(pool)
    await pool.close()


@pytest.fixture
async def replica(store: CountingStore) -> Callable[[], TenantLog]:
    tenant = TenantId(uuid.uuid4().hex)

    return lambda: tenant_log(store, tenant)


async def write(log: TenantLog, batch: Any) -> Written:
    await log.open()
    written = await log.submit(IncomingBatch(arrival(batch)))
    assert isinstance(written, Written)
    return written


async def test_who_writes_alone_asks_for_the_lock_once(
    replica: Any, store: CountingStore, event: Any, rows: Any
) -> None:
    log = replica()
    await write(log, rows(event("a")))
    locks = store.locks
    positions = [(await write(log, rows(event(f"b{number}")))).position for number in range(5)]
    assert positions == [2, 3, 4, 5, 6]
    assert (store.locks, store.refused) == (locks, 0)


async def test_small_calls_that_share_a_commit_are_answered_each_for_itself(
    replica: Any, event: Any, rows: Any
) -> None:
    log = replica()
    await write(log, rows(event("known")))
    calls = [
        rows(event("a"), event("")),
        rows(event("b"), event("a"), event("known")),
        rows(),
        rows(event("b", activity="something else"), event("c"), event("c")),
    ]
    written = await asyncio.gather(*(log.submit(IncomingBatch(arrival(batch))) for batch in calls))
    assert {one.position for one in written} == {2}
    assert [one.tally for one in written] == [
        IntakeCounts(1, 0, 1),
        IntakeCounts(1, 2, 0),
        IntakeCounts(0, 0, 0),
        IntakeCounts(1, 1, 1),
    ]
    assert [[(fault.index, fault.reason) for fault in one.faults] for one in written] == [
        [(1, "EVENT_ID_MISSING")],
        [],
        [],
        [(0, "EVENT_ID_CONFLICT")],
    ]


async def test_a_batch_that_cannot_be_admitted_does_not_refuse_its_neighbours(
    replica: Any, event: Any, rows: Any
) -> None:
    log = replica()
    await log.open()
    # No caller can send such a page: it stands for whatever nobody thought of.
    good, broken = IncomingBatch(arrival(rows(event("a")))), IncomingBatch(Arrival(pa.record_batch({"source": [1]})))
    answers = await asyncio.gather(log.submit(good), log.submit(broken), log.submit(good), return_exceptions=True)
    tallies = [one.tally if isinstance(one, Written) else None for one in answers]
    assert tallies == [IntakeCounts(1, 0, 0), None, IntakeCounts(0, 1, 0)]


async def test_who_was_overtaken_finds_the_other_ones_events_and_writes_alone_again(
    replica: Any, store: CountingStore, event: Any, rows: Any
) -> None:
    log, other = replica(), replica()
    await write(log, rows(event("a")))
    await write(other, rows(event("b")))
    again = await write(log, rows(event("a"), event("b"), event("c")))
    assert (again.tally.accepted, again.tally.duplicate, again.position) == (1, 2, 3)
    assert store.refused == 1
    # The first commit that finds the log where this process left it is the last one under the lock.
    await write(log, rows(event("d")))
    locks = store.locks
    assert (await write(log, rows(event("e")))).position == 5
    assert (store.locks, store.refused) == (locks, 1)


async def test_what_is_personal_is_decided_by_the_sources_as_they_are_when_it_is_written(
    start: Any, event: Any, rows: Any, everything: Any
) -> None:
    writer, other = [(await start()).client() for _ in range(2)]

    async def said(id: str) -> str:
        batch = rows(event(id, attributes={"room": "12 b"}))
        await writer.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
        found = {one["id"]: one["attributes.room"] for one in await everything(writer)}
        return str(found[id])

    assert await said("before") == "12 b"
    assert await said("at once") == "12 b"
    request = ingest_pb2.UpdateSourceRequest()
    request.source.name = "sources/desk"
    hidden = source_pb2.FieldPolicy(field="attributes.room", treatment=source_pb2.TREATMENT_MASK)
    request.source.policies.append(hidden)
    request.update_mask.paths.append("policies")
    await other.UpdateSource(request)
    assert await said("after") == "***"


async def test_a_request_that_another_replica_answered_is_answered_alike(start: Any, event: Any, rows: Any) -> None:
    one, other = [(await start()).client() for _ in range(2)]
    for client, id in ((one, "a"), (other, "b"), (one, "c"), (one, "d")):
        await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=rows(event(id))))
    request = ingest_pb2.WriteEventsRequest(batch=rows(event("e")), request_id=str(uuid.uuid4()))
    first = await other.WriteEvents(request)
    assert first.accepted == 1
    assert await one.WriteEvents(request) == first
    assert await one.WriteEvents(request) == first
