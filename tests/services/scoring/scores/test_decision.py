"""What is decided in the end depends on the statistics that were given, not on how they came."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.replica.reopen import checkpoint_of
from services.scoring.scores.decision import CORRECTED, LATE, NEW_VERSION, draws
from services.scoring.scores.results import ScoreState
from services.scoring.scores.statistics import PartChange, PartStats
from services.scoring.system.case_model import Elapsed, Flag, Measure, Occurred, Opened
from services.scoring.system.model import (
    Aggregate,
    ChartRule,
    Direction,
    Indicator,
    IndicatorSystem,
    SystemSpec,
    Target,
)
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId
from tests.services.scoring.scores.scored_system import ScoredSystem

WEEK_US = 7 * 86_400_000_000
SERIES = SeriesKey("desk/main/breach@week")
WHOLE = SeriesKey("desk/main/overall@week")


def make_system(version: int = 1, baseline_windows: int = 4, count_min: int = 5) -> IndicatorSystem:
    breach = Indicator(
        "breach",
        "breach",
        Aggregate.SHARE,
        direction=Direction.LOWER_IS_BETTER,
        target=Target(0.1, worst=0.5),
        count_min=count_min,
        chart=ChartRule(baseline_windows=baseline_windows),
    )
    wait = Indicator(
        "wait",
        "wait",
        Aggregate.MEAN,
        direction=Direction.LOWER_IS_BETTER,
        target=Target(10.0),
        count_min=count_min,
        weight=3.0,
    )
    spec = SystemSpec(
        measures=(Measure("breach", Flag(Occurred(("Late",)))), Measure("wait", Elapsed(Opened(), Opened()))),
        indicators=(breach, wait),
    )
    return IndicatorSystem("processes/desk/indicatorSystems/main", version, spec)


def window(week: int) -> WindowId:
    return WindowId(week * WEEK_US, (week + 1) * WEEK_US)


def change(week: int, hits: int, count: int, series: SeriesKey = SERIES) -> PartChange:
    return PartChange(series, window(week), PartStats(count, hits, hits))


Counts = list[tuple[int, int]]
HISTORY = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 60)).map(lambda one: (min(one), max(one))), min_size=2, max_size=12
)


@settings(deadline=None, max_examples=30)
@given(first=HISTORY, second=HISTORY, seed=st.integers(0, 2**32))
def test_order_batching_and_lateness_leave_no_trace_in_what_stands(first: Counts, second: Counts, seed: int) -> None:
    final = {0: first, 1: second}
    end_us = max(len(first), len(second)) * WEEK_US
    at_once = ScoredSystem(make_system())
    at_once.step({p: [change(w, *one) for w, one in enumerate(weeks)] for p, weeks in final.items()}, end_us)

    dice = random.Random(seed)
    wandering = ScoredSystem(make_system())
    steps = [(p, w, one) for p, weeks in final.items() for w, one in enumerate(weeks)]
    steps += [(p, w, (dice.randint(0, 5), dice.randint(5, 40))) for p, w, _ in steps if dice.random() < 0.5]
    dice.shuffle(steps)
    watermark_us = 0
    for partition, week, (hits, count) in steps:
        watermark_us = min(end_us, watermark_us + dice.randint(0, WEEK_US))
        wandering.step({partition: [change(week, hits, count)]}, watermark_us)
        if dice.random() < 0.2:
            wandering.restart()
    for partition, weeks in final.items():
        wandering.step({partition: [change(w, *one) for w, one in enumerate(weeks)]}, end_us)
    assert wandering.content_hash() == at_once.content_hash()


def test_parts_of_all_partitions_make_one_score() -> None:
    book = ScoredSystem(make_system())
    book.step({0: [change(0, 1, 10)]}, None)
    decision = book.step({1: [change(0, 2, 20)]}, None)
    score = next(one for one in decision.scores if one.series == SERIES)
    assert (score.value, score.count, score.total, score.revision) == (0.1, 30, 3, 2)
    assert score.state is ScoreState.MET
    assert not score.complete


def test_a_window_is_complete_when_the_watermark_reaches_its_end_and_restated_with_a_reason_after_that() -> None:
    book = ScoredSystem(make_system())
    book.step({0: [change(0, 1, 10)]}, WEEK_US - 1)
    closed = book.step({}, WEEK_US)
    assert [(one.complete, one.revision, one.reason) for one in closed.scores if one.series == SERIES] == [
        (True, 2, "")
    ]
    late = book.step({0: [change(0, 2, 11)]}, WEEK_US)
    assert [(one.revision, one.reason) for one in late.scores if one.series == SERIES] == [(3, LATE)]
    place = (SERIES, window(0))
    fixed = book.step({0: [change(0, 1, 11)]}, WEEK_US, corrected=frozenset({place}))
    assert {one.series: one.reason for one in fixed.scores} == {SERIES: CORRECTED, WHOLE: CORRECTED}


def test_the_same_statistics_again_change_nothing() -> None:
    book = ScoredSystem(make_system())
    book.step({0: [change(0, 1, 10)]}, WEEK_US)
    again = book.step({0: [change(0, 1, 10)]}, WEEK_US)
    assert not again.scores
    assert not again.signals


def test_what_is_missing_below_widens_the_composite_to_an_interval() -> None:
    book = ScoredSystem(make_system())
    decision = book.step({0: [change(0, 3, 10)]}, None)
    whole = next(one for one in decision.scores if one.series == WHOLE)
    assert (whole.points, whole.value) == (None, None)
    # 0.3 of 0.1 to 0.5 is 50 points at a quarter of the weight; the missing three quarters may be anything.
    assert whole.points_low == pytest.approx(12.5)
    assert whole.points_high == pytest.approx(87.5)
    wait = PartChange(SeriesKey("desk/main/wait@week"), window(0), PartStats(10, 100, 1000))
    decision = book.step({0: [wait]}, None)
    whole = next(one for one in decision.scores if one.series == WHOLE)
    assert whole.points == whole.points_low == whole.points_high == pytest.approx(87.5)


def test_a_score_of_no_case_is_withdrawn_but_its_revisions_go_on() -> None:
    book = ScoredSystem(make_system())
    book.step({0: [change(0, 1, 10)]}, WEEK_US)
    gone = book.step({0: [change(0, 0, 0)]}, WEEK_US)
    assert {(one.series, one.present, one.revision) for one in gone.scores} == {(SERIES, False, 2), (WHOLE, False, 2)}
    back = book.step({0: [change(0, 1, 10)]}, WEEK_US)
    assert {one.revision for one in back.scores} == {3}


def test_a_signal_is_raised_on_a_complete_window_and_retracted_when_late_events_undo_it() -> None:
    book = ScoredSystem(make_system())
    steady = [change(week, 2 + week % 2, 50) for week in range(6)]
    book.step({0: steady}, 6 * WEEK_US)
    provisional = book.step({0: [change(6, 40, 50)]}, 6 * WEEK_US + 1)
    assert not provisional.signals
    raised = book.step({}, 7 * WEEK_US)
    assert {(one.rule, one.active, one.adverse) for one in raised.signals} == {("WE1", True, True)}
    undone = book.step({0: [change(6, 40, 800)]}, 7 * WEEK_US)
    assert {(one.rule, one.active, one.reason, one.revision) for one in undone.signals} == {("WE1", False, LATE, 2)}
    again = book.step({0: [change(6, 40, 50)]}, 7 * WEEK_US)
    assert {(one.name, one.revision, one.reason) for one in again.signals} == {(raised.signals[0].name, 3, LATE)}


def test_a_new_version_stays_silent_until_it_has_caught_up_then_restates_and_withdraws() -> None:
    old = ScoredSystem(make_system(1))
    slice_series = SeriesKey("desk/main/breach@week{team=a}")
    old.step({0: [*(change(w, 1, 10) for w in range(3)), change(0, 1, 10, slice_series)]}, 3 * WEEK_US)
    new = ScoredSystem(make_system(2, count_min=20), switched=False, before=old.scores)
    silent = new.step({0: [change(w, 1, 10) for w in range(2)]}, 2 * WEEK_US)
    assert not silent.scores
    assert not new.step({0: [change(2, 1, 10)]}, 3 * WEEK_US).scores
    said = new.switch(3 * WEEK_US)
    assert {one.reason for one in said} == {NEW_VERSION}
    assert {one.state for one in said if one.series == SERIES} == {ScoreState.NOT_ENOUGH_DATA}
    assert [one.present for one in said if one.series == slice_series] == [False]
    assert {one.version for one in said} == {2}


def test_a_chart_moves_where_a_window_closes_or_a_complete_one_changes() -> None:
    scored = ScoredSystem(make_system())
    at = lambda week, hits: scored.differences({0: [change(week, hits, 10)]})  # noqa: E731
    scored.step({0: [change(0, 1, 10), change(1, 1, 10)]}, None)
    assert not draws(scored.book, at(0, 2), WEEK_US - 1)
    assert draws(scored.book, {}, WEEK_US)
    scored.step({}, WEEK_US)
    assert not draws(scored.book, at(1, 2), WEEK_US)
    assert draws(scored.book, at(0, 3), WEEK_US)


def weeks_in(scored: ScoredSystem) -> set[int]:
    return {window.start_us // WEEK_US for _, window in scored.book.statistics}


def test_complete_windows_leave_memory_and_only_what_names_them_brings_them_back() -> None:
    scored = ScoredSystem(make_system())
    for week in range(40):
        scored.step({0: [change(week, 2 + week % 2, 50)]}, week * WEEK_US)
    assert weeks_in(scored) == {39}
    assert sorted(scored.book.scores[SERIES]) == [39 * WEEK_US]
    assert scored.recalls == 0
    assert {window.start_us // WEEK_US for _, window in scored.stored} == set(range(39))

    late = scored.step({1: [change(11, 3, 10)]}, 39 * WEEK_US)
    assert scored.recalls == 1
    assert weeks_in(scored) == {39}
    (score,) = (one for one in late.scores if one.series == SERIES)
    assert (score.total, score.count, score.reason, score.revision) == (6, 60, LATE, 3)
    assert scored.stored[SERIES, window(11)].total == 6
    gone = scored.step({0: [change(11, 0, 0)], 1: [change(11, 0, 0)]}, 39 * WEEK_US)
    assert {one.present for one in gone.scores} == {False}
    assert (SERIES, window(11)) not in scored.stored


def test_a_book_does_not_grow_with_history() -> None:
    scored, sizes = ScoredSystem(make_system()), []
    for week in range(900):
        scored.step({0: [change(week, (2 + week % 2) if week % 50 != 40 else 45, 50)]}, week * WEEK_US)
        if week in (599, 899):
            book = scored.book
            sizes.append(
                (len(checkpoint_of(book)), len(book.by_end), len(book.signals), sum(map(len, book.scores.values())))
            )
    assert len(scored.signals) > 1
    assert [one[1:] for one in sizes] == [(1, 0, 2), (1, 0, 2)]
    assert sizes[1][0] < 1.2 * sizes[0][0]
