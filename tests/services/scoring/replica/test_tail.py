"""What scoring stated itself reaches its followers without being read, and what others stated is never missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from andon.scoring.v1 import score_pb2

from services.runtime.drain import Draining
from services.scoring.replica.tail import ScoreTail
from services.scoring.store.log import LogEntry
from services.scoring.wire.entries import PublishedEntry
from services.scoring.wire.scores import pack_scores, pack_signals

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FOLLOWED = 30


class Log:
    """Entries of one tenant, appended by this replica or another; counts how often it is read."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.reads = 0

    async def entries(self, tenant: str, after: int, limit: int) -> list[tuple[int, LogEntry]]:
        self.reads += 1
        found = list(enumerate(self.names))[after + 1 :][:limit]
        await asyncio.sleep(0)
        return [(position, entry_of(name)) for position, name in found]


def published(name: str) -> PublishedEntry:
    return PublishedEntry((score_pb2.Score(series=name),), (), "", NOW)


def entry_of(name: str) -> LogEntry:
    return LogEntry("main", 1, pack_scores([score_pb2.Score(series=name)]), pack_signals([]), "", NOW)


@asynccontextmanager
async def followed(scores: ScoreTail) -> AsyncIterator[list[str]]:
    seen: list[str] = []
    # Nothing but a notification may wake them: a lost wake-up would hang the test.
    scores.tail._poll_s = 1000

    async def follow() -> None:
        async for batch in scores.tail.follow(-1, heartbeat_s=60):
            seen.extend(score.series for _, entry in batch.items for score in entry.scores)

    task = asyncio.create_task(follow())
    yield seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def arrived(seen: list[str], count: int) -> None:
    async with asyncio.timeout(60):
        while len(seen) < count:
            await asyncio.sleep(0.001)


async def test_what_this_replica_published_is_not_read_again() -> None:
    log: Any = Log()
    scores = ScoreTail("acme", log, Draining())
    async with followed(scores) as seen:
        await asyncio.sleep(0.01)
        reads = log.reads
        for number in range(FOLLOWED):
            begun = scores.changed.generation()
            log.names.append(str(number))
            scores.published(begun, number, [published(str(number))])
            await asyncio.sleep(0)
        await arrived(seen, FOLLOWED)
        assert seen == [str(number) for number in range(FOLLOWED)]
        assert log.reads == reads


@pytest.mark.parametrize("notified_first", [True, False])
async def test_what_another_replica_publishes_in_between_is_seen_in_its_place(notified_first: bool) -> None:
    log: Any = Log()
    scores = ScoreTail("acme", log, Draining())
    async with followed(scores) as seen:
        for number in range(0, 2 * FOLLOWED, 2):
            begun = scores.changed.generation()
            log.names += [f"own {number}", f"another's {number + 1}"]
            if notified_first:
                scores.changed.notify()
            scores.published(begun, number, [published(f"own {number}")])
            if not notified_first:
                scores.changed.notify()
            await asyncio.sleep(0)
        await arrived(seen, 2 * FOLLOWED)
        assert seen == log.names


async def test_what_postgres_tells_of_an_own_commit_before_it_answers_to_it_is_not_read() -> None:
    log: Any = Log()
    scores = ScoreTail("acme", log, Draining())
    async with followed(scores) as seen:
        await asyncio.sleep(0.01)
        reads = log.reads
        for number in range(FOLLOWED):
            begun = scores.changed.generation()
            with scores.publishing(1):
                log.names.append(str(number))
                scores.notified(number)
                await asyncio.sleep(0)
            scores.published(begun, number, [published(str(number))])
            scores.notified(number)
            await asyncio.sleep(0)
        await arrived(seen, FOLLOWED)
        assert seen == log.names
        assert log.reads == reads


async def test_a_commit_without_an_answer_is_looked_for() -> None:
    log: Any = Log()
    scores = ScoreTail("acme", log, Draining())
    async with followed(scores) as seen:
        await asyncio.sleep(0.01)
        with suppress(ConnectionError), scores.publishing(1):
            scores.notified(0)
            log.names.append("kept")
            raise ConnectionError
        await arrived(seen, 1)
        assert seen == ["kept"]


async def test_another_replica_that_is_quicker_is_seen_in_its_place() -> None:
    log: Any = Log()
    scores = ScoreTail("acme", log, Draining())
    async with followed(scores) as seen:
        for number in range(0, 2 * FOLLOWED, 2):
            begun = scores.changed.generation()
            with scores.publishing(1):
                log.names += [f"another's {number}", f"own {number + 1}"]
                scores.notified(number)
                scores.notified(number + 1)
            scores.published(begun, number + 1, [published(f"own {number + 1}")])
            await asyncio.sleep(0)
        await arrived(seen, 2 * FOLLOWED)
        assert seen == log.names
