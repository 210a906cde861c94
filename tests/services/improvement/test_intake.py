"""Following scoring on a real database: the same signals end in the same problems, however they came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andon.scoring.v1 import score_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.improvement import transitions
from services.improvement.model import LIVE, Family
from services.improvement.occurrences import alarm_runs, occurrences
from services.improvement.problems import decide
from services.improvement.wire.codec import content_hash
from tests.services.improvement.followed_tenant import FollowedTenant
from tests.services.improvement.scoring_log import signal_message

NOW = 10**15
REWORK = Family("desk", "main", "rework")


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
    followed, killed, together = await FollowedTenant(pool).begin(), iter(lives), iter(joined)
    for signals, scores in commits:
        followed.scoring.commit(signals, scores)
        if not next(together, False):
            await followed.follow(next(killed, None))
    for patience in killed:
        await followed.follow(patience)
    await followed.follow()

    found = occurrences(followed.scoring.active.values())
    evidence = {one.name: followed.scoring.evidence_of(one) for one in found}
    at_once = decide(found, evidence, [], NOW).changed
    problems = await followed.problems()
    live = {one.name: one.signals for one in problems if one.state in LIVE}
    assert live == {one.name: one.signals for one in at_once}
    assert content_hash(problems) == content_hash(at_once)
    async with followed.store.transaction(followed.tenant) as transaction:
        head = await transaction.head()
    assert (head.live_count, head.total_count) == (len(at_once), len(problems))
    assert head.digest.hex() in (content_hash(problems), "")
    assert await followed.stored_runs() == {tuple(run) for one in found for run in alarm_runs(one)}


async def test_causes_are_asked_for_only_where_something_changed(followed):
    days: Sequence[int] = (30, 50, 70)
    followed.scoring.commit([signal_message(day) for day in days])
    await followed.follow()
    first = {problem.start_us // 86_400_000_000: problem.name for problem in await followed.problems()}
    assert sorted(followed.scoring.asked) == sorted(first.values())

    followed.scoring.asked.clear()
    followed.scoring.commit([signal_message(71)])
    followed.scoring.commit(scores=[(REWORK, 90), (Family("desk", "main", "other"), 30)])
    await followed.follow()
    assert followed.scoring.asked == [first[70]]

    followed.scoring.asked.clear()
    followed.scoring.commit(scores=[(REWORK, 50)])
    await followed.follow()
    assert followed.scoring.asked == [first[50]]

    followed.scoring.asked.clear()
    followed.scoring.commit(scores=[(REWORK, 3)])
    await followed.follow()
    assert sorted(followed.scoring.asked) == sorted(first.values())


async def test_what_a_settled_problem_has_dealt_with_opens_nothing_under_another_name(followed):
    followed.scoring.commit([signal_message(30), signal_message(31)])
    await followed.follow()
    (problem,) = await followed.problems()
    await followed.change(transitions.dismiss(problem, "known", NOW))

    renamed = [signal_message(day, rule="WE2") for day in (29, 30, 31)]
    gone = [retracted(signal_message(day)) for day in (30, 31)]
    followed.scoring.commit([*gone, *renamed])
    await followed.follow()
    assert [one.state.value for one in await followed.problems()] == ["dismissed"]

    followed.scoring.commit([signal_message(32)])
    await followed.follow()
    assert sorted(one.state.value for one in await followed.problems()) == ["dismissed", "open"]


async def test_a_problem_that_was_worked_on_goes_on_under_the_names_of_a_new_version(followed):
    followed.scoring.commit([signal_message(30), signal_message(31)])
    await followed.follow()
    (problem,) = await followed.problems()
    await followed.change(transitions.acknowledge(problem, NOW))
    gone = [retracted(signal_message(day)) for day in (30, 31)]
    followed.scoring.commit([*gone, *(signal_message(day, rule="WE2") for day in (29, 31))])
    await followed.follow()
    (problem,) = await followed.problems()
    assert (problem.state.value, len(problem.signals)) == ("acknowledged", 2)
