"""What a process remembers of its own commits is what the log would say."""

from __future__ import annotations

import asyncio
from typing import Any

from andon.ingest.v1 import ingest_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.log.recent import BYTES_MAX, COMMITS_MAX, RecentCommits
from services.ingest.log.records import Commit
from services.ingest.model import Segment


def commit(position: int, byte_count: int = 10) -> Commit:
    return Commit(position, byte_count, committed_at_us=position)


def segment(partition: int, first_offset: int, time_min_us: int = 0, time_max_us: int = 0) -> Segment:
    return Segment(partition, first_offset, 1, time_min_us, time_max_us, b"", b"", b"page")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([10, BYTES_MAX // 3, 2 * BYTES_MAX])), max_size=40))
def test_what_is_covered_is_there_without_gaps(steps: list[tuple[int, int]]) -> None:
    recent, position = RecentCommits(), 0
    written: list[int] = []
    for step, byte_count in steps:
        # A step of more than one: somebody else wrote in between.
        position += step
        written.append(position)
        recent.add(commit(position, byte_count), ())
    for asked in range(position + 2):
        if recent.covers(asked):
            found = [one.commit.position for one in recent.since(asked)]
            assert found == list(range(asked + 1, position + 1))
            assert set(found) <= set(written)


def test_memory_is_bounded_by_commits_and_by_bytes() -> None:
    recent = RecentCommits()
    for position in range(1, 2 * COMMITS_MAX):
        recent.add(commit(position), ())
    assert (recent.through - recent.after, recent.through) == (COMMITS_MAX, 2 * COMMITS_MAX - 1)
    recent.add(commit(2 * COMMITS_MAX, BYTES_MAX), ())
    assert recent.through - recent.after == 1
    recent.add(commit(2 * COMMITS_MAX + 1, BYTES_MAX + 1), ())
    assert recent.since(0) == []
    assert not recent.covers(2 * COMMITS_MAX)


def test_pages_are_chosen_and_ordered_as_the_store_does() -> None:
    recent = RecentCommits()
    recent.add(commit(1), (segment(1, 5, 0, 9), segment(0, 9, 20, 30), segment(1, 2, 5, 40), segment(2, 0, 0, 50)))
    (one,) = recent.since(0)
    assert [(page.place.partition, page.place.first_offset) for page in one.pages(None, -100, 100)] == [
        (0, 9),
        (1, 2),
        (1, 5),
        (2, 0),
    ]
    assert [page.place.partition for page in one.pages([0, 1], 10, 20)] == [1]


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
