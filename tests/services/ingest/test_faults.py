"""Whatever the order, the batching, the repeats, the restarts and the replicas: the same events, each once."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from typing import Any

import grpc
import pyarrow as pa
import pytest
from andon.ingest.v1 import event_pb2, ingest_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.__main__ import answer
from services.ingest.admission.tenant_keys import tenant_keys
from services.ingest.log.records import PageFilter
from services.ingest.log.segments import decoded
from services.ingest.log.tail import LogTail
from services.ingest.model import IncomingBatch, TenantId, Written, total
from services.ingest.store.schema import SCHEMA
from services.ingest.store.sessions import PostgresStore
from services.ingest.wire import event_as_sent
from services.ingest.wire.batches import arrival
from services.ingest.writer.commit import Committer, LogLimits
from services.ingest.writer.receipt import Codec
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.clock import clock_us
from services.runtime.database import open_pool
from services.runtime.drain import Draining

LIMITS = LogLimits(
    commit_rows_max=100,
    commit_bytes_max=1_000_000,
    queue_rows_max=100_000,
    partition_count=3,
    cache_bytes_max=1_000_000,
)
FORMS = Codec(event_as_sent, answer)

IDS = st.integers(0, 25)
BATCH = st.lists(st.tuples(IDS, st.booleans()), max_size=12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), st.lists(BATCH, min_size=1, max_size=4)),
        st.tuples(st.just("restart"), st.integers(0, 1), st.just([])),
    ),
    max_size=10,
)


async def played(dsn: str, steps: Any, make: Any) -> None:
    """Two replicas write what the steps say; some events are bad, and an id always comes with the same payload."""
    tenant = TenantId(uuid.uuid4().hex)
    pool = await open_pool(dsn, role_settings={"search_path": SCHEMA}, min_size=1)
    try:
        store = PostgresStore(pool)

        def opened() -> TenantLog:
            keys = tenant_keys(bytes(32), tenant)
            tail = LogTail(store.log(tenant), Draining(), 4_000_000, 1.0)
            committer = Committer(tenant, store, keys, LIMITS, FORMS, clock_us, tail)
            return TenantLog(tenant, keys, committer, LIMITS)

        logs = [opened(), opened()]
        received, written, sent = 0, [], set()
        for kind, replica, batches in steps:
            if kind == "restart":
                logs[replica] = opened()
                continue
            log = logs[replica]
            await log.open()
            futures = []
            for batch in batches:
                events = [make(number, good) for number, good in batch]
                sent |= {f"e{number}" for number, good in batch if good}
                received += len(events)
                futures.append(
                    log.submit(IncomingBatch(arrival(event_pb2.EventBatch(rows=event_pb2.EventRows(events=events)))))
                )
            written += await asyncio.gather(*futures)
        await check(store, tenant, received, [one for one in written if isinstance(one, Written)], sent)
    finally:
        await pool.close()


async def check(store: PostgresStore, tenant: TenantId, received: int, written: list[Written], sent: set[str]) -> None:
    answered = total(one.tally for one in written)
    assert answered.received == received
    if not written:
        return
    async with store.session(tenant) as session:
        head = await session.log.head()
        tallies, reasons = await session.registry.intake()
        found = await session.log.read(0, PageFilter(), 1_000, 2**40)
    assert total(tallies.values()) == answered
    assert sum(reasons.values()) == answered.quarantined
    assert [one.commit.position for one in found] == list(range(1, head.position + 1))
    ids: Counter[str] = Counter()
    offsets: dict[int, int] = {}
    for page in (page for one in found for page in one.pages):
        assert page.place.first_offset == offsets.get(page.place.partition, 0)
        offsets[page.place.partition] = page.place.first_offset + page.event_count
        ids.update(decoded(page.events).column("id").to_pylist())
    assert ids == Counter(sent)
    assert answered.accepted == len(sent) == head.event_count


@pytest.fixture
def service_dsn(migrated: str, make_settings: Any) -> str:
    dsn: str = make_settings(migrated).dsn
    return dsn


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_order_of_batches_repeats_restarts_and_replicas_accepts_the_same_events_once(
    service_dsn: str, event: Any, steps: Any
) -> None:
    def make(number: int, good: bool) -> event_pb2.Event:
        made: event_pb2.Event = event(f"e{number}", case_id=f"c{number % 5}", attributes={"n": number})
        if not good:
            made.ClearField("time")
        return made

    asyncio.run(played(service_dsn, steps, make))


async def ids_in(client: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    async for response in client.ReadEvents(ingest_pb2.ReadEventsRequest()):
        for page in response.pages:
            found.update(pa.ipc.open_stream(page.events.arrow_ipc).read_all().column("id").to_pylist())
    return found


def request(table: Any, arrow: Any, number: int, size: int = 200) -> ingest_pb2.WriteEventsRequest:
    return ingest_pb2.WriteEventsRequest(batch=arrow(table(size, id=[f"{number}-{row}" for row in range(size)])))


async def test_two_replicas_that_get_the_same_batches_at_once_accept_each_event_once(
    start: Any, table: Any, arrow: Any
) -> None:
    clients = [(await start()).client() for _ in range(2)]
    answers = await asyncio.gather(
        *(client.WriteEvents(request(table, arrow, number)) for number in range(15) for client in clients)
    )
    assert sum(one.accepted for one in answers) == sum(one.duplicate for one in answers) == 15 * 200
    found = await ids_in(clients[0])
    assert len(found) == 15 * 200
    assert set(found.values()) == {1}


async def test_a_follower_on_one_replica_gets_what_the_other_writes_without_delay(
    start: Any, table: Any, arrow: Any
) -> None:
    reader, writer = [(await start(poll_s=3_000.0)).client() for _ in range(2)]
    call = reader.ReadEvents(ingest_pb2.ReadEventsRequest(follow=True))
    responses = call.__aiter__()
    first = asyncio.ensure_future(anext(responses))
    await asyncio.sleep(0.5)
    written = await writer.WriteEvents(request(table, arrow, 1))
    # Polling alone would take longer than this waits.
    assert (await asyncio.wait_for(first, 60)).through == written.through
    call.cancel()


async def test_a_restarted_process_still_recognises_its_events(spawn: Any, table: Any, arrow: Any) -> None:
    served, process = await spawn()
    await served.client().WriteEvents(request(table, arrow, 1))
    process.terminate()
    assert await process.wait() == 0
    served, _ = await spawn()
    again = await served.client().WriteEvents(request(table, arrow, 1))
    assert (again.accepted, again.duplicate) == (0, 200)


@pytest.mark.slow
async def test_a_process_that_is_killed_loses_nothing_that_it_acknowledged(spawn: Any, table: Any, arrow: Any) -> None:
    acknowledged: set[int] = set()
    sent = 0
    dice = random.Random(5)
    for _ in range(3):
        served, process = await spawn()
        client = served.client()

        async def write(number: int, client: Any = client) -> None:
            try:
                await client.WriteEvents(request(table, arrow, number))
            except grpc.aio.AioRpcError:
                return
            acknowledged.add(number)

        async def load(client: Any = client, process: Any = process) -> None:
            nonlocal sent
            while process.returncode is None:
                sent += 8
                await asyncio.gather(*(write(number, client) for number in range(sent - 8, sent)))

        loading = asyncio.create_task(load())
        await asyncio.sleep(dice.uniform(0.5, 1.2))
        process.kill()
        await process.wait()
        await loading
    served, _ = await spawn()
    client = served.client()
    found = await ids_in(client)
    assert len(acknowledged) > 20
    assert all(found[f"{number}-{row}"] == 1 for number in acknowledged for row in range(200))
    assert set(found.values()) == {1}
    for number in range(sent):
        await client.WriteEvents(request(table, arrow, number))
    assert set((await ids_in(client)).values()) == {1}
    assert len(await ids_in(client)) == sent * 200
    counts = (await client.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest())).counts[0]
    assert counts.received == counts.accepted + counts.duplicate + counts.quarantined
    assert counts.accepted == sent * 200
