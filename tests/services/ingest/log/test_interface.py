"""What every log keeps to, written against its interface; a second implementation joins the fixture `make_log`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from services.ingest.log.interface import Log
from services.ingest.log.records import EVERY_PAGE, LogEntry, LogHead, PageFilter
from services.ingest.model import IntakeCounts, IntakeTotals, Segment, SourceId, TenantId
from services.ingest.registry.records import Receipt, StoredAnswer
from services.ingest.store.schema import SCHEMA
from services.ingest.store.sessions import PostgresStore
from services.runtime.clock import clock_us
from services.runtime.database import open_pool

EVERYTHING = 2**40


@pytest.fixture
async def store(migrated: str, make_settings: Any) -> AsyncIterator[PostgresStore]:
    pool = await open_pool(make_settings(migrated).dsn, role_settings={"search_path": SCHEMA}, min_size=1)
    yield PostgresStore(pool)
    await pool.close()


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(uuid.uuid4().hex)


@pytest.fixture(params=["postgres"])
def make_log(request: Any, store: PostgresStore, tenant: TenantId) -> Callable[[], Log]:
    """Each call is another process that has the same log."""
    return {"postgres": lambda: store.log(tenant)}[request.param]


@pytest.fixture
async def log(make_log: Callable[[], Log]) -> Log:
    made = make_log()
    await made.create(2)
    return made


def segment(partition: int, first_offset: int, count: int = 1, us: int = 10, text: bytes = b"events") -> Segment:
    hashes = np.arange(count, dtype="<u8").tobytes()
    return Segment(partition, first_offset, count, us, us + 5, hashes, hashes[:8], text)


def entry(head: LogHead, *segments: Segment, **source_times: int) -> LogEntry:
    offsets = list(head.next_offsets)
    for one in segments:
        offsets[one.partition] += one.event_count
    return LogEntry(head.position, tuple(offsets), segments, source_times, ("trace",))


async def appended(log: Log, *segments: Segment, receipt: Receipt | None = None, **source_times: int) -> int:
    head = await log.head()
    committed_at_us = await log.append(entry(head, *segments, **source_times), receipt or Receipt())
    assert committed_at_us is not None
    return head.position + 1


async def test_a_new_log_is_empty_and_making_it_again_changes_nothing(make_log: Any) -> None:
    log = make_log()
    await log.create(2)
    head = await log.head()
    await make_log().create(7)
    assert await log.head() == head
    assert (head.position, head.oldest_position, head.next_offsets, head.event_count) == (0, 0, (0, 0), 0)
    assert await log.read(0, PageFilter(), 10, EVERYTHING) == []
    assert await log.watermarks(0) == {}


async def test_what_is_appended_is_read_in_order_by_everybody(log: Log, make_log: Any) -> None:
    await appended(log, segment(1, 0, 3, text=b"one"), segment(0, 0, 2, text=b"two"), desk=15)
    await appended(log)
    await appended(log, segment(1, 3, 1, text=b"three"), shop=7)
    found = await make_log().read(0, PageFilter(), 10, EVERYTHING)
    assert [one.commit.position for one in found] == [1, 2, 3]
    assert [one.commit.source_times for one in found] == [{"desk": 15}, {}, {"shop": 7}]
    assert [one.commit.traceparents for one in found] == [("trace",)] * 3
    pages = [page for one in found for page in one.pages]
    assert [(page.place.position, page.place.partition, page.place.first_offset) for page in pages] == [
        (1, 0, 0),
        (1, 1, 0),
        (3, 1, 3),
    ]
    assert [page.events for page in pages] == [b"two", b"one", b"three"]
    head = await log.head()
    assert (head.position, head.next_offsets, head.event_count) == (3, (2, 4), 6)
    assert await log.read(3, PageFilter(), 10, EVERYTHING) == []


async def test_an_entry_for_another_end_of_the_log_changes_nothing(log: Log) -> None:
    outdated = await log.head()
    await appended(log, segment(0, 0))
    before = await log.head()
    counts = Receipt(counts={"desk": IntakeCounts(1, 0, 0)})
    assert await log.append(entry(outdated, segment(0, 0)), counts) is None
    assert await log.append(LogEntry(99, (1, 1)), counts) is None
    assert await log.head() == before


async def test_of_many_writers_at_one_end_one_succeeds(log: Log, make_log: Any) -> None:
    head = await log.head()
    results = await asyncio.gather(*(make_log().append(entry(head, segment(0, 0)), Receipt()) for _ in range(6)))
    assert sum(result is not None for result in results) == 1
    assert (await log.head()).position == 1


async def test_a_reader_gets_whole_commits_within_its_limits_and_at_least_one(log: Log) -> None:
    for number in range(5):
        await appended(log, segment(0, number, text=b"x" * 100), segment(1, number, text=b"y" * 100))
    for commits_max, bytes_max, through in ((2, EVERYTHING, 3), (10, 450, 3), (10, 1, 2), (10, EVERYTHING, 5)):
        found = await log.read(1, PageFilter(), commits_max, bytes_max)
        assert [one.commit.position for one in found] == list(range(2, through + 1))
        assert [len(one.pages) for one in found] == [2] * (through - 1)


async def test_pages_are_chosen_by_partition_and_time_and_commits_are_named_all_the_same(log: Log) -> None:
    await appended(log, segment(0, 0, us=0), segment(1, 0, us=100))
    await appended(log, segment(0, 1, us=200))
    for pages, chosen in (
        (PageFilter(partitions=(0,)), [(1, 0), (2, 0)]),
        (PageFilter(start_us=105, end_us=200), [(1, 1)]),
        (PageFilter(start_us=206), []),
    ):
        found = await log.read(0, pages, 10, EVERYTHING)
        read = [page for one in found for page in one.pages]
        assert [(page.place.position, page.place.partition) for page in read] == chosen
        assert [one.commit.position for one in found] == [1, 2]
        # Whoever has all of them in memory chooses alike.
        every = [page for one in await log.read(0, EVERY_PAGE, 10, EVERYTHING) for page in one.pages]
        assert [page for page in every if pages.chooses(page)] == read


async def test_hashes_and_segments_are_found_by_position(log: Log) -> None:
    await appended(log, segment(1, 0, 3, text=b"one"), segment(0, 0, 2, text=b"two"))
    await appended(log)
    await appended(log, segment(1, 3, 1, text=b"three"))
    hashes = await log.read_hashes(0, 3)
    assert [(one.position, len(one.hashes)) for one in hashes] == [(1, 16), (1, 24), (3, 8)]
    assert [one.position for one in await log.read_hashes(1, 2)] == []
    assert [position for position, _ in await log.read_case_hashes(0, 3)] == [1, 1, 3]
    stored = await log.read_segments([1, 2, 3])
    assert {position: [one.events for one in some] for position, some in stored.items()} == {
        1: [b"two", b"one"],
        2: [],
        3: [b"three"],
    }
    assert [one.events for one in (await log.read_segments([1, 3], [1]))[1]] == [b"one"]


async def test_the_position_before_a_moment_is_that_of_the_last_commit_made_until_then(log: Log) -> None:
    begun_us = clock_us()
    await appended(log)
    await asyncio.sleep(0.01)
    between_us = clock_us()
    await appended(log)
    assert await log.position_before(begun_us) == 0
    assert await log.position_before(between_us) == 1
    assert await log.position_before(clock_us() + 1_000_000) == 2


async def test_the_watermark_of_each_source_is_known_at_every_position(log: Log) -> None:
    expected: dict[str, int] = {}
    dice = np.random.default_rng(5)
    at: dict[int, dict[str, int]] = {0: {}}
    for position in range(1, 530):
        times = {f"s{n}": int(dice.integers(0, 1_000)) for n in dice.choice(4, int(dice.integers(0, 3)), replace=False)}
        head = await log.head()
        assert await log.append(entry(head, **times), Receipt()) is not None
        expected = {name: max(times.get(name, -1), expected.get(name, -1)) for name in {*times, *expected}}
        at[position] = expected
    for position in (0, 1, 100, 255, 256, 257, 400, 511, 512, 529):
        assert await log.watermarks(position) == at[position]


async def test_a_receipt_is_recorded_with_its_entry_or_not_at_all(
    log: Log, store: PostgresStore, tenant: TenantId
) -> None:
    outdated = await log.head()
    request = uuid.uuid4()
    receipt = Receipt(
        counts={"desk": IntakeCounts(3, 2, 1)},
        reasons={("desk", "EVENT_ID_MISSING"): 1},
        new_sources=(SourceId("desk"),),
        method="WriteEvents",
        answers=(StoredAnswer(request, "WriteEvents", b"mark", b"answer"),),
    )
    await appended(log, segment(0, 0), receipt=receipt)
    assert await log.append(entry(outdated, segment(0, 0)), receipt) is None
    # The same request id again, at the end of the log: it has an answer, so nothing of it is written.
    assert await log.append(entry(await log.head(), segment(0, 1)), receipt) is None
    async with store.session(tenant) as session:
        counts, _ = await session.registry.intake()
        assert counts == {"desk": IntakeTotals(3, 2, 1)}
        assert list(await session.registry.sources()) == ["desk"]
        assert (await session.registry.answered([request]))[request].answer == b"answer"
    assert (await log.head()).position == 1
