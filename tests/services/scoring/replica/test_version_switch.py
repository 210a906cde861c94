"""A version replaces the one before it in pieces: wherever they are cut, and whoever dies between them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg
import pytest
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.runtime.database import open_pool, tenant_transaction
from services.scoring.replica.commit import SwitchUnderWay
from services.scoring.replica.version_switch import SwitchOutcome
from services.scoring.scores.statistics import PartStats, Place
from services.scoring.store import Store
from services.scoring.store.statements import SCHEMA
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import ALL_TIME, WindowId
from services.scoring.wire.scores import unpack_scores
from services.scoring.wire.systems import spec_of
from tests.services.scoring.replica.one_partition import OnePartition

WEEK_US = 7 * 86_400_000_000
MONDAY_US = 4 * 86_400_000_000
WEEKS = 24
NUMBERS = count()
SHARES = ("sla_breach@week", "sla_breach@week{priority=high}", "sla_breach@week{priority=low}")


@dataclass(frozen=True)
class Cut:
    """windows_max: of a piece. dies: the replica is gone before it, and another goes on."""

    windows_max: int
    dies: bool = False


CUTS = st.lists(st.builds(Cut, windows_max=st.integers(1, 30), dies=st.booleans()), min_size=1, max_size=6)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with await open_pool(database, role_settings={"search_path": SCHEMA}, min_size=1, max_size=2) as pool:
        yield pool


def documents(make: Any) -> list[system_pb.IndicatorSystemSpec]:
    """The second has no slices, other limits, other targets, and a sum instead of one indicator."""
    first, second = make.spec(), make.spec(baseline_windows=9)
    for spec, name in ((first, "hours"), (second, "work")):
        total = spec.indicators.add(name=name, measure="to_close", aggregate=system_pb.Indicator.AGGREGATE_SUM)
        total.windows.extend([system_pb.WINDOW_WEEK, system_pb.WINDOW_ALL])
        total.direction, total.unit, total.owner = system_pb.DIRECTION_LOWER_IS_BETTER, "h", "desk"
        total.chart.baseline_windows = 6
    del second.indicators[0].slices[:]
    second.indicators[0].target.value = 0.2
    return [first, second]


def week(number: int) -> WindowId:
    return WindowId(MONDAY_US + number * WEEK_US, MONDAY_US + (number + 1) * WEEK_US)


def statistics(indicators: Sequence[str], weeks: range) -> dict[Place, PartStats]:
    """Breaches rise in the end; the sum is silent for some weeks; `all` goes on for ever."""
    found: dict[Place, PartStats] = {}
    for number in weeks:
        dice = random.Random(number)
        hits, hours = (40 if number > 16 else 4) + dice.randrange(4), 3_600 * (5 + dice.randrange(5))
        for name in SHARES if "slices" in indicators else SHARES[:1]:
            found[_series(name), week(number)] = PartStats(60, hits, hits)
        found[_series("to_close@week"), week(number)] = PartStats(60, 60 * hours, 60 * hours**2 + 60 * number)
        if not 18 <= number < 21:
            name = "hours@week" if "slices" in indicators else "work@week"
            found[_series(name), week(number)] = PartStats(60, 60 * hours, 60 * hours**2)
    found[_series("sla_breach@all"), ALL_TIME] = PartStats(60 * len(weeks), 300, 300)
    return found


def _series(name: str) -> SeriesKey:
    return SeriesKey(f"desk/main/{name}")


class Tenant:
    """One with two versions of a system."""

    def __init__(self, pool: asyncpg.Pool, make: Any) -> None:
        self.name = f"tenant-{next(NUMBERS)}"
        self.store, self._pool, self._make = Store(pool), pool, make
        self.documents = documents(make)

    async def create(self) -> None:
        await self.store.provision_tenant(self.name)
        async with self.store.editing(self.name) as editor:
            for document in self.documents:
                await editor.create(self._make.system, document.SerializeToString(), "e")

    async def activated(self, version: int) -> OnePartition:
        async with self.store.editing(self.name) as editor:
            await editor.activate(self._make.system, version, "a", "r")
        fold = await self.store.begin_fold(self.name, self._make.system, version, 1, 0)
        return await self.replica(version, fold)

    async def replica(self, version: int, fold: Any) -> OnePartition:
        system = IndicatorSystem(self._make.system, version, spec_of(self.documents[version - 1]))
        replica = OnePartition(self._pool, self.name, system, fold)
        await replica.take_over()
        return replica

    async def rows(self, columns: str, table: str, version: int = 0) -> list[tuple[Any, ...]]:
        """In order. The tests' role sees every tenant. version 0: of all."""
        of_version = f" AND version = {version}" if version else ""
        # Every name is the schema's own.
        sql = f"SELECT {columns} FROM {table} WHERE tenant = $1{of_version} ORDER BY 1, 2"
        async with tenant_transaction(self._pool, self.name) as connection:
            return [tuple(row) for row in await connection.fetch(sql, self.name)]

    async def folded(self, version: int, weeks: range = range(WEEKS), switches: bool = True) -> OnePartition:
        """Activated and fed in three steps, the watermark a week before the last one's end."""
        replica = await self.activated(version)
        kind = ["slices"] if version == 1 else []
        for step, some in enumerate((weeks[: len(weeks) // 3], weeks[len(weeks) // 3 : -2], weeks[-2:])):
            await replica.commit(step + 1, statistics(kind, some), week(some[-1]).start_us)
            if switches:
                await replica.switch()
        return replica


LATE = {(_series("sla_breach@week"), week(14)): PartStats(9, 9, 9)}


@given(cuts=CUTS)
@example([Cut(3, dies=True)])
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_pieces_however_cut_and_deaths_between_them_end_where_one_version_alone_would(
    pool: asyncpg.Pool, make: Any, cuts: list[Cut]
) -> None:
    alone, switched = Tenant(pool, make), Tenant(pool, make)
    for tenant in (alone, switched):
        await tenant.create()
    expected = await alone.folded(2)
    await switched.folded(1)
    before = await switched.store.contents(switched.name)
    published = await switched.rows("series, window_start, body", "score")
    replica = await switched.folded(2, switches=False)
    pieces = 0
    while not replica.opened.book.switched:
        # What readers see is the version before, until all is in.
        if await switched.rows("switched, version", "fold", 2) == [(False, 2)]:
            assert await switched.store.contents(switched.name) == before
            assert await switched.rows("series, window_start, body", "score") == published
        cut = cuts[pieces % len(cuts)]
        if cut.dies:
            replica = await switched.replica(2, replica.fold)
        await replica.switch_piece(cut.windows_max)
        pieces += 1
    assert pieces > WEEKS // max(cut.windows_max for cut in cuts)
    # Where landmarks lie depends on the steps; which charts have some, and that they are of this version, does not.
    charted = [
        {series for series, _ in await one.rows("series, through_us", "chart_state", 2)} for one in (switched, alone)
    ]
    assert charted[0] == charted[1] != set()
    for one in (expected, replica):
        # Late for a window whose chart had taken it in, and new.
        await one.commit(9, LATE | statistics([], range(WEEKS, WEEKS + 3)), week(WEEKS + 2).start_us)
    assert await switched.store.contents(switched.name) == await alone.store.contents(alone.name)
    assert {name for name, trail in expected.opened.book.charts.items() if trail} <= set(replica.opened.book.charts)
    for name, trail in expected.opened.book.charts.items():
        assert replica.opened.book.charts[name][-1] == trail[-1]
    staged = ("staged_entry", "staged_score", "staged_signal", "staged_chart_state")
    assert [await switched.rows("tenant, version", name) for name in staged] == [[]] * 4


async def test_followers_read_a_switch_from_the_log_as_it_is_in_the_tables(pool: asyncpg.Pool, make: Any) -> None:
    tenant = Tenant(pool, make)
    await tenant.create()
    await tenant.folded(1)
    (head,) = await tenant.rows("position, tenant", "score_head")
    replica = await tenant.folded(2, switches=False)
    await replica.switch(7)
    positions = [position for position, _ in await tenant.rows("position, version", "score_log")]
    assert positions == list(range(1, len(positions) + 1))
    entries = await tenant.store.entries(tenant.name, head[0], 1_000)
    said = {}
    for _, entry in entries:
        for score in unpack_scores(entry.scores):
            said[score.series, score.interval.start.ToMicroseconds()] = score
    rows = await tenant.rows("series, window_start, body", "score")
    assert {(series, start): body for series, start, body in rows} == {
        place: score.SerializeToString() for place, score in said.items()
    }


async def test_while_a_version_is_switched_to_no_step_of_it_commits(pool: asyncpg.Pool, make: Any) -> None:
    tenant = Tenant(pool, make)
    await tenant.create()
    await tenant.folded(1)
    replica = await tenant.folded(2, switches=False)
    await replica.switch_piece(5)
    await replica.switch_piece(5)
    with pytest.raises(SwitchUnderWay):
        await replica.commit(5, statistics([], range(WEEKS, WEEKS + 1)), week(WEEKS).start_us)
    other = await replica.version_switch.go_on(replica.opened, replica.fold, [], 5)
    assert other is SwitchOutcome.ELSEWHERE


async def test_a_version_that_is_activated_again_is_charted_though_it_says_what_is_published(
    pool: asyncpg.Pool, make: Any
) -> None:
    """Another was activated in between, and never got as far as to replace it."""
    tenant, alone = Tenant(pool, make), Tenant(pool, make)
    await tenant.create()
    await alone.create()
    expected = await alone.folded(1)
    await tenant.folded(1)
    half = await tenant.folded(2, switches=False)
    await half.switch_piece(5)
    await half.switch_piece(5)
    again = await tenant.activated(1)
    await again.commit(4, {}, week(WEEKS - 1).start_us)
    await again.switch(11)
    for one in (expected, again):
        await one.commit(9, statistics(["slices"], range(WEEKS, WEEKS + 2)), week(WEEKS + 1).start_us)
    assert await tenant.store.contents(tenant.name) == await alone.store.contents(alone.name)
