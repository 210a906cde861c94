"""The simulated desk gives the same events for the same seed, and its faults are in the events themselves."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from demo.simulation import FAULTS, MINUTES_PER_DAY, ServiceDesk, fingerprint, simulate

# Three weeks, with each fault in one of its own.
SHORT = ServiceDesk(
    days=28,
    cases_per_day=120.0,
    agents={"Network": 6, "Accounts": 6, "Hardware": 6},
    faults=tuple(
        replace(fault, first_day=7 * week, last_day=7 * week + 7) for week, fault in enumerate(FAULTS, start=1)
    ),
)


@pytest.fixture(scope="module")
def events():
    return simulate(SHORT)


def day_of(event):
    return (event.time - SHORT.start) / timedelta(minutes=MINUTES_PER_DAY)


def within(fault, event):
    return fault.first_day <= day_of(event) < fault.last_day


def fault_called(name):
    return next(fault for fault in SHORT.faults if fault.name == name)


def by_case(events):
    cases = defaultdict(list)
    for event in events:
        cases[event.case_id].append(event)
    return cases


def test_the_same_seed_gives_the_same_events_and_another_seed_gives_others():
    small = ServiceDesk(days=2, cases_per_day=40.0)
    assert simulate(small) == simulate(small)
    assert fingerprint(simulate(small)) != fingerprint(simulate(replace(small, seed=8)))


def test_events_come_in_time_order_and_every_id_once(events):
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert len({event.id for event in events}) == len(events)


def test_every_case_begins_with_its_creation_and_is_closed(events):
    for case in by_case(events).values():
        activities = [event.activity for event in case]
        assert activities[0] == "Created"
        assert activities.count("Closed") == 1
        assert activities[-1] in ("Closed", "Surveyed")


def test_as_many_cases_come_as_the_desk_says(events):
    expected = SHORT.days * SHORT.cases_per_day
    assert abs(len(by_case(events)) - expected) < 4 * expected**0.5


def _diagnoses(events):
    """Minutes from each start to its diagnosis, by whether it began within the fault."""
    fault, minutes = fault_called("slow_step"), {True: [], False: []}
    for case in by_case(events).values():
        for start, diagnosed in itertools.pairwise(case):
            if (start.activity, diagnosed.activity) == ("Started", "Diagnosed"):
                minutes[within(fault, start)].append((diagnosed.time - start.time).total_seconds() / 60)
    return minutes


def test_the_slow_step_takes_twice_as_long_in_its_week(events):
    minutes = _diagnoses(events)
    ratio = statistics.median(minutes[True]) / statistics.median(minutes[False])
    assert 1.9 < ratio < 2.1


def _rework(events, team):
    """Share of diagnoses that are done over again, by whether they fall in the fault."""
    fault, counts = fault_called("rework"), {True: Counter(), False: Counter()}
    for case in by_case(events).values():
        if case[0].attributes["team"] == team:
            for diagnosed, after in itertools.pairwise(case):
                if diagnosed.activity == "Diagnosed":
                    counts[within(fault, diagnosed)][after.activity == "Started"] += 1
    return {inside: count[True] / count.total() for inside, count in counts.items()}


def test_rework_grows_in_the_team_that_is_at_fault_and_in_no_other(events):
    network, accounts = _rework(events, "Network"), _rework(events, "Accounts")
    assert network[True] > 2.0 * network[False]
    assert abs(accounts[True] - accounts[False]) < 0.05


def _satisfaction(events, channel):
    fault, grades = fault_called("unhappy"), {True: [], False: []}
    for event in events:
        if event.activity == "Surveyed" and event.attributes["channel"] == channel:
            grades[within(fault, event)].append(event.attributes["csat"])
    return {inside: statistics.mean(given) for inside, given in grades.items()}


def test_satisfaction_falls_in_the_channel_that_is_at_fault_and_in_no_other(events):
    chat, phone = _satisfaction(events, "chat"), _satisfaction(events, "phone")
    assert chat[False] - chat[True] > 0.8
    assert abs(phone[False] - phone[True]) < 0.3


def test_a_desk_without_faults_has_none_in_its_events():
    events = simulate(replace(SHORT, faults=()))
    minutes = _diagnoses(events)
    assert 0.9 < statistics.median(minutes[True]) / statistics.median(minutes[False]) < 1.1


def test_the_faults_that_are_shipped_do_not_overlap_and_lie_within_the_desks_time():
    spans = sorted((fault.first_day, fault.last_day) for fault in FAULTS)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert spans[-1][1] <= ServiceDesk().days
