"""Followers get every commit once and in order, and what this process wrote is not read back for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from andon.ingest.v1 import ingest_pb2

from services.ingest.log.records import EVERY_PAGE, Commit, LoggedCommit, PageFilter, SegmentKey, StoredPage
from services.ingest.log.tail import LogSlice, LogTail
from services.runtime.drain import Draining


def page(position: int, partition: int = 0) -> StoredPage:
    return StoredPage(SegmentKey(position, partition, 0), 1, 0, 0, b"page")


def logged(position: int, *partitions: int) -> LoggedCommit:
    pages = tuple(page(position, partition) for partition in partitions)
    return LoggedCommit(Commit(position, 10, committed_at_us=position), pages)


class CountingLog:
    """The commits that a test has put there, and how often they were read."""

    def __init__(self) -> None:
        self.commits: list[LoggedCommit] = []
        self.reads: list[tuple[int, PageFilter]] = []

    async def read(self, after: int, pages: PageFilter, commits_max: int, bytes_max: int) -> list[LoggedCommit]:
        self.reads.append((after, pages))
        return [
            LoggedCommit(one.commit, tuple(filter(pages.chooses, one.pages)))
            for one in self.commits
            if one.commit.position > after
        ][:commits_max]


@pytest.fixture
def log() -> CountingLog:
    return CountingLog()


@pytest.fixture
def tail(log: Any) -> LogTail:
    # Polling alone would take longer than any test waits.
    return LogTail(log, Draining(), response_bytes_max=1_000, poll_s=3_000.0)


async def taken(following: AsyncIterator[LogSlice]) -> tuple[int, list[int]]:
    found = await asyncio.wait_for(anext(following), 60)
    return found.through, [one.commit.position for one in found.commits if one.pages]


def append(log: CountingLog, tail: LogTail, *commits: LoggedCommit) -> None:
    """As the writer of this process does."""
    for one in commits:
        begun = tail.changed.generation()
        with tail.appending(one.commit.position):
            log.commits.append(one)
            tail.notified(one.commit.position)
            tail.appended(one, begun)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_own_commits_are_not_read_back(log: CountingLog, tail: LogTail) -> None:
    following = tail.follow(0, EVERY_PAGE, 60.0)
    first = asyncio.ensure_future(taken(following))
    await settled()
    reads = len(log.reads)
    for position in range(1, 6):
        append(log, tail, logged(position, 0))
        assert await first == (position, [position])
        first = asyncio.ensure_future(taken(following))
        await settled()
    assert len(log.reads) == reads
    first.cancel()


async def test_a_commit_of_another_process_in_the_place_of_ours_is_read(log: CountingLog, tail: LogTail) -> None:
    following = tail.follow(0, EVERY_PAGE, 60.0)
    first = asyncio.ensure_future(taken(following))
    await settled()
    with tail.appending(1):
        # Another one was quicker, and its notification comes before the append is refused.
        log.commits.append(logged(1, 0))
        tail.notified(1)
    assert await first == (1, [1])
    append(log, tail, logged(2, 0))
    assert await taken(following) == (2, [2])


async def test_a_notification_of_a_later_commit_while_ours_is_on_its_way_is_not_lost(
    log: CountingLog, tail: LogTail
) -> None:
    following = tail.follow(0, EVERY_PAGE, 60.0)
    first = asyncio.ensure_future(taken(following))
    await settled()
    begun = tail.changed.generation()
    with tail.appending(1):
        log.commits += [logged(1, 0), logged(2, 0)]
        tail.notified(2)
        tail.appended(log.commits[0], begun)
    seen = (await first)[1]
    while seen[-1] < 2:
        seen += (await taken(following))[1]
    assert seen == [1, 2]


async def test_a_follower_far_behind_reads_what_it_asked_for_and_the_others_keep_the_newest(
    log: CountingLog, tail: LogTail
) -> None:
    log.commits = [logged(position, position % 2) for position in range(1, 1_000)]
    newest = tail.follow(999, EVERY_PAGE, 60.0)
    waiting = asyncio.ensure_future(taken(newest))
    await settled()
    pages = PageFilter(partitions=(1,))
    behind = tail.follow(0, pages, 60.0)
    seen: list[int] = []
    while len(seen) < 500:
        seen += (await taken(behind))[1]
    assert seen == list(range(1, 1_000, 2))
    assert {asked for after, asked in log.reads if after < 999} == {pages}
    reads = len(log.reads)
    append(log, tail, logged(1_000, 0))
    assert await waiting == (1_000, [1_000])
    assert len(log.reads) == reads


async def test_commits_that_were_passed_over_are_named_without_their_pages(log: CountingLog, tail: LogTail) -> None:
    log.commits = [logged(1, 0), logged(2, 1), logged(3, 0), logged(4, 1), logged(5, 0)]
    found = await anext(tail.follow(0, PageFilter(partitions=(1,)), 60.0))
    assert [(one.commit.position, len(one.pages)) for one in found.commits] == [(1, 0), (2, 1), (3, 0), (4, 1), (5, 0)]
    parts: list[Sequence[int]] = [[one.commit.position for one in part.commits] for part in found.one_by_one()]
    assert parts == [[1, 2], [3, 4], [5]]
    assert [part.through for part in found.one_by_one()] == [2, 4, 5]


async def test_a_follower_sees_what_two_replicas_write_in_turns(start: Any, event: Any, rows: Any) -> None:
    clients = [(await start(poll_s=3_000.0)).client() for _ in range(2)]
    calls = [client.ReadEvents(ingest_pb2.ReadEventsRequest(follow=True)) for client in clients]

    async def seen(call: Any) -> int:
        """Events of the next response that has any."""
        async for response in call:
            if response.pages:
                return sum(page.event_count for page in response.pages)
        raise AssertionError("the call ended")

    for turn in range(6):
        batch = rows(*(event(f"{turn}-{number}") for number in range(3)))
        await clients[turn // 2 % 2].WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
        for call in calls:
            # Polling alone would take longer than this waits.
            assert await asyncio.wait_for(seen(call), 60) == 3
    for call in calls:
        call.cancel()
