"""Lists of problems on a real database: orders, filters, search in both languages, counts, and what people open."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from andon.improvement.v1 import improvement_pb2, problem_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.improvement import transitions
from services.improvement.model import (
    DAY_US,
    Family,
    Problem,
    ProblemName,
    ProblemOrder,
    ProblemOrigin,
    ProblemState,
    Text,
    list_key,
)
from services.improvement.search_terms import terms_of, wanted_terms
from services.improvement.wire.filters import matches, problem_query
from tests.services.improvement.scoring_log import signal_message

NOW = 10**15
ALL = [value for value in problem_pb2.ProblemState.values() if value]


def opened(number: int, title: Text, **more) -> Problem:
    made = Problem(
        ProblemName(f"problems/hand-{number}"),
        Family("desk", "main", ""),
        title,
        start_us=number * DAY_US,
        end_us=(number + 1) * DAY_US,
        severity=float(number % 3),
        opened_us=NOW + number,
        origin=ProblemOrigin.COMPLAINT,
    )
    return replace(made, **more)


@pytest.fixture
async def stored(followed, action):
    """Seven problems: one is snoozed, one has an action, one has ended."""
    problems = [opened(number, Text(f"Wait at desk {number}", f"等候时间过长{number}")) for number in range(7)]
    problems[1] = replace(problems[1], owner="team B", slice=(("team", "B"),))
    problems[2] = replace(problems[2], snoozed_until_us=NOW * 2)
    problems[3] = replace(problems[3], state=ProblemState.ANALYSED, actions=(replace(action, due_us=NOW - 1),))
    problems[4] = transitions.dismiss(problems[4], "annual fair", NOW)
    problems[5] = replace(problems[5], title=Text("Cold meals", "餐食变冷"), origin=ProblemOrigin.AUDIT_FINDING)
    async with followed.store.transaction(followed.tenant) as transaction:
        await transaction.store(problems, await transaction.lock())
    return followed, problems


async def listed(tenant, filter_, order=ProblemOrder.SEVERITY, size=3):
    """Page by page, as the servicer asks for them."""
    query, found, key, name = problem_query(filter_, NOW, order), [], math.inf, ""
    async with tenant.store.transaction(tenant.tenant) as transaction:
        while page := await transaction.page(query, key, name, size):
            found += page
            key, name = list_key(page[-1], order), page[-1].name
    return found


@pytest.mark.parametrize("order", ProblemOrder)
@pytest.mark.parametrize("text", ["", "desk wait", "等候"])
async def test_pages_in_every_order_hold_each_problem_once(stored, order, text):
    tenant, problems = stored
    found = await listed(tenant, improvement_pb2.ProblemFilter(states=ALL, text=text), order)
    wanted = [one for one in problems if not (text and one is problems[5])]
    if order is ProblemOrder.DUE:
        wanted = [problems[3]]
    assert found == sorted(wanted, key=lambda one: (-list_key(one, order), one.name))


def interval(start_day: int, end_day: int):
    made = improvement_pb2.ProblemFilter(states=ALL)
    made.interval.start.CopyFrom(Timestamp(seconds=start_day * 86_400))
    made.interval.end.CopyFrom(Timestamp(seconds=end_day * 86_400))
    return made


@pytest.mark.parametrize(
    ("filter_", "numbers"),
    [
        (improvement_pb2.ProblemFilter(owners=["team B"]), {1}),
        (improvement_pb2.ProblemFilter(slice={"team": "B"}), {1}),
        (improvement_pb2.ProblemFilter(slice={"team": "A"}), set()),
        (improvement_pb2.ProblemFilter(severity_min=2), {2, 5}),
        (improvement_pb2.ProblemFilter(unsnoozed_only=True), {0, 1, 3, 5, 6}),
        (improvement_pb2.ProblemFilter(overdue=True), {3}),
        (improvement_pb2.ProblemFilter(states=ALL, text="FAIR"), {4}),
        (improvement_pb2.ProblemFilter(text="餐食"), {5}),
        (improvement_pb2.ProblemFilter(text="餐时"), set()),
        (improvement_pb2.ProblemFilter(origins=[problem_pb2.PROBLEM_ORIGIN_AUDIT_FINDING]), {5}),
        (interval(3, 5), {3, 4}),
    ],
)
async def test_a_filter_lets_the_same_problems_through_in_a_list_and_in_a_watch(stored, filter_, numbers):
    tenant, problems = stored
    assert {one.name for one in await listed(tenant, filter_)} == {problems[number].name for number in numbers}
    shown = [one for one in problems if one.state is not ProblemState.DISMISSED or filter_.states]
    assert [one for one in shown if matches(filter_, one, NOW)] == [
        one for number, one in enumerate(problems) if number in numbers
    ]


async def test_another_tenants_problems_are_not_searched(stored, beginning):
    assert await listed(await beginning(), improvement_pb2.ProblemFilter(text="desk")) == []


async def test_counts_follow_every_change_and_are_the_same_when_made_again(stored):
    tenant, problems = stored
    numbers = problem_pb2.ProblemState
    async with tenant.store.transaction(tenant.tenant) as transaction:
        await transaction.store([transitions.acknowledge(problems[0], NOW)], await transaction.lock())
        counts, waiting = await transaction.counts("", "main"), await transaction.waiting("desk", "", NOW)
        await transaction.fill_lists()
        again = await transaction.counts("desk", "")
        assert (await transaction.head()).listed
    assert dict(counts) == {
        numbers.PROBLEM_STATE_OPEN: 4,
        numbers.PROBLEM_STATE_ACKNOWLEDGED: 1,
        numbers.PROBLEM_STATE_ANALYSED: 1,
        numbers.PROBLEM_STATE_DISMISSED: 1,
    }
    assert (again, waiting) == (counts, (1, 1, 5))


async def test_what_a_person_opened_is_no_concern_of_signals(followed):
    """Before the first signal was followed, and after."""
    by_hand = opened(30, Text("Rework"))
    await followed.change(by_hand)
    followed.scoring.commit([signal_message(30)])
    await followed.follow()
    found = {one.name: one for one in await followed.problems()}
    assert found[by_hand.name] == by_hand
    assert len(found) == 2


def test_words_are_found_without_regard_to_case_and_chinese_by_pairs():
    assert wanted_terms("Desk 等候") <= terms_of("排队等候 at the DESK")
    assert not wanted_terms("候等") <= terms_of("排队等候")
    assert wanted_terms("等") == {"等"}
