"""A step is kept whole or not at all, upon what is so, in as few round trips as it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.runtime.database import open_pool
from services.runtime.ownership import LostLease
from services.scoring.scores.statistics import PartStats
from services.scoring.store import Store
from services.scoring.store.results import Contents
from services.scoring.store.statements import SCHEMA
from services.scoring.store.steps import VersionRetired
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId
from services.scoring.wire.systems import spec_of
from tests.services.scoring.replica.one_partition import OnePartition

TENANT = "acme"
SERIES = SeriesKey("desk/main/to_close@week")
WEEK_US = 7 * 86_400_000_000


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """One connection, so that what it is asked can be counted."""
    async with await open_pool(database, role_settings={"search_path": SCHEMA}, min_size=1, max_size=1) as pool:
        yield pool


class Replica(OnePartition):
    """One that folds a tenant's only partition."""

    async def keep(self, position: int) -> None:
        """A step through this position of ingest, which says something about one more week."""
        window = WindowId(position * WEEK_US, (position + 1) * WEEK_US)
        await self.commit(position, {(SERIES, window): PartStats(9, 9 * 3_600, 9 * 3_600**2)})


@pytest.fixture
async def replica(pool: asyncpg.Pool, make: Any) -> Replica:
    store, document = Store(pool), make.spec()
    await store.provision_tenant(TENANT)
    async with store.editing(TENANT) as editor:
        made = await editor.create(make.system, document.SerializeToString(), "1")
        await editor.activate(make.system, made.version, "2", "3")
    fold = await store.begin_fold(TENANT, make.system, made.version, 1, -1)
    replica = Replica(pool, TENANT, IndicatorSystem(make.system, made.version, spec_of(document)), fold)
    await replica.take_over()
    await replica.commit(0, {})
    await replica.switch()
    return replica


async def kept(store: Store) -> tuple[int, Contents]:
    """Where the log ends; how many scores and signals there are, and the hash over them."""
    return (await store.head(TENANT)).position, await store.contents(TENANT)


async def test_who_owns_every_partition_keeps_a_step_in_one_round_trip(replica: Replica) -> None:
    await replica.keep(1)
    asked: list[str] = []
    async with replica.pool.acquire() as connection:
        connection.add_query_logger(lambda record: asked.append(record.query))
    await replica.keep(2)
    assert len(asked) == 1
    assert len(replica.opened.book.scores[SERIES]) == 2


async def test_a_lease_that_was_lost_since_the_last_step_is_noticed_and_nothing_is_kept(replica: Replica) -> None:
    await replica.keep(1)
    before = await kept(replica.store)
    successor = Replica(replica.pool, TENANT, replica.system, replica.fold)
    await successor.take_over()
    with pytest.raises(LostLease):
        await replica.keep(2)
    assert await kept(replica.store) == before
    await successor.keep(2)
    position, contents = await kept(replica.store)
    assert (position, contents.score_count, contents.signal_count) == (before[0] + 1, before[1].score_count + 2, 0)


async def test_a_version_that_was_retired_since_the_last_step_keeps_nothing_more(replica: Replica) -> None:
    await replica.keep(1)
    before = await kept(replica.store)
    async with replica.store.editing(TENANT) as editor:
        other = await editor.create(replica.system.name, b"", "4")
        await editor.activate(replica.system.name, other.version, "5", "6")
    with pytest.raises(VersionRetired):
        await replica.keep(2)
    assert await kept(replica.store) == before


async def test_what_was_kept_without_an_answer_is_caught_up_with(replica: Replica) -> None:
    await replica.keep(1)
    unaware = replica.opened
    # As after a commit whose answer was lost: it stands in the log, and the book does not know it.
    await replica.open()
    await replica.keep(2)
    known = replica.opened
    replica.opened = unaware
    await replica.keep(3)
    assert unaware.position == known.position + 1
    assert sorted(unaware.book.scores[SERIES]) == [WEEK_US, 2 * WEEK_US, 3 * WEEK_US]


async def test_a_step_whose_answer_was_lost_counts_once(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    await replica.keep(1)
    commit_step = replica.store.commit_step

    async def lost_on_the_way_back(*arguments: Any) -> int:
        monkeypatch.undo()
        await commit_step(*arguments)
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    monkeypatch.setattr(replica.store, "commit_step", lost_on_the_way_back)
    await replica.keep(2)
    await replica.keep(3)
    windows = {window.start_us: stats.count for (_, window), stats in replica.opened.book.statistics.items()}
    assert windows == {week * WEEK_US: 9 for week in (1, 2, 3)}
    await replica.open()
    assert windows == {window.start_us: stats.count for (_, window), stats in replica.opened.book.statistics.items()}
    assert replica.state.committed_position == 3
