"""Which open cases have a clock that runs towards a target, when it comes to its end, and what a step changes of that.

A target is a duration with a limit: of an indicator that counts cases above a limit, or of one that states a duration
and has a target for it. Its clock runs from the start of the duration until its end or the end of the case, as the
measure counts it. The moments are those at which the measure itself becomes late, to the microsecond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.scoring.fold.batch import MISSING, IntArray
from services.scoring.fold.measures import ROUND_HALF, CaseView, Columns, by_calendar
from services.scoring.system.calendar import FAR, SECOND_US, working_moments, working_us
from services.scoring.system.case_model import Above, AttributeTime, Closed, Elapsed, Flag, Opened
from services.scoring.system.decimals import exact
from services.scoring.system.model import SECONDS_BY_UNIT, Direction, Indicator, SystemSpec
from services.scoring.system.open_case import ClockState

NEVER = np.iinfo(np.int64).max
SPAN_US_MAX = FAR // 4
"""Longer than anything that is measured, and short enough to be added to a moment."""
AT_RISK_SHARE = (4, 5)
"""A clock is at risk once this share of its time has passed."""


@dataclass(frozen=True)
class CaseTarget:
    """Late is a case whose duration, in whole seconds, lies above the limit."""

    indicator: str
    kind: Elapsed
    limit_s: int

    @property
    def needed_us(self) -> int:
        """The first span that is above the limit once it is rounded to seconds."""
        needed_us = (self.limit_s + 1) * SECOND_US - ROUND_HALF
        return max(-SPAN_US_MAX, min(needed_us, SPAN_US_MAX))


def case_targets(spec: SystemSpec) -> tuple[CaseTarget, ...]:
    """In the order of the indicators."""
    return tuple(target for indicator in spec.indicators if (target := _target(spec, indicator)) is not None)


def _target(spec: SystemSpec, indicator: Indicator) -> CaseTarget | None:
    measure = spec.measure_by_name[indicator.measure]
    match measure.kind:
        case Flag(Above(name, limit)):
            timed = spec.measure_by_name[name]
            if isinstance(timed.kind, Elapsed):
                return CaseTarget(indicator.name, timed.kind, math.floor(exact(limit) / exact(timed.resolution)))
        case Elapsed() as kind if indicator.target and indicator.direction is Direction.LOWER_IS_BETTER:
            seconds = exact(indicator.target.value) * SECONDS_BY_UNIT.get(indicator.unit, 1)
            return CaseTarget(indicator.name, kind, math.floor(seconds))
        case _:
            pass
    return None


@dataclass
class Clocks:
    """Of some cases and one target; MISSING where no clock runs. FAR: there is not that much working time.

    opened_us: of the case. risk_us, due_us: from then on it is at risk, and late.
    """

    opened_us: IntArray
    risk_us: IntArray
    due_us: IntArray

    def states(self, now_us: int | None) -> IntArray:
        now = MISSING if now_us is None else now_us
        running = np.where(self.due_us <= now, ClockState.LATE, ClockState.ON_TIME)
        running = np.where((running == ClockState.ON_TIME) & (self.risk_us <= now), ClockState.AT_RISK, running)
        return np.where(self.due_us == MISSING, ClockState.NONE, running).astype(np.int64)

    def next_us(self, now_us: int | None) -> IntArray:
        """When time alone changes the state of each next; NEVER: it does not."""
        now = MISSING if now_us is None else now_us
        following = np.where(self.risk_us > now, self.risk_us, self.due_us)
        return np.where((self.due_us == MISSING) | (following <= now), NEVER, following)

    def changes(
        self,
        target: int,
        places: IntArray,
        old: IntArray,
        now: IntArray,
        names: list[str],
        labels: pa.StructArray | None,
    ) -> ClockChanges:
        """labels: of the cases at these places."""
        rows: list[dict[str, str | None]] = [{}] * len(places) if labels is None else labels.to_pylist()
        return ClockChanges(
            [names[place] for place in places.tolist()],
            np.full(len(places), target, dtype=np.int64),
            old[places],
            now[places],
            self.opened_us[places],
            self.risk_us[places],
            self.due_us[places],
            [{name: value for name, value in row.items() if value is not None} for row in rows],
        )


def clocks_of(view: CaseView, target: CaseTarget) -> Clocks:
    kind, opened = target.kind, view.moment(Opened())
    start, end = view.moment(kind.start), view.moment(kind.end)
    runs = view.exists() & (start != MISSING) & (end == MISSING) & (view.moment(Closed()) == MISSING)
    clocks = Clocks(*(np.full(len(view.cases), MISSING, dtype=np.int64) for _ in range(3)))
    places = np.flatnonzero(runs)
    if not places.size:
        return clocks
    begin = start[places]
    cases, calendar = view.cases[places], view.calendars()[places]
    due = _moments(view.columns, kind, cases, calendar, begin, np.full(len(places), target.needed_us, dtype=np.int64))
    # The time that a due date leaves begins with the case.
    base = np.minimum(begin, opened[places]) if isinstance(kind.start, AttributeTime) else begin
    whole = np.maximum(_spans(view.columns, kind, calendar, base, begin) + target.needed_us, 0)
    if kind.paused is None:
        whole = np.maximum(_spans(view.columns, kind, calendar, base, np.maximum(due, base)), 0)
    share, of = AT_RISK_SHARE
    risk = np.minimum(_moments(view.columns, kind, cases, calendar, base, whole // of * share), due)
    clocks.opened_us[places], clocks.risk_us[places], clocks.due_us[places] = opened[places], risk, due
    return clocks


def _spans(columns: Columns, kind: Elapsed, calendar: IntArray, start_us: IntArray, end_us: IntArray) -> IntArray:
    """calendar: which of `SystemSpec.calendars` each case follows."""
    if not kind.business_time:
        return end_us - start_us
    return by_calendar(columns, calendar, working_us, start_us, end_us)


def _moments(
    columns: Columns, kind: Elapsed, cases: IntArray, calendar: IntArray, start_us: IntArray, span_us: IntArray
) -> IntArray:
    """The first moments at which these spans have passed since the starts; FAR: the clock is stopped before."""
    moments = _unpaused(columns, kind, calendar, start_us, span_us)
    if kind.paused is None:
        return moments
    pauses = columns.pauses(kind.paused)
    since_us = pauses.open_since(cases)
    stop_us = np.where(since_us == MISSING, FAR, since_us)
    case, begins, ends = pauses.between(cases, start_us, stop_us)
    taken = _spans(columns, kind, calendar[case], begins, ends)
    # Each pass meets one more pause of a case at least, or is the last.
    while True:
        paused = np.zeros(len(cases), dtype=np.int64)
        met = begins < moments[case]
        np.add.at(paused, case[met], taken[met])
        later = _unpaused(columns, kind, calendar, start_us, span_us + paused)
        if (later == moments).all():
            return np.where((moments > stop_us) & (moments > start_us), FAR, moments)
        moments = later


def _unpaused(columns: Columns, kind: Elapsed, calendar: IntArray, start_us: IntArray, span_us: IntArray) -> IntArray:
    if not kind.business_time:
        return start_us + span_us
    return by_calendar(columns, calendar, working_moments, start_us, span_us)


@dataclass(frozen=True)
class ClockChanges:
    """Clocks of cases that a step starts, changes or ends; columns with one place per clock.

    target: by position. old_state, state: NONE before one starts and after it ends. slices: values of the case after
    the step, by dimension; unknown ones are left out.
    """

    case_ids: list[str]
    target: IntArray
    old_state: IntArray
    state: IntArray
    opened_us: IntArray
    risk_us: IntArray
    due_us: IntArray
    slices: list[dict[str, str]]


NOTHING = np.zeros(0, dtype=np.int64)
NO_CLOCKS = ClockChanges([], NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, [])


def joined_changes(parts: Sequence[ClockChanges]) -> ClockChanges:
    if len(parts) < 2:
        return parts[0] if parts else NO_CLOCKS
    target, old_state, state, opened_us, risk_us, due_us = (
        np.concatenate([getattr(one, name) for one in parts])
        for name in ("target", "old_state", "state", "opened_us", "risk_us", "due_us")
    )
    slices = [row for one in parts for row in one.slices]
    cases = [case for one in parts for case in one.case_ids]
    return ClockChanges(cases, target, old_state, state, opened_us, risk_us, due_us, slices)
