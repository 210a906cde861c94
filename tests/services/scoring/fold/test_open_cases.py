"""When clocks of open cases come to their end: where the measure itself says that a case is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.fold.batch import MISSING
from services.scoring.fold.cases import CaseFold
from services.scoring.fold.measures import CaseView
from services.scoring.fold.open_cases import case_targets, clocks_of
from services.scoring.system.calendar import FAR, Zone, working_moments, working_us
from services.scoring.system.case_model import (
    Above,
    AttributeTime,
    Calendar,
    CaseRule,
    Elapsed,
    FirstOf,
    Flag,
    Hours,
    Measure,
    Opened,
    Paused,
)
from services.scoring.system.model import Aggregate, Direction, Indicator, Observe, Window

OFFICE = Calendar(tuple(Hours(day, 9 * 60, 17 * 60) for day in range(1, 6)), ("2026-12-25",))
BERLIN = Zone("Europe/Berlin")
START = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e6)
YEAR_US = 366 * 86_400_000_000


@given(
    st.integers(START, START + YEAR_US), st.integers(1, 2_000 * 3_600_000_000), st.sampled_from([OFFICE, Calendar()])
)
def test_a_moment_is_the_first_at_which_so_much_working_time_has_passed(
    start: int, worked: int, calendar: Calendar
) -> None:
    starts = np.array([start], dtype=np.int64)
    (moment,) = working_moments(calendar, BERLIN, starts, np.array([worked], dtype=np.int64)).tolist()
    for at, enough in ((moment, True), (moment - 1, False)):
        passed = working_us(calendar, BERLIN, starts, np.array([at], dtype=np.int64))
        assert (passed[0] >= worked) is np.bool_(enough)


def test_a_stopped_clock_has_no_end_until_it_goes_on_and_comes_to_it_later_by_its_pauses(
    system: Any, page: Any, event: Any
) -> None:
    opened = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
    wait = Elapsed(Opened(), FirstOf(("Answered",)), paused=Paused(("Waiting",)))
    measures = (Measure("wait", wait), Measure("is_late", Flag(Above("wait", 7_200))))
    late = Indicator("late", "is_late", Aggregate.SHARE, direction=Direction.LOWER_IS_BETTER, anchor=Opened())
    fold = CaseFold(replace(system, spec=replace(system.spec, measures=measures, indicators=(late,))))

    def due(hours: float, activity: str) -> float:
        at = opened + timedelta(hours=hours)
        now_us = round(at.timestamp() * 1e6)
        fold.fold([page([event(f"{activity}{hours}", "A", activity, at)])], now_us)
        view = CaseView(fold.state.columns, np.zeros(1, np.int64), now_us)
        (due_us,) = clocks_of(view, case_targets(fold.system.spec)[0]).due_us.tolist()
        return float("inf") if due_us == FAR else round((due_us / 1e6 - opened.timestamp()) / 3_600, 3)

    assert due(0, "Created") == 2
    assert due(1, "Waiting") == float("inf")
    assert due(11, "Replied") == 12
    assert due(11.5, "Waiting") == float("inf")
    assert due(12.5, "Replied") == 13
    assert due(14, "Waiting") == 13, "it was late before it was stopped"


@pytest.mark.parametrize("due_date", [False, True])
@pytest.mark.parametrize("business_time", [False, True])
def test_a_clock_is_late_from_the_microsecond_on_at_which_its_indicator_counts_it_as_late(
    system: Any, page: Any, event: Any, due_date: bool, business_time: bool
) -> None:
    opened = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
    start = AttributeTime("due") if due_date else Opened()
    measures = (
        Measure("wait", Elapsed(start, FirstOf(("Answered",)), business_time)),
        Measure("is_late", Flag(Above("wait", 7_200))),
    )
    late = Indicator(
        "late",
        "is_late",
        Aggregate.SHARE,
        direction=Direction.LOWER_IS_BETTER,
        anchor=Opened(),
        observe=Observe.ALWAYS,
        windows=(Window.ALL,),
    )
    spec = replace(
        system.spec,
        calendar=OFFICE,
        case_rule=CaseRule(FirstOf(("Created",)), FirstOf(("Closed",))),
        measures=measures,
        indicators=(late,),
    )
    fold = CaseFold(replace(system, spec=spec))
    attributes = {"due": opened.replace(day=6)} if due_date else {}
    first = round(opened.timestamp() * 1e6)
    step = fold.fold([page([event("1", "A", "Created", opened, attributes=attributes)])], first)
    assert step.clocks.case_ids == ["A"]
    (due,) = step.clocks.due_us.tolist()
    for now, is_late in ((due - 1, 0), (due, 1)):
        view = CaseView(fold.state.columns, np.array([0]), now)
        assert max(int(view.value("is_late")[0]), 0) == is_late
    (risk,) = step.clocks.risk_us.tolist()
    assert first < risk < due
    assert fold.is_due(risk)
    assert fold.fold([], risk).clocks.state.tolist() == [2]
    assert fold.fold([], due).clocks.state.tolist() == [3]
    assert fold.fold([page([event("2", "A", "Closed", opened.replace(day=8))])], due).clocks.state.tolist() == [0]
    (target,) = case_targets(spec)
    assert clocks_of(CaseView(fold.state.columns, np.array([0])), target).due_us.tolist() == [MISSING]
