"""A batch larger than a commit is written in parts and answered once, whatever happens between them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from andon.ingest.v1 import ingest_pb2

from services.ingest.__main__ import answer
from services.ingest.log.records import EVERY_PAGE, LogEntry
from services.ingest.log.segments import decoded
from services.ingest.model import FieldPolicy, IncomingBatch, IntakeCounts, SourceId, TenantId, Treatment, Written
from services.ingest.registry.records import Receipt
from services.ingest.store.postgres_log import PostgresLog
from services.ingest.store.schema import SCHEMA
from services.ingest.store.sessions import PostgresStore
from services.ingest.wire.batches import arrival
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.database import acquire, open_pool, tenant_transaction
from tests.services.ingest.writer.opened_log import LIMITS as WIDE_LIMITS
from tests.services.ingest.writer.opened_log import tenant_log

# Parts of ten rows.
LIMITS = replace(WIDE_LIMITS, commit_rows_max=20)


class InterruptedStore(PostgresStore):
    """A real Postgres, and what a test does before the n-th append that is not under a lock."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.pool = pool
        self.appends = 0
        self.before: dict[int, Callable[[], Awaitable[None]]] = {}

    def log(self, tenant: TenantId) -> PostgresLog:
        store = self

        class InterruptedLog(PostgresLog):
            async def append(self, entry: LogEntry, receipt: Receipt) -> int | None:
                store.appends += 1
                if act := store.before.get(store.appends):
                    await act()
                return await super().append(entry, receipt)

        return InterruptedLog(tenant, lambda: tenant_transaction(self.pool, tenant), lambda: acquire(self.pool))


@pytest.fixture
async def store(migrated: str, make_settings: Any) -> AsyncIterator[InterruptedStore]:
    pool = await open_pool(make_settings(migrated).dsn, role_settings={"search_path": SCHEMA}, min_size=1)
    yield InterruptedStore(pool)
    await pool.close()


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(uuid.uuid4().hex)


@pytest.fixture
async def opened(
    store: InterruptedStore, tenant: TenantId, rows: Any, event: Any
) -> Callable[[], Awaitable[TenantLog]]:
    async def make() -> TenantLog:
        made = tenant_log(store, tenant, LIMITS)
        await made.open()
        # The first commit goes under the lock, the next ones do not.
        await made.submit(IncomingBatch(arrival(rows(event(f"first-{uuid.uuid4().hex}")))))
        store.appends = 0
        return made

    return make


async def stored(store: InterruptedStore, tenant: TenantId) -> list[dict[str, Any]]:
    commits = await store.log(tenant).read(0, EVERY_PAGE, 1_000, 2**40)
    found = [decoded(page.events).to_pylist() for one in commits for page in one.pages]
    return [row for some in found for row in some if row["id"].startswith("e")]


async def test_a_large_batch_is_answered_once_with_all_that_became_of_it(
    store: Any, tenant: Any, opened: Any, event: Any, rows: Any
) -> None:
    log = await opened()
    events = [event(f"e{number}", case_id=f"c{number % 3}") for number in range(45)]
    events[7].case_id = events[33].case_id = ""
    events[41].id = "e2"
    batch = IncomingBatch(arrival(rows(*events)), request_id=uuid.uuid4(), fingerprint=b"print")
    large = log.submit(batch)
    small = log.submit(IncomingBatch(arrival(rows(event("e-small")))))
    written, other = await asyncio.gather(large, small)
    assert isinstance(written, Written)
    # The last one differs from what was written under its id in its case alone.
    assert written.tally == IntakeCounts(42, 1, 2)
    assert [(fault.index, fault.reason) for fault in written.faults] == [
        (7, "EVENT_CASE_MISSING"),
        (33, "EVENT_CASE_MISSING"),
    ]
    assert len(set(written.quarantine_ids)) == 2
    assert other.position < written.position
    assert len(await stored(store, tenant)) == 43
    async with store.session(tenant) as session:
        counts, _ = await session.registry.intake()
    assert sum(one.received for one in counts.values()) == 47
    again = await log.submit(batch)
    assert again == answer(written, await store.log(tenant).head())


async def test_who_dies_between_two_parts_loses_nothing_that_was_answered_and_doubles_nothing(
    store: Any, tenant: Any, opened: Any, event: Any, rows: Any
) -> None:
    async def die() -> None:
        raise ConnectionError("gone")

    log = await opened()
    batch = IncomingBatch(arrival(rows(*(event(f"e{n}") for n in range(45)))), request_id=uuid.uuid4(), fingerprint=b"")
    store.before = {3: die}
    with pytest.raises(ConnectionError):
        await log.submit(batch)
    assert len(await stored(store, tenant)) == 20
    store.before = {}
    # The log goes on, here and in another process.
    assert (await log.submit(IncomingBatch(arrival(rows(event("e-next")))))).tally == IntakeCounts(1)
    other = await opened()
    written = await other.submit(batch)
    assert written.tally == IntakeCounts(25, 20, 0)
    assert await log.submit(batch) == answer(written, await store.log(tenant).head())
    assert sorted(row["id"] for row in await stored(store, tenant)) == sorted([*(f"e{n}" for n in range(45)), "e-next"])


async def test_parts_after_a_change_of_their_source_are_admitted_as_it_is_then(
    store: Any, tenant: Any, opened: Any, event: Any, rows: Any
) -> None:
    async def hide_rooms() -> None:
        async with store.locked(tenant) as session:
            source = (await session.registry.sources())[SourceId("desk")]
            await session.registry.update_source(
                replace(source, policies=(FieldPolicy("attributes.room", Treatment.MASK),))
            )
            await session.log.append(LogEntry(session.head.position, session.head.next_offsets), Receipt())

    log = await opened()
    store.before = {3: hide_rooms}
    events = [event(f"e{number}", attributes={"room": "12 b"}) for number in range(45)]
    assert (await log.submit(IncomingBatch(arrival(rows(*events))))).tally == IntakeCounts(45)
    hidden = {int(row["id"][1:]): row["attributes.room"] == "***" for row in await stored(store, tenant)}
    assert [number for number in range(45) if not hidden[number]] == list(range(20))


async def test_small_batches_do_not_wait_for_the_parts_of_a_large_one(served: Any, table: Any, arrow: Any) -> None:
    client = served.client()
    await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=arrow(table(1, id=["first"]))))
    large = asyncio.ensure_future(client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=arrow(table(50_000)))))
    answered = 0
    while not large.done():
        batch = arrow(table(1, id=[f"small-{answered}"]))
        await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
        answered += 1
    assert (await large).accepted == 50_000
    assert answered > 3
