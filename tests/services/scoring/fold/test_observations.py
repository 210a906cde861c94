"""Observations tell where every case counts, and move it when its story changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring.fold.batch import MISSING
from services.scoring.fold.hashes import spans_of, text_hashes, trailing_numbers
from services.scoring.fold.sources import Labels
from services.scoring.system.case_model import Above, Calendar, Elapsed, FirstOf, Flag, Hours, Measure, Opened, Paused
from services.scoring.system.model import Aggregate, Direction, Indicator, Observe, Window
from tests.services.scoring.fold.counted_fold import CountedFold

TIME = datetime(2026, 5, 4, 9, tzinfo=UTC)


def rows_of(step: Any, indicator: str) -> list[dict[str, Any]]:
    return [row for row in step.observations.to_pylist() if row["indicator"] == indicator]


def test_a_late_label_moves_the_case_between_series(system: Any, page: Any, event: Any) -> None:
    fold = CountedFold(system)
    story = [
        event("1", "A", "Created", TIME, attributes={"team": "red"}),
        event("2", "A", "Closed", TIME + timedelta(hours=1)),
    ]
    fold.fold([page(story)])
    step = fold.fold([page([event("3", "A", "Waiting", TIME + timedelta(minutes=5), attributes={"team": "blue"})])])
    moved = {part.series: part.stats.count for part in step.parts if "/cycle@week" in part.series}
    assert moved == {"desk/main/cycle@week{team=red}": -1, "desk/main/cycle@week{team=blue}": 1}
    (row,) = rows_of(step, "cycle")
    assert row["anchor"] == row["old_anchor"] == TIME + timedelta(hours=1)
    assert (row["value"], row["slice"]) == (3600, {"team": "blue", "channel": None})


def test_an_unknown_label_counts_in_the_whole_only(system: Any, page: Any, event: Any) -> None:
    fold = CountedFold(system)
    fold.fold([page([event("1", "A", "Created", TIME, attributes={"team": "?"}), event("2", "A", "Closed", TIME)])])
    series = {part.series for part in fold.parts() if "/cycle@day" in part.series}
    assert series == {"desk/main/cycle@day"}


def test_a_reopened_case_leaves_its_old_window_for_the_new_one(system: Any, page: Any, event: Any) -> None:
    fold = CountedFold(system)
    fold.fold([page([event("1", "A", "Created", TIME), event("2", "A", "Closed", TIME)])])
    step = fold.fold([page([event("3", "A", "Closed", TIME + timedelta(days=8))])])
    counts = {part.window.start_us: part.stats.count for part in step.parts if part.series == "desk/main/cycle@week"}
    assert sorted(counts.values()) == [-1, 1]
    (row,) = rows_of(step, "waits")
    assert row["old_window_start"] < row["window_start"] <= row["anchor"] < row["window_end"]


def test_a_duration_that_ends_before_it_begins_is_a_value_and_counted(system: Any, page: Any, event: Any) -> None:
    fold = CountedFold(system)
    early = event("1", "A", "Created", TIME, attributes={"due": TIME - timedelta(hours=1)})
    assert fold.fold([page([early])]).negative_spans == 1
    promised = {part.stats.total for part in fold.parts() if part.series == "desk/main/promised@all"}
    assert promised == {-3_600}
    late = event("2", "A", "Started", TIME, attributes={"due": TIME + timedelta(hours=1)})
    assert fold.fold([page([late])]).negative_spans == -1
    assert fold.negative_spans == 0


@pytest.mark.parametrize(("named", "activity"), [((), "Reopened by customer"), (("Back",), "Back")])
def test_a_case_that_is_reopened_is_open_until_it_is_closed_again(
    system: Any, page: Any, event: Any, named: tuple[str, ...], activity: str
) -> None:
    rule = replace(system.spec.case_rule, reopened=named)
    fold = CountedFold(replace(system, spec=replace(system.spec, case_rule=rule)))
    counted = lambda: [part for part in fold.parts() if part.series == "desk/main/cycle@all"]  # noqa: E731
    fold.fold([page([event("1", "A", "Created", TIME), event("2", "A", "Closed", TIME + timedelta(hours=1))])])
    assert len(counted()) == 1
    fold.fold([page([event("3", "A", activity, TIME + timedelta(hours=2))])])
    assert not counted()
    fold.fold([page([event("4", "A", "Closed", TIME + timedelta(hours=3))])])
    assert len(counted()) == 1


HOURS = Calendar(tuple(Hours(weekday, 9 * 60, 17 * 60) for weekday in range(1, 6)))


def late_system(system: Any, business_time: bool = False, paused: Paused | None = None) -> Any:
    """The share of cases that are answered later than two hours after they were opened."""
    answer = Measure("answer", Elapsed(Opened(), FirstOf(("Answered",)), business_time, paused))
    late = Indicator(
        "late",
        "is_late",
        Aggregate.SHARE,
        direction=Direction.LOWER_IS_BETTER,
        anchor=Opened(),
        observe=Observe.ALWAYS,
        windows=(Window.ALL,),
    )
    measures = (answer, Measure("is_late", Flag(Above("answer", 7_200))))
    return replace(system, spec=replace(system.spec, calendar=HOURS, measures=measures, indicators=(late,)))


def microseconds(time: datetime) -> int:
    return round(time.timestamp() * 1e6)


def late_of(fold: CountedFold) -> tuple[int, int]:
    """How many are late, of how many that are observed."""
    stats = [part.stats for part in fold.parts()]
    return (stats[0].total, stats[0].count) if stats else (0, 0)


def unobserved_of(fold: CountedFold) -> int:
    return sum(part.stats.unobserved for part in fold.parts())


def test_a_clock_that_stands_still_passes_no_limit_until_it_goes_on(system: Any, page: Any, event: Any) -> None:
    fold = CountedFold(late_system(system, paused=Paused(("Waiting",))))

    def at(hours: float, *activities: str) -> tuple[int, int]:
        time = TIME + timedelta(hours=hours)
        events = [event(f"{activity}{hours}", "A", activity, time) for activity in activities]
        fold.fold([page(events)] if events else [], microseconds(time))
        return late_of(fold)

    assert at(0, "Created") == (0, 0)
    assert at(1, "Waiting") == (0, 0)
    assert at(50) == (0, 0), "the customer is waited for"
    assert at(51, "Replied") == (0, 0)
    assert at(51.9) == (0, 0)
    assert fold.is_due(microseconds(TIME + timedelta(hours=52.1)))
    assert at(52.1) == (1, 1), "one hour before the pause and more than one after it"


def test_a_case_past_its_limit_without_an_answer_is_late_while_it_waits(system: Any, page: Any, event: Any) -> None:
    fold = CountedFold(late_system(system))
    opened = [event(str(n), case, "Created", TIME) for n, case in enumerate("ABCD")]
    fold.fold([page(opened)], microseconds(TIME))
    assert late_of(fold) == (0, 0), "nobody knows yet"
    assert unobserved_of(fold) == 4
    fold.fold(
        [page([event("a1", "A", "Answered", TIME + timedelta(hours=1))])], microseconds(TIME + timedelta(hours=1))
    )
    assert late_of(fold) == (0, 1)
    at_limit = microseconds(TIME + timedelta(hours=2))
    fold.fold([], at_limit)
    assert late_of(fold) == (0, 1)
    assert not fold.is_due(at_limit), "nothing is late yet"
    past = microseconds(TIME + timedelta(hours=2, seconds=1))
    assert fold.is_due(past)
    assert fold.fold([], past).cases == 3
    assert late_of(fold) == (3, 4)
    assert unobserved_of(fold) == 0
    fold.fold([page([event("b1", "B", "Answered", TIME + timedelta(hours=9))])], past)
    assert late_of(fold) == (3, 4), "the answer comes too late"
    fold.fold([page([event("c1", "C", "Answered", TIME + timedelta(minutes=9))])], past)
    assert late_of(fold) == (2, 4), "it had been answered in time, and the event came late"


def test_the_clock_of_a_case_stops_when_it_closes(system: Any, page: Any, event: Any) -> None:
    fold = CountedFold(late_system(system))
    soon, much_later = TIME + timedelta(hours=1), TIME + timedelta(days=9)
    events = [event("1", "A", "Created", TIME), event("2", "A", "Closed", soon), event("3", "B", "Created", TIME)]
    fold.fold([page([*events, event("4", "B", "Closed", TIME + timedelta(days=2))])], microseconds(much_later))
    assert late_of(fold) == (1, 1), "A was closed within the limit and needs no answer any more"
    assert unobserved_of(fold) == 1, "it is counted as not observed"


def test_a_limit_in_working_time_waits_for_the_office_to_open(system: Any, page: Any, event: Any) -> None:
    zone = ZoneInfo(system.spec.time_zone)
    friday = datetime(2026, 5, 8, 16, tzinfo=zone)
    fold = CountedFold(late_system(system, business_time=True))
    for at in (friday, friday + timedelta(hours=20), friday + timedelta(days=2)):
        fold.fold([page([event("1", "A", "Created", friday)])] if at == friday else [], microseconds(at))
        assert late_of(fold) == (0, 0)
    monday = datetime(2026, 5, 11, 10, 0, 1, tzinfo=zone)
    fold.fold([], microseconds(monday))
    assert late_of(fold) == (1, 1)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.sampled_from(["Created", "Answered", "Closed"]), st.integers(0, 400)),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_how_time_went_on_does_not_matter_to_what_is_late(
    system: Any, page: Any, event: Any, stories: list[tuple[str, str, int]], dice: Any
) -> None:
    events = [
        event(str(number), case, activity, TIME + timedelta(minutes=minute))
        for number, (case, activity, minute) in enumerate(stories)
    ]
    last = max(one.time for one in events)
    at_once, piecemeal = CountedFold(late_system(system)), CountedFold(late_system(system))
    at_once.fold([page(events)], microseconds(last))
    shuffled = dice.sample(events, len(events))
    seen = shuffled[0].time
    for one in shuffled:
        seen = max(seen, one.time)
        piecemeal.fold([page([one])], microseconds(seen))
        if dice.random() < 0.3:
            piecemeal = piecemeal.again(piecemeal.snapshot())
    piecemeal.fold([], microseconds(last))
    assert piecemeal.parts() == at_once.parts()


def test_events_of_other_sources_are_not_folded(system: Any, page: Any, event: Any) -> None:
    fold = CountedFold(system)
    assert fold.fold([page([event("1", "A", "Created", TIME, source="other")])]).events == 0
    assert fold.parts() == []


def test_hashes_do_not_depend_on_the_layout_of_the_column() -> None:
    texts = ["", "a", "ab", "12345678", "123456789", "täglich-00017", "x" * 200]
    plain = text_hashes(pa.array(texts))
    assert len(set(plain.tolist())) == len(texts)
    assert text_hashes(pa.array(["before", *texts])[1:]).tolist() == plain.tolist()
    assert text_hashes(pa.array(texts, pa.large_utf8())).tolist() == plain.tolist()


def test_trailing_numbers_read_at_most_eight_digits() -> None:
    texts = pa.array(["", "7", "no", "INC7/0012", "1a2", "12345678", "99123456789", "día9", "é"])
    assert trailing_numbers(spans_of(texts)).tolist() == [0, 7, 0, 12, 2, 12345678, 23456789, 9, 0]


@settings(deadline=None, max_examples=60)
@given(codes=st.lists(st.sampled_from([MISSING, 0, 1, 2, 3]), max_size=12))
def test_labels_come_back_as_texts_and_no_text_is_carried_along_that_does_not_occur(codes: list[int]) -> None:
    names = ["red", "blue", "green", "grey"]
    column = Labels(names=names).column(np.array(codes, dtype=np.int64))
    assert column.to_pylist() == [None if code == MISSING else names[code] for code in codes]
    assert sorted(column.dictionary.to_pylist()) == sorted({names[code] for code in codes if code != MISSING})


def test_a_case_without_a_value_is_counted_next_to_those_with_one(system: Any, page: Any, event: Any) -> None:
    wait = Measure("wait", Elapsed(Opened(), FirstOf(("Answered",))))
    windows = (Window.DAY, Window.ALL)
    median = Indicator("wait", "wait", Aggregate.MEDIAN, anchor=Opened(), observe=Observe.ALWAYS, windows=windows)
    fold = CountedFold(replace(system, spec=replace(system.spec, measures=(wait,), indicators=(median,))))
    figures = lambda: {(part.stats.count, part.stats.unobserved) for part in fold.parts()}  # noqa: E731

    step = fold.fold([page([event(case, case, "Created", TIME) for case in "ABC"])])
    assert figures() == {(0, 3)}
    assert {(row["value"], row["anchor"]) for row in step.observations.to_pylist()} == {(None, TIME)}
    fold.fold([page([event("a", "A", "Answered", TIME + timedelta(hours=1))])])
    assert figures() == {(1, 2)}
    restored = fold.again(fold.snapshot())
    for one in (fold, restored):
        one.fold([page([event("b", "B", "Answered", TIME + timedelta(hours=2))])])
    assert figures() == {(2, 1)}
    assert restored.parts() == fold.parts()
    # Its opening becomes known as earlier: it leaves the day that it was counted in without a value.
    fold.fold([page([event("c", "C", "Created", TIME - timedelta(days=1))])])
    assert figures() == {(2, 0), (0, 1), (2, 1)}
