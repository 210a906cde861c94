"""A tail neither loses nor repeats."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from services.runtime.drain import Draining
from services.runtime.errors import Unavailable
from services.runtime.notifier import Notifier
from services.runtime.tail import Tail, TailBatch, heartbeat_within_limits

PATIENCE_S = 60


@pytest.mark.parametrize(("asked_s", "given_s"), [(None, 10), (0, 10), (0.01, 0.1), (5, 5), (3600, 60)])
def test_the_heartbeat_stays_within_limits(asked_s: float | None, given_s: float) -> None:
    assert heartbeat_within_limits(asked_s) == given_s


class Log:
    """A log in a list; `read` gives way at random moments, as a database does."""

    def __init__(self, seed: int = 0) -> None:
        self.entries: list[tuple[int, int]] = []
        self.reads: list[int] = []
        self._random = random.Random(seed)

    def append(self, value: int) -> None:
        gap = self._random.choice([1, 1, 1, 5])
        last = self.entries[-1][0] if self.entries else 0
        self.entries.append((last + gap, value))

    async def read(self, after: int, limit: int) -> list[tuple[int, int]]:
        self.reads.append(after)
        seen = [one for one in self.entries if one[0] > after][:limit]
        for _ in range(self._random.randrange(4)):
            await asyncio.sleep(0)
        return seen


def tail_of(log: Log, signal: Notifier | None = None, draining: Draining | None = None, **sizes: Any) -> Tail[int]:
    return Tail(log.read, signal or Notifier(), draining or Draining(), **sizes)


async def take(tail: Tail[int], count: int, after: int = 0, pause: Any = None) -> list[int]:
    values: list[int] = []
    through = after
    async for batch in tail.follow(after):
        assert [position for position, _ in batch.items] == sorted(position for position, _ in batch.items)
        assert all(through < position <= batch.through for position, _ in batch.items)
        through = batch.through
        values.extend(value for _, value in batch.items)
        if pause:
            await pause()
        if len(values) >= count:
            return values
    return values


@pytest.mark.parametrize("seed", range(12))
async def test_followers_see_everything_once_and_in_order_whatever_the_timing(seed: int) -> None:
    chance = random.Random(seed)
    log, signal = Log(seed), Notifier()
    # Nothing but the signal may wake them: a lost wake-up would hang the test.
    tail = tail_of(log, signal, ring_positions_max=8, batch_positions_max=3, poll_s=1000)
    count = 200

    async def write() -> None:
        for value in range(count):
            log.append(value)
            signal.notify()
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)

    def dawdling(steps: int) -> Any:
        async def pause() -> None:
            for _ in range(chance.randrange(steps + 1)):
                await asyncio.sleep(0)

        return pause

    followers = [take(tail, count, pause=dawdling(steps)) for steps in (0, 1, 3, 20, 60)]
    async with asyncio.timeout(PATIENCE_S):
        *seen, _ = await asyncio.gather(*followers, write())
    assert all(values == list(range(count)) for values in seen)


@pytest.mark.parametrize("seed", range(12))
async def test_what_was_offered_is_seen_once_and_in_order_like_what_was_read(seed: int) -> None:
    chance = random.Random(seed)
    log, signal = Log(seed), Notifier()
    tail = tail_of(log, signal, ring_positions_max=8, batch_positions_max=3, poll_s=1000)
    count = 200

    async def write() -> None:
        for value in range(count):
            previous = log.entries[-1][0] if log.entries else 0
            log.append(value)
            # Another process commits too, and what it commits is not offered here.
            if chance.random() < 0.7:
                tail.offer(previous, log.entries[-1][0], value)
            signal.notify()
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)

    async with asyncio.timeout(PATIENCE_S):
        *seen, _ = await asyncio.gather(*(take(tail, count) for _ in range(3)), write())
    assert all(values == list(range(count)) for values in seen)


async def test_what_was_offered_is_not_read_again() -> None:
    log, signal = Log(), Notifier()
    log.append(0)
    tail = tail_of(log, signal, poll_s=1000)
    first = asyncio.Event()

    async def note() -> None:
        first.set()

    following = asyncio.ensure_future(take(tail, 51, pause=note))
    await first.wait()
    reads = len(log.reads)
    for value in range(1, 51):
        previous = log.entries[-1][0]
        log.append(value)
        tail.offer(previous, log.entries[-1][0], value)
        signal.notify()
        await asyncio.sleep(0)
    assert await asyncio.wait_for(following, PATIENCE_S) == list(range(51))
    # To learn that there is nothing more takes a look; to learn what there is takes none.
    assert all(after >= log.entries[0][0] for after in log.reads[reads:])


async def test_an_end_that_is_known_is_not_looked_for_until_the_signal_says_that_there_is_more() -> None:
    log, signal = Log(), Notifier()
    log.append(0)
    tail = tail_of(log, signal, poll_s=1000)
    following = asyncio.ensure_future(take(tail, 3))
    await asyncio.sleep(0.05)
    reads = len(log.reads)
    previous = log.entries[-1][0]
    log.append(1)
    tail.offer(previous, log.entries[-1][0], 1)
    signal.notify()
    tail.ends_at(log.entries[-1][0])
    await asyncio.sleep(0.05)
    assert len(log.reads) == reads
    log.append(2)
    signal.notify()
    assert await asyncio.wait_for(following, PATIENCE_S) == [0, 1, 2]
    assert len(log.reads) > reads


async def test_a_resumed_follower_continues_behind_its_position() -> None:
    log = Log()
    for value in range(20):
        log.append(value)
    half = log.entries[9][0]
    assert await take(tail_of(log), 10, after=half) == list(range(10, 20))


async def test_followers_who_keep_up_share_one_read() -> None:
    log, signal = Log(), Notifier()
    tail = tail_of(log, signal, poll_s=1000)
    followers = asyncio.gather(*(take(tail, 50) for _ in range(20)))
    for value in range(50):
        log.append(value)
        signal.notify()
        await asyncio.sleep(0.001)
    assert await asyncio.wait_for(followers, PATIENCE_S) == [list(range(50))] * 20
    # A read that found something, and perhaps one that found nothing, per commit - not per follower.
    assert len(log.reads) <= 50 * 3 + 20


async def test_what_is_kept_in_memory_is_bounded() -> None:
    log = Log()
    for value in range(500):
        log.append(value)
    tail = tail_of(log, ring_positions_max=16, batch_positions_max=10)
    assert await take(tail, 500) == list(range(500))
    assert len(tail._ring) == 16


async def test_memory_and_batches_are_bounded_in_bytes_where_items_have_a_size() -> None:
    log = Log()
    for value in (1, 2, 30, 4, 50, 6, 7, 8):
        log.append(value)
    tail = tail_of(log, size_of=lambda value: value, ring_bytes_max=60, batch_bytes_max=20, poll_s=1000)
    assert await take(tail, 8) == [1, 2, 30, 4, 50, 6, 7, 8]
    assert [value for _, value in tail._ring] == [6, 7, 8]
    log.append(9)
    sizes: list[list[int]] = []
    async for batch in tail.follow(log.entries[4][0]):
        sizes.append([value for _, value in batch.items])
        if 9 in sizes[-1]:
            break
    assert sizes == [[6, 7], [8], [9]]


async def test_who_reads_by_itself_leaves_the_ring_to_those_at_the_end() -> None:
    log, asked = Log(), []
    for value in range(40):
        log.append(value)
    end = log.entries[-1][0]
    tail = tail_of(log, batch_positions_max=10, poll_s=1000)

    async def own(after: int, limit: int) -> list[tuple[int, int]]:
        asked.append(after)
        return await log.read(after, limit)

    seen: list[int] = []
    async for batch in tail.follow(0, heartbeat_s=0.1, read=own):
        seen += [value for _, value in batch.items]
        if not batch.items:
            break
    assert seen == list(range(40))
    assert (len(asked), len(tail._ring), tail.through) == (5, 0, end)
    # What is offered next is in memory at once.
    tail.offer(end, end + 1, 40)
    assert [value for _, value in tail._ring] == [40]


async def test_an_idle_follower_hears_heartbeats() -> None:
    log = Log()
    log.append(1)
    batches: list[TailBatch[int]] = []
    async for batch in tail_of(log).follow(0, heartbeat_s=0.1):
        batches.append(batch)
        if len(batches) == 3:
            break
    assert [len(batch.items) for batch in batches] == [1, 0, 0]
    assert {batch.through for batch in batches} == {log.entries[0][0]}


async def test_a_heartbeat_moves_past_what_a_filter_leaves_out() -> None:
    log = Log()
    for value in range(10):
        log.append(value)
    async for batch in tail_of(log).follow(0, heartbeat_s=0.1, accepts=lambda value: value > 100):
        assert batch == TailBatch([], log.entries[-1][0])
        break


async def test_polling_finds_what_no_signal_announced() -> None:
    log = Log()
    following = asyncio.ensure_future(take(tail_of(log, poll_s=0.05), 1))
    await asyncio.sleep(0.1)
    log.append(7)
    assert await asyncio.wait_for(following, PATIENCE_S) == [7]


async def test_a_drain_ends_every_follower_with_its_last_position_and_a_retry() -> None:
    log, draining = Log(), Draining()
    log.append(1)
    tail = tail_of(log, draining=draining, poll_s=1000)
    batches: list[TailBatch[int]] = []
    heard = asyncio.Event()

    async def follow() -> None:
        async for batch in tail.follow(0, heartbeat_s=60):
            batches.append(batch)
            heard.set()

    following = asyncio.ensure_future(follow())
    await heard.wait()
    draining.start()
    with pytest.raises(Unavailable) as caught:
        await asyncio.wait_for(following, PATIENCE_S)
    assert caught.value.reason == "DRAINING"
    assert caught.value.retry_after_s is not None
    assert batches[-1] == TailBatch([], log.entries[-1][0])


async def test_a_follower_that_leaves_while_it_reads_disturbs_nobody() -> None:
    log, signal = Log(3), Notifier()
    tail = tail_of(log, signal, poll_s=1000)
    leaving = [asyncio.ensure_future(take(tail, 10**9)) for _ in range(10)]
    staying = asyncio.ensure_future(take(tail, 100))
    for value in range(100):
        log.append(value)
        signal.notify()
        if value % 10 == 0:
            leaving.pop().cancel()
        await asyncio.sleep(0)
    assert await asyncio.wait_for(staying, PATIENCE_S) == list(range(100))


async def test_a_signal_between_ticket_and_wait_is_not_lost() -> None:
    signal = Notifier()
    generation = signal.generation()
    signal.notify()
    assert await signal.changed(generation, 0.0)
    assert not await signal.changed(signal.generation(), 0.01)
