"""Leases spread, move away from the dead, and fence off former owners."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.runtime import ownership
from services.runtime.database import tenant_transaction
from services.runtime.migrations import migrate
from services.runtime.ownership import Lease, Leases, LostLease, Resource, fair_share

ROOT = Path(__file__).parents[3]
RESOURCES = [Resource("acme", f"partition-{n}") for n in range(6)] + [Resource("umbrella", "partition-0")]
SCHEMA = "owned"


@pytest.fixture
async def dsn(database: str, tmp_path: Path) -> str:
    """A service's own role on a schema with the ownership tables."""
    ddl = (ROOT / "services/runtime/sql/ownership.sql").read_text()
    (tmp_path / "0001_pre_create_ownership.sql").write_text(ddl)
    await migrate(database, schema=SCHEMA, directory=tmp_path, service_role="owner_test", service_password="p")
    return f"postgresql://owner_test:p@{database.rpartition('@')[2]}"


class Replica:
    """One replica in this process, whose work writes down under which leases it runs."""

    def __init__(self, dsn: str, beat_s: float = 0.05, silent_s: float = 1.0) -> None:
        self.leases = Leases(dsn, schema=SCHEMA, resources=lambda: RESOURCES, beat_s=beat_s, silent_s=silent_s)
        self.working: set[Resource] = set()
        self.task = asyncio.create_task(self.leases.run(self.work))

    async def work(self, lease: Lease) -> None:
        resource = Resource(lease.tenant, lease.resource)
        self.working.add(resource)
        try:
            await asyncio.Event().wait()
        finally:
            self.working.discard(resource)

    async def leave(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


Start = Callable[[], Replica]


@pytest.fixture
async def start(dsn: str) -> AsyncIterator[Start]:
    replicas: list[Replica] = []

    def begin() -> Replica:
        replicas.append(Replica(dsn))
        return replicas[-1]

    yield begin
    for replica in replicas:
        await replica.leave()


async def eventually(condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def sizes(*replicas: Replica) -> list[int]:
    return sorted(len(replica.working) for replica in replicas)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 100), st.sets(st.uuids(), min_size=1, max_size=12))
def test_shares_are_fair_and_cover_everything(resources: int, replicas: set[uuid.UUID]) -> None:
    shares = [fair_share(resources, replicas, one) for one in replicas]
    assert sum(shares) == resources
    assert max(shares) - min(shares) <= 1


async def test_one_replica_owns_everything(start: Start) -> None:
    only = start()
    await eventually(lambda: only.working == set(RESOURCES))


async def test_replicas_share_the_work_and_never_two_do_the_same(start: Start) -> None:
    first = start()
    await eventually(lambda: len(first.working) == len(RESOURCES))
    second, third = start(), start()
    overlaps: list[set[Resource]] = []

    def spread() -> bool:
        pairs = [(first, second), (first, third), (second, third)]
        overlaps.extend(one.working & other.working for one, other in pairs)
        return sizes(first, second, third) == [2, 2, 3]

    await eventually(spread)
    assert not any(overlaps)


async def test_a_lease_that_is_refused_to_one_tenant_leaves_those_of_the_others_their_owners(
    start: Start, database: str
) -> None:
    admin = await asyncpg.connect(database)
    await admin.execute(f"ALTER TABLE {SCHEMA}.lease ADD CONSTRAINT refused CHECK (tenant <> 'umbrella')")
    only = start()
    await eventually(lambda: only.working == {one for one in RESOURCES if one.tenant == "acme"})
    await admin.execute(f"ALTER TABLE {SCHEMA}.lease DROP CONSTRAINT refused")
    await eventually(lambda: only.working == set(RESOURCES))
    await admin.close()


async def test_a_replica_that_leaves_hands_over_at_once(start: Start) -> None:
    first, second = start(), start()
    await eventually(lambda: sizes(first, second) == [3, 4])
    await first.leave()
    assert not first.working
    await eventually(lambda: second.working == set(RESOURCES), timeout_s=5)


async def test_a_lost_connection_stops_the_work_and_the_replica_comes_back(start: Start, database: str) -> None:
    only = start()
    await eventually(lambda: len(only.working) == len(RESOURCES))
    epochs = {lease.resource: lease.epoch for lease in only.leases.held if lease.tenant == "acme"}
    admin = await asyncpg.connect(database)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'owner_test' AND datname = current_database()"
    )
    await admin.close()
    await eventually(
        lambda: (
            len(only.leases.held) == len(RESOURCES)
            and all(lease.epoch > epochs[lease.resource] for lease in only.leases.held if lease.tenant == "acme")
        )
    )


PROCESS = """
import asyncio, sys
from services.runtime.ownership import Leases, Resource

async def work(lease):
    print("held", lease.resource, file=sys.stderr, flush=True)
    await asyncio.Event().wait()

resources = [Resource(*line.split()) for line in sys.argv[2:]]
leases = Leases(sys.argv[1], schema="owned", resources=lambda: resources, beat_s=0.05, silent_s=600.0)
asyncio.run(leases.run(work))
"""


@contextlib.asynccontextmanager
async def process_holding_everything(dsn: str) -> AsyncIterator[subprocess.Popen[str]]:
    wanted = [f"{one.tenant} {one.name}" for one in RESOURCES]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROCESS), dsn, *wanted],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stderr
    try:
        for _ in RESOURCES:
            assert (await asyncio.to_thread(process.stderr.readline)).startswith("held")
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "paused"])
async def test_the_leases_of_a_dead_or_paused_process_move_to_who_is_left(
    dsn: str, start: Start, how: signal.Signals
) -> None:
    async with process_holding_everything(dsn) as process:
        process.send_signal(how)
        survivor = start()
        await eventually(lambda: survivor.working == set(RESOURCES))
        assert all(lease.epoch >= 2 for lease in survivor.leases.held)


async def test_a_killed_process_is_not_waited_for_until_it_counts_as_silent(dsn: str) -> None:
    async with process_holding_everything(dsn) as process:
        survivor = Replica(dsn, beat_s=0.5, silent_s=600.0)
        await eventually(lambda: 0 < len(survivor.working) < len(RESOURCES))
        begun = asyncio.get_running_loop().time()
        process.send_signal(signal.SIGKILL)
        await eventually(lambda: survivor.working == set(RESOURCES))
        # Two heartbeats on an idle machine; a busy one is given more, and no more than silence would take.
        took_s = asyncio.get_running_loop().time() - begun
        assert took_s < 10.0
        await survivor.leave()


async def take(dsn: str, resource: Resource) -> Lease:
    """What a new owner does first."""
    leases = Leases(dsn, schema=SCHEMA, resources=lambda: [resource])
    connection = await asyncpg.connect(dsn)
    try:
        return await leases.take(connection, resource)
    finally:
        await connection.close()


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    made = await asyncpg.create_pool(dsn, min_size=1, max_size=2)
    yield made
    await made.close()


async def test_a_former_owner_cannot_write(dsn: str, pool: asyncpg.Pool) -> None:
    old = await take(dsn, RESOURCES[0])
    new = await take(dsn, RESOURCES[0])
    assert new.epoch == old.epoch + 1
    async with tenant_transaction(pool, "acme") as connection:
        await new.guard(connection)
    with pytest.raises(LostLease):
        async with tenant_transaction(pool, "acme") as connection:
            await old.guard(connection)


async def test_a_new_owner_waits_for_a_write_that_passed_its_guard(dsn: str, pool: asyncpg.Pool) -> None:
    old = await take(dsn, RESOURCES[0])
    async with tenant_transaction(pool, "acme") as connection:
        await old.guard(connection)
        taking = asyncio.ensure_future(take(dsn, RESOURCES[0]))
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while not await pool.fetchval(waiting):
            assert not taking.done()
    assert (await asyncio.wait_for(taking, 60)).epoch == old.epoch + 1


async def test_a_lease_of_one_tenant_is_invisible_to_another(dsn: str, pool: asyncpg.Pool) -> None:
    lease = await take(dsn, RESOURCES[0])
    with pytest.raises(LostLease):
        async with tenant_transaction(pool, "umbrella") as connection:
            await lease.guard(connection)


async def test_work_that_finds_its_lease_lost_gives_up_and_the_rest_goes_on(dsn: str) -> None:
    begun: list[Lease] = []

    async def work(lease: Lease) -> None:
        begun.append(lease)
        if len(begun) == 1:
            raise LostLease(lease)
        await asyncio.Event().wait()

    leases = Leases(dsn, schema=SCHEMA, resources=lambda: RESOURCES[:1], beat_s=0.05)
    running = asyncio.ensure_future(leases.run(work))
    await eventually(lambda: len(begun) == 2)
    assert begun[1].epoch > begun[0].epoch
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_every_statement_prepares_on_the_migrated_schema(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    for name in ownership.QUERIES:
        await connection.prepare(ownership.QUERIES.statements[name])
    await connection.close()
