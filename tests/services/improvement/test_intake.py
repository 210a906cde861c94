"""Following scoring on a real database: the same signals end in the same problems, however they came."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from typing import Any, cast

import pytest
from andon.scoring.v1 import score_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.improvement import transitions
from services.improvement.intake import Intake
from services.improvement.model import LIVE, SETTLED, Family, Problem
from services.improvement.occurrences import alarm_runs, occurrences
from services.improvement.problems import decide, settled_spans
from services.improvement.scoring_client import ScoringClient
from services.improvement.store import MIGRATIONS, SCHEMA, ProblemStore
from services.improvement.wire.codec import content_hash
from services.runtime.database import close_pool, open_pool, tenant_transaction
from services.runtime.following import Notifier
from services.runtime.migrations import migrate
from services.runtime.ownership import Lease
from tests.services.improvement.scoring_log import Interrupted, ScoringLog, signal_message

NOW = 10**15
REWORK = Family("desk", "main", "rework")
TAKE_LEASE = "INSERT INTO lease (tenant, resource, epoch, replica) VALUES ($1, 'signals', 1, gen_random_uuid())"


@pytest.fixture
async def pool(databases):
    template = await databases.template("improvement", lambda dsn: migrate(dsn, schema=SCHEMA, directory=MIGRATIONS))
    opened = await open_pool(await databases.create(template), role_settings={"search_path": SCHEMA})
    yield opened
    await close_pool(opened)


class Desk:
    """One tenant whose signals are followed, on a database of its own."""

    numbers = itertools.count()

    def __init__(self, pool) -> None:
        self.tenant = f"tenant-{next(self.numbers)}"
        self.pool, self.store, self.scoring = pool, ProblemStore(pool), ScoringLog()

    async def begin(self) -> Desk:
        async with tenant_transaction(self.pool, self.tenant) as connection:
            await connection.execute(TAKE_LEASE, self.tenant)
        return self

    async def follow(self, patience: int | None = None) -> None:
        """Until everything is settled, or the process is killed."""
        self.scoring.patience = patience
        lease, changed = Lease(self.tenant, "signals", 1), Notifier()
        running = asyncio.create_task(
            Intake(lease, self.store, cast(ScoringClient, self.scoring), changed, lambda: NOW).run()
        )
        async with asyncio.timeout(30):
            while not running.done():
                generation = changed.generation()
                async with self.store.transaction(self.tenant) as transaction:
                    if (await transaction.head()).settled_position == self.scoring.position:
                        break
                await changed.changed(generation, 0.01)
        running.cancel()
        with contextlib.suppress(Interrupted, asyncio.CancelledError):
            await running

    async def problems(self) -> list[Problem]:
        async with self.store.transaction(self.tenant) as transaction:
            return [problem async for problem in transaction.all_problems()]

    async def change(self, problem: Problem) -> None:
        """As a person does it."""
        async with self.store.transaction(self.tenant) as transaction:
            await transaction.store([problem], await transaction.lock())
            if problem.state in SETTLED:
                await transaction.index.settle({problem.name: settled_spans(problem)})

    async def stored_runs(self) -> set:
        async with tenant_transaction(self.pool, self.tenant) as connection:
            rows = await connection.fetch(
                "SELECT process, system, indicator, start_us, end_us, joins_us FROM alarm_run WHERE tenant = $1",
                self.tenant,
            )
        return {(Family(*row[:3]), *row[3:]) for row in map(tuple, rows)}


@pytest.fixture
async def desk(pool):
    return await Desk(pool).begin()


def retracted(signal: score_pb2.Signal) -> score_pb2.Signal:
    made = score_pb2.Signal()
    made.CopyFrom(signal)
    made.state = score_pb2.Signal.STATE_RETRACTED
    return made


ALARMS = st.one_of(
    st.builds(signal_message, st.integers(20, 90), st.sampled_from(["rework", "speed"])),
    st.builds(
        signal_message,
        st.integers(20, 90),
        st.sampled_from(["satisfaction", "speed"]),
        symptom_of=st.sampled_from([("rework",), ("speed", "rework"), ("satisfaction",)]),
        rule=st.just("WE2"),
    ),
    st.builds(lambda week: signal_message(7 * week, window="week", days=7), st.integers(3, 12)),
)
CHANGES: Any = st.lists(
    st.one_of(ALARMS.map(lambda one: ([one], [])), ALARMS.map(lambda one: ([retracted(one)], []))), max_size=25
)
MANY: Any = CHANGES.map(lambda many: ([one for signals, _ in many for one in signals], []))
RESTATED: Any = st.tuples(st.just(REWORK), st.integers(0, 90)).map(lambda one: ([], [one]))


@given(
    commits=st.lists(st.one_of(MANY, RESTATED), max_size=8),
    lives=st.lists(st.integers(0, 12), max_size=6),
    joined=st.lists(st.booleans(), max_size=8),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_problems_follow_from_the_signals_whatever_the_order_the_batches_and_the_restarts(
    pool, commits, lives, joined
):
    desk, killed, together = await Desk(pool).begin(), iter(lives), iter(joined)
    for signals, scores in commits:
        desk.scoring.commit(signals, scores)
        if not next(together, False):
            await desk.follow(next(killed, None))
    for patience in killed:
        await desk.follow(patience)
    await desk.follow()

    found = occurrences(desk.scoring.active.values())
    evidence = {one.name: desk.scoring.evidence_of(one) for one in found}
    at_once = decide(found, evidence, [], NOW).changed
    problems = await desk.problems()
    live = {one.name: one.signals for one in problems if one.state in LIVE}
    assert live == {one.name: one.signals for one in at_once}
    assert content_hash(problems) == content_hash(at_once)
    async with desk.store.transaction(desk.tenant) as transaction:
        head = await transaction.head()
    assert (head.live_count, head.total_count) == (len(at_once), len(problems))
    assert head.digest.hex() in (content_hash(problems), "")
    assert await desk.stored_runs() == {tuple(run) for one in found for run in alarm_runs(one)}


async def test_causes_are_asked_for_only_where_something_changed(desk):
    days: Sequence[int] = (30, 50, 70)
    desk.scoring.commit([signal_message(day) for day in days])
    await desk.follow()
    first = {problem.start_us // 86_400_000_000: problem.name for problem in await desk.problems()}
    assert sorted(desk.scoring.asked) == sorted(first.values())

    desk.scoring.asked.clear()
    desk.scoring.commit([signal_message(71)])
    desk.scoring.commit(scores=[(REWORK, 90), (Family("desk", "main", "other"), 30)])
    await desk.follow()
    assert desk.scoring.asked == [first[70]]

    desk.scoring.asked.clear()
    desk.scoring.commit(scores=[(REWORK, 50)])
    await desk.follow()
    assert desk.scoring.asked == [first[50]]

    desk.scoring.asked.clear()
    desk.scoring.commit(scores=[(REWORK, 3)])
    await desk.follow()
    assert sorted(desk.scoring.asked) == sorted(first.values())


async def test_what_a_settled_problem_has_dealt_with_opens_nothing_under_another_name(desk):
    desk.scoring.commit([signal_message(30), signal_message(31)])
    await desk.follow()
    (problem,) = await desk.problems()
    await desk.change(transitions.dismiss(problem, "known", NOW))

    renamed = [signal_message(day, rule="WE2") for day in (29, 30, 31)]
    gone = [retracted(signal_message(day)) for day in (30, 31)]
    desk.scoring.commit([*gone, *renamed])
    await desk.follow()
    assert [one.state.value for one in await desk.problems()] == ["dismissed"]

    desk.scoring.commit([signal_message(32)])
    await desk.follow()
    assert sorted(one.state.value for one in await desk.problems()) == ["dismissed", "open"]


async def test_a_problem_that_was_worked_on_goes_on_under_the_names_of_a_new_version(desk):
    desk.scoring.commit([signal_message(30), signal_message(31)])
    await desk.follow()
    (problem,) = await desk.problems()
    await desk.change(transitions.acknowledge(problem, NOW))
    gone = [retracted(signal_message(day)) for day in (30, 31)]
    desk.scoring.commit([*gone, *(signal_message(day, rule="WE2") for day in (29, 31))])
    await desk.follow()
    (problem,) = await desk.problems()
    assert (problem.state.value, len(problem.signals)) == ("acknowledged", 2)
