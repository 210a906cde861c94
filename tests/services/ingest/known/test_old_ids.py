"""A file loaded again changes nothing, however late, and live events do not pay for it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import numpy as np
import pytest
from andon.ingest.v1 import ingest_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.known.old_ids import BlockKey, IdBlock, by_block, found_in, joined_blocks, keys_of, slot_bits_for
from services.ingest.model import DAY_US, TenantId
from services.ingest.store.schema import SCHEMA
from services.ingest.store.sessions import PostgresStore
from services.runtime.clock import clock_us
from services.runtime.database import open_pool

START_S = 1_700_000_000
DAY_S = 86_400


def counts(answer: ingest_pb2.WriteEventsResponse) -> tuple[int, int, int]:
    return answer.accepted, answer.duplicate, answer.quarantined


def write(batch: Any) -> ingest_pb2.WriteEventsRequest:
    return ingest_pb2.WriteEventsRequest(batch=batch)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1)), min_size=1, max_size=60), st.integers(0, 9))
def test_each_id_is_found_in_the_block_of_its_day_and_upper_bits(ids: list[tuple[int, int]], bits: int) -> None:
    days = np.array([day for day, _ in ids], dtype=np.int64)
    hashes = np.array([number for _, number in ids], dtype=np.uint64)
    cut = {day: bits if day % 2 else 0 for day in range(4)}
    keys = keys_of(days, hashes, cut)
    assert keys.tolist() == [[day, number >> (64 - cut[day])] for day, number in ids]
    groups = by_block(keys)
    assert sorted(row for _, rows in groups for row in rows.tolist()) == list(range(len(ids)))
    for key, rows in groups:
        assert {BlockKey(*keys[row].tolist()) for row in rows.tolist()} == {key}
        block = joined_blocks([IdBlock(hashes[rows[:1]], rows[:1]), IdBlock(hashes[rows[1:]], rows[1:])])
        asked, positions = found_in(block, hashes[rows], rows)
        expected = {(one, other) for one in rows for other in rows if hashes[one] == hashes[other]}
        assert set(zip(asked.tolist(), positions.tolist(), strict=True)) == expected


def test_a_block_holds_at_most_a_thousand_ids_on_average() -> None:
    for count in (1, 1_000, 1_024, 1_025, 5_000, 10**6, 10**9):
        assert count / 2 ** slot_bits_for(count) <= 1_024


@pytest.fixture
async def aged(migrated: str) -> AsyncIterator[Any]:
    """Makes all that was committed so far older, by days."""
    connection = await asyncpg.connect(migrated)

    async def age(days: int) -> None:
        statement = "UPDATE ingest.commit SET committed_at = committed_at - make_interval(days => $1)"
        await connection.execute(statement, days)

    yield age
    await connection.close()


@pytest.fixture
async def archive_all(migrated: str, make_settings: Any) -> AsyncIterator[Any]:
    """Does what is due, as a process does once an hour."""
    pool = await open_pool(make_settings(migrated).dsn, role_settings={"search_path": SCHEMA}, min_size=1)
    store, tenant = PostgresStore(pool), TenantId("acme")

    async def archive() -> int:
        log = store.log(tenant)
        through = await log.position_before(clock_us() - 7 * DAY_US)
        while await store.id_archive(tenant).advance(log, through):
            pass
        return await store.id_archive(tenant).position()

    yield archive
    await pool.close()


async def test_a_file_loaded_again_after_months_is_all_duplicates(
    start: Any, table: Any, arrow: Any, aged: Any, archive_all: Any, everything: Any
) -> None:
    cases = [f"c{row}" for row in range(3_000)]
    batches = [write(arrow(table(3_000, id=[f"{n}-{row}" for row in range(3_000)], case_id=cases))) for n in range(3)]
    client = (await start()).client()
    for batch in batches:
        assert counts(await client.WriteEvents(batch)) == (3_000, 0, 0)
    await aged(9)
    assert await archive_all() == 3
    # The same again: in another process, in another order, and with a row that is new.
    client = (await start()).client()
    grown = table(3_001, id=[*(f"2-{row}" for row in range(3_000)), "new"], case_id=[*cases, "c"])
    assert counts(await client.WriteEvents(write(arrow(grown)))) == (1, 3_000, 0)
    for batch in reversed(batches):
        assert counts(await client.WriteEvents(batch)) == (0, 3_000, 0)
    await aged(60)
    assert await archive_all() == 7
    client = (await start()).client()
    for batch in batches:
        assert counts(await client.WriteEvents(batch)) == (0, 3_000, 0)
    assert len(await everything(client)) == 9_001


async def test_archiving_while_a_process_goes_on_changes_no_answer(
    start: Any, event: Any, rows: Any, aged: Any
) -> None:
    client = (await start(archive_every_s=0.05)).client()

    def some(number: int) -> Any:
        return write(rows(*(event(f"{number}-{row}", time_s=START_S + DAY_S * (row % 3)) for row in range(5))))

    for number in range(4):
        assert counts(await client.WriteEvents(some(number))) == (5, 0, 0)
        assert counts(await client.WriteEvents(some(number))) == (0, 5, 0)
        await aged(5)
    for number in range(4):
        assert counts(await client.WriteEvents(some(number))) == (0, 5, 0)


async def test_behind_the_horizon_an_id_belongs_to_its_time(
    start: Any, event: Any, rows: Any, aged: Any, archive_all: Any
) -> None:
    client = (await start()).client()
    assert counts(await client.WriteEvents(write(rows(event("a"))))) == (1, 0, 0)
    changed, reused = event("a", activity="Closed"), event("a", time_s=START_S + 1)
    for one in (changed, reused):
        assert counts(await client.WriteEvents(write(rows(one)))) == (0, 0, 1)
    await aged(9)
    await archive_all()
    client = (await start()).client()
    # The same time with another payload says something else of the same event; another time is another event.
    assert counts(await client.WriteEvents(write(rows(changed)))) == (0, 0, 1)
    assert counts(await client.WriteEvents(write(rows(reused)))) == (1, 0, 0)
    for one in (event("a"), reused):
        assert counts(await client.WriteEvents(write(rows(one)))) == (0, 1, 0)


async def test_live_events_never_ask_the_archive_whose_blocks_stay_small(
    start: Any, event: Any, table: Any, arrow: Any, rows: Any, aged: Any, archive_all: Any, migrated: str
) -> None:
    many = table(40_000, id=[uuid.uuid4().hex for _ in range(40_000)])
    await (await start()).client().WriteEvents(write(arrow(many)))
    await aged(9)
    await archive_all()
    connection = await asyncpg.connect(migrated)
    sizes = [row[0] for row in await connection.fetch("SELECT octet_length(hashes) / 8 FROM ingest.id_block")]
    assert sum(sizes) == 40_000
    assert max(sizes) < 1_500
    # With the archive out of reach, who asks it fails.
    await connection.execute("ALTER TABLE ingest.id_day RENAME TO away")
    client = (await start()).client()
    live = write(rows(*(event(f"live{number}", time_s=clock_us() / 1_000_000) for number in range(5))))
    assert counts(await client.WriteEvents(live)) == (5, 0, 0)
    await connection.execute("ALTER TABLE ingest.away RENAME TO id_day")
    await connection.close()
