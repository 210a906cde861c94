"""A plan is a random sample that everybody can draw again, and says what became of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.ingest.model import SourceId
from services.ingest.registry.forms.model import PlannedState, PlanPeriod, PlanShift, PlanStratum, SamplingPlan
from services.ingest.registry.forms.plan import PlanTooLarge, Seen, compared, planned

FORM = SourceId("room-check")
ROOMS = tuple(f"room-{number}" for number in range(100, 140))
SHIFTS = (PlanShift("early", 360, 840), PlanShift("late", 840, 1320), PlanShift("night", 1320, 360))
PLAN = SamplingPlan(
    7, PlanPeriod.DAY, 3, PlanStratum.SHIFT, ROOMS, SHIFTS, "Europe/Berlin", date(2026, 5, 4).toordinal()
)


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


WEEK = us("2026-05-03T22:00"), us("2026-05-10T22:00")


def test_what_is_planned_has_the_smallest_hashes_of_its_shift() -> None:
    found = planned(FORM, PLAN, *WEEK)
    assert len(found) == 7 * 3 * 3
    early = [one for one in found if one.shift == "early" and one.start_us == us("2026-05-05T04:00")]
    by_hash = sorted(ROOMS, key=lambda room: hashlib.sha256(f"7|room-check|2026-05-05|early|{room}".encode()).digest())
    assert sorted(one.unit for one in early) == sorted(by_hash[:3])
    assert all(one.start_us <= one.time_us < one.end_us and one.time_us % 60_000_000 == 0 for one in found)
    assert all(one.end_us == us("2026-05-05T12:00") for one in early)
    night = [one for one in found if one.shift == "night"]
    assert all(one.end_us - one.start_us == 8 * 3_600_000_000 for one in night)


def test_a_part_of_an_interval_has_the_same_plan_as_the_whole_of_it() -> None:
    for plan in (PLAN, replace(PLAN, period=PlanPeriod.MONTH, count=9), replace(PLAN, period=PlanPeriod.WEEK)):
        whole = planned(FORM, plan, *WEEK)
        middle = us("2026-05-07T09:30")
        assert planned(FORM, plan, WEEK[0], middle) + planned(FORM, plan, middle, WEEK[1]) == whole or sorted(
            [*planned(FORM, plan, WEEK[0], middle), *planned(FORM, plan, middle, WEEK[1])], key=lambda one: one.id
        ) == sorted(whole, key=lambda one: one.id)


def test_counts_are_for_what_the_stratum_says() -> None:
    per_unit = planned(FORM, replace(PLAN, stratum=PlanStratum.UNIT, count=2, units=ROOMS[:3]), *WEEK)
    assert len(per_unit) == 7 * 3 * 2
    per_month = replace(PLAN, stratum=PlanStratum.PERIOD, period=PlanPeriod.MONTH, count=5)
    assert len(planned(FORM, per_month, us("2026-05-03T22:00"), us("2026-06-30T22:00"))) == 10
    few = replace(PLAN, units=ROOMS[:2])
    assert len(planned(FORM, few, *WEEK)) == 7 * 3 * 2


def test_every_candidate_is_as_likely_as_any_other() -> None:
    plan = replace(PLAN, shifts=(), count=10, stratum=PlanStratum.PERIOD)
    drawn = [one.unit for seed in range(20) for one in planned(FORM, replace(plan, seed=seed), *WEEK)]
    counts = [drawn.count(room) for room in ROOMS]
    expected = 20 * 7 * 10 / 40
    statistic = sum((count - expected) ** 2 for count in counts) / (expected * 0.75)
    # The 99.9 % quantile of chi-square with 39 degrees of freedom.
    assert statistic < 72.1


def test_a_plan_begins_and_ends_with_its_days_and_an_interval_too_long_is_refused() -> None:
    short = replace(PLAN, last_day=PLAN.first_day + 1)
    assert len(planned(FORM, short, -(2**62), 2**62)) == 2 * 3 * 3
    assert planned(FORM, PLAN, -(2**62), us("2026-05-01T00:00")) == []
    with pytest.raises(PlanTooLarge):
        planned(FORM, PLAN, -(2**62), 2**62)


def test_an_hour_that_a_clock_leaves_out_or_repeats_shortens_or_lengthens_its_shift() -> None:
    plan = replace(PLAN, units=ROOMS[:1], shifts=(PlanShift("night", 0, 360),), first_day=date(2026, 3, 28).toordinal())
    spans = [one.end_us - one.start_us for one in planned(FORM, plan, us("2026-03-27T12:00"), us("2026-03-30T00:00"))]
    assert [span // 3_600_000_000 for span in spans] == [6, 5, 6]


def test_each_observation_is_for_one_that_is_planned_and_what_is_over_is_missed() -> None:
    plan = replace(PLAN, units=("lobby",), shifts=SHIFTS[:2], count=1)
    asked = planned(FORM, plan, us("2026-05-04T00:00"), us("2026-05-04T22:00"))
    seen = [
        Seen("b", us("2026-05-04T12:30"), "floor", "lobby"),
        Seen("c", us("2026-05-04T12:40"), "lobby", ""),
        Seen("d", us("2026-05-04T05:00"), "hall", ""),
    ]
    found = {one.shift: one for one in compared(asked, seen, us("2026-05-04T13:00"))}
    assert (found["late"].state, found["late"].observation) == (PlannedState.DONE, "b")
    assert found["early"].state is PlannedState.MISSED
    open_ones = compared(asked, [], us("2026-05-04T11:59"))
    assert {one.state for one in open_ones} == {PlannedState.OPEN}
