"""From the document to columns, and from columns to one number per case."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, assert_never

import numpy as np
from numpy.typing import NDArray

from services.scoring.fold.batch import MISSING, EventBatch, IntArray
from services.scoring.fold.columns import EARLIEST, LATEST, Extreme, LastReopening, Picked, StateColumn, Tally
from services.scoring.fold.sequences import EventTimes, Handovers, Pauses, Presence, Successions
from services.scoring.fold.sources import (
    ActivityClasses,
    ChoiceSource,
    Labels,
    LabelSource,
    MatchSource,
    NumberSource,
    StateSource,
    TimeSource,
)
from services.scoring.fold.work_pairs import WorkPairs
from services.scoring.system.calendar import SECOND_US, Zone, working_us
from services.scoring.system.case_model import (
    Above,
    AttributeIs,
    AttributeTime,
    Calendar,
    CalendarBy,
    Closed,
    Count,
    Elapsed,
    FirstOf,
    Flag,
    Handover,
    LastOf,
    Measure,
    Milestone,
    NumberAttribute,
    Occurred,
    Opened,
    Paused,
    Pick,
    Ratio,
    Rework,
    Succession,
    Unmatched,
    Work,
)
from services.scoring.system.decimals import exact
from services.scoring.system.model import Dimension, SystemSpec

C = TypeVar("C", bound=StateColumn)
Bounded = FirstOf | LastOf | Count | Occurred
"""What may lie between two moments."""
ROUND_HALF = SECOND_US // 2


def activity_set(activities: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(activities)))


class Columns:
    """The columns that a system needs, each once, by a name that does not depend on the order in the document."""

    def __init__(self, spec: SystemSpec) -> None:
        self.spec = spec
        self.zone = Zone(spec.time_zone)
        self.by_name: dict[str, StateColumn] = {}
        self.capacity = 0
        self.tally(())
        self.extreme(Pick.FIRST, ())
        for measure in spec.measures:
            self._prepare(measure)
        for dimension in spec.dimensions:
            self.label(dimension)
        if spec.calendar_by is not None:
            self.calendar(spec.calendar_by)
        if spec.case_rule.closed is not None:
            self.reopened()
        for moment in [spec.case_rule.opened, spec.case_rule.closed, *(i.anchor for i in spec.indicators)]:
            self._prepare_moment(moment)

    def _column(self, name: str, make: Callable[[], C]) -> C:
        if name not in self.by_name:
            self.by_name[name] = make()
            self.by_name[name].reserve(self.capacity)
        return self.by_name[name]  # type: ignore[return-value]

    def _prepare_moment(self, moment: Milestone | None) -> None:
        match moment:
            case FirstOf() | LastOf() if moment.is_bounded:
                self._prepare_bounded(moment)
            case FirstOf(activities):
                self.extreme(Pick.FIRST, activities)
            case LastOf(activities):
                self.extreme(Pick.LAST, activities)
            case AttributeTime(attribute):
                self.time(attribute)
            case Opened() | Closed() | None:
                pass
            case _:
                assert_never(moment)

    def _prepare_bounded(self, bounded: Bounded) -> None:
        self.event_times(bounded.activities)
        self._prepare_moment(bounded.after)
        self._prepare_moment(bounded.before)

    def _prepare(self, measure: Measure) -> None:
        """Makes the columns of a measure exist."""
        match measure.kind:
            case Elapsed(start, end, _, paused):
                self._prepare_moment(start)
                self._prepare_moment(end)
                if paused is not None:
                    self.pauses(paused)
            case (Count() as bounded) | Flag(Occurred() as bounded) if bounded.is_bounded:
                self._prepare_bounded(bounded)
            case Count(activities) | Flag(Occurred(activities)):
                self.tally(activities)
            case Flag(AttributeIs() as condition):
                self.match(condition)
            case NumberAttribute() as reading:
                self.reading(reading)
            case Rework(activities):
                self.tally(activities)
                self.presence()
            case Handover(attribute):
                self.handovers(attribute)
            case Succession() as followed:
                self.successions(followed)
            case Work() as work:
                self.work(work)
            case Flag() | Ratio() | None:
                # They look at other measures, whose columns exist.
                pass
            case _:
                assert_never(measure.kind)

    def extreme(self, pick: Pick, activities: tuple[str, ...]) -> Extreme:
        wanted = activity_set(activities)
        return self._column(f"{pick.value} {wanted}", lambda: Extreme(pick, wanted))

    def reopened(self) -> Extreme:
        named = self.spec.case_rule.reopened
        return self.extreme(Pick.LAST, named) if named else self._column("reopened", LastReopening)

    def tally(self, activities: tuple[str, ...]) -> Tally:
        wanted = activity_set(activities)
        return self._column(f"count {wanted}", lambda: Tally(wanted))

    def presence(self) -> Presence:
        return self._column("presence", Presence)

    def time(self, attribute: str) -> Picked:
        return self._column(f"time {attribute}", lambda: Picked(Pick.LAST, TimeSource(attribute)))

    def match(self, condition: AttributeIs) -> Picked:
        name = f"match {condition.attribute} {condition.pick.value} {condition.equals!r}"
        return self._column(name, lambda: Picked(condition.pick, MatchSource(condition.attribute, condition.equals)))

    def reading(self, reading: NumberAttribute) -> Picked:
        name = f"reading {reading.attribute} {reading.pick.value} {reading.resolution!r}"
        return self._column(name, lambda: Picked(reading.pick, NumberSource(reading.attribute, reading.resolution)))

    def label(self, dimension: Dimension) -> Picked:
        unknown = tuple(sorted(set(dimension.unknown_values)))
        name = f"label {dimension.attribute} {dimension.pick.value} {unknown}"
        source = LabelSource(f"attributes.{dimension.attribute}", Labels(frozenset(unknown)))
        return self._column(name, lambda: Picked(dimension.pick, source))

    def labels(self, dimension: Dimension) -> Labels:
        source = self.label(dimension).source
        assert isinstance(source, LabelSource)
        return source.labels

    def handovers(self, attribute: str) -> Handovers:
        column = f"attributes.{attribute}" if attribute else "resource"
        return self._column(f"handovers {column}", lambda: Handovers(LabelSource(column, Labels())))

    def successions(self, followed: Succession) -> Successions:
        source = ActivityClasses(activity_set(followed.activities), activity_set(followed.by))
        return self._column(f"followed {source.first} {source.second}", lambda: Successions(source))

    def event_times(self, activities: tuple[str, ...]) -> EventTimes:
        wanted = activity_set(activities)
        return self._column(f"times {wanted}", lambda: EventTimes(wanted))

    def pauses(self, paused: Paused) -> Pauses:
        column = f"attributes.{paused.attribute}" if paused.attribute else ""
        source = StateSource(column, activity_set(paused.states), activity_set(paused.until))
        return self._column(f"pauses {column} {source.states} {source.until}", lambda: Pauses(source))

    def work(self, work: Work) -> WorkPairs:
        wanted = activity_set(work.activities)
        name = f"work {wanted} {work.business_time}"

        def clock(calendar: Calendar) -> Callable[[IntArray, IntArray], IntArray]:
            return lambda end_us, start_us: working_us(calendar, self.zone, start_us, end_us)

        clocks = [clock(calendar) for calendar in self.spec.calendars] if work.business_time else [np.subtract]
        return self._column(name, lambda: WorkPairs(wanted, *clocks))

    def calendar(self, chosen: CalendarBy) -> Picked:
        """Which calendar each case follows: by its place in `SystemSpec.calendars`."""
        source = ChoiceSource(f"attributes.{chosen.attribute}", tuple(one.values for one in chosen.choices))
        return self._column("calendar", lambda: Picked(chosen.pick, source))

    def reserve(self, capacity: int) -> None:
        self.capacity = capacity
        for column in self.by_name.values():
            column.reserve(capacity)

    def narrow(self, cases: IntArray, capacity: int) -> None:
        self.capacity = capacity
        for column in self.by_name.values():
            column.narrow(cases, capacity)

    def reset(self, cases: IntArray) -> None:
        for column in self.by_name.values():
            column.reset(cases)

    def update(self, batch: EventBatch, cases: IntArray) -> None:
        for column in self.by_name.values():
            column.update(batch, cases)


def by_calendar(
    columns: Columns,
    calendar: IntArray,
    compute: Callable[[Calendar, Zone, IntArray, IntArray], IntArray],
    first: IntArray,
    second: IntArray,
) -> IntArray:
    """What is computed of two arrays by the calendar of each place: its number in `SystemSpec.calendars`."""
    found = np.zeros(len(first), dtype=np.int64)
    for number in np.unique(calendar).tolist():
        here = calendar == number
        found[here] = compute(columns.spec.calendars[number], columns.zone, first[here], second[here])
    return found


class CaseView:
    """Measures and moments of some cases; MISSING where there is none. Each is computed once.

    now_us: up to when durations without an end have run; None: they do not run.
    due_us: when the first of them passes a limit, if nothing happens; the largest integer where none will.
    """

    def __init__(self, columns: Columns, cases: IntArray, now_us: int | None = None) -> None:
        self.columns, self.cases, self.spec, self.now_us = columns, cases, columns.spec, now_us
        self.due_us = np.full(len(cases), np.iinfo(np.int64).max, dtype=np.int64)
        self.negative: dict[str, NDArray[np.bool_]] = {}
        self._moments: dict[Milestone, IntArray] = {}
        self._values: dict[str, IntArray] = {}

    def exists(self) -> NDArray[np.bool_]:
        """False for cases of which every event was retracted."""
        return np.asarray(self.columns.tally(()).count[self.cases] > 0)

    def closed(self) -> NDArray[np.bool_]:
        return np.asarray(self.moment(Closed()) != MISSING)

    def moment(self, moment: Milestone | None) -> IntArray:
        if moment is None:
            return np.full(len(self.cases), MISSING, dtype=np.int64)
        if moment not in self._moments:
            self._moments[moment] = self._moment(moment)
        return self._moments[moment]

    def _moment(self, moment: Milestone) -> IntArray:
        match moment:
            case FirstOf() if moment.is_bounded:
                return self._within(moment)[1]
            case LastOf() if moment.is_bounded:
                return self._within(moment)[2]
            case FirstOf(activities):
                return self.columns.extreme(Pick.FIRST, activities).times(self.cases)
            case LastOf(activities):
                return self.columns.extreme(Pick.LAST, activities).times(self.cases)
            case AttributeTime(attribute):
                return self.columns.time(attribute).value[self.cases]
            case Opened():
                return self.moment(self.spec.case_rule.opened or FirstOf())
            case Closed():
                closed = self.moment(self.spec.case_rule.closed)
                if self.spec.case_rule.closed is None:
                    return closed
                return np.where(closed < self.columns.reopened().times(self.cases), MISSING, closed)
            case _:
                assert_never(moment)

    def _within(self, bounded: Bounded) -> tuple[IntArray, IntArray, IntArray]:
        """How many of these events lie strictly between their bounds, the first and the last."""
        after, before = np.full(len(self.cases), EARLIEST), np.full(len(self.cases), LATEST)
        if bounded.after is not None:
            after = self.moment(bounded.after)
            after = np.where(after == MISSING, LATEST, after)
        if bounded.before is not None:
            # MISSING is the least of all numbers, so that nothing lies before it.
            before = self.moment(bounded.before)
        return self.columns.event_times(bounded.activities).within(self.cases, after, before)

    def label(self, dimension: Dimension) -> IntArray:
        return self.columns.label(dimension).value[self.cases]

    def value(self, name: str) -> IntArray:
        """The measure in multiples of the resolution."""
        if name not in self._values:
            self._values[name] = self._value(self.spec.measure_by_name[name])
        return self._values[name]

    def _value(self, measure: Measure) -> IntArray:
        kind, columns, cases = measure.kind, self.columns, self.cases
        match kind:
            case Elapsed():
                return self._elapsed(measure.name, kind)
            case Count() if kind.is_bounded:
                return self._within(kind)[0]
            case Count(activities):
                return columns.tally(activities).count[cases]
            case Flag():
                return self._flag(kind)
            case NumberAttribute():
                return columns.reading(kind).value[cases]
            case Rework(activities):
                return columns.tally(activities).count[cases] - columns.presence().distinct(activities, cases)
            case Handover(attribute, back):
                handovers = columns.handovers(attribute)
                return (handovers.back if back else handovers.changes)[cases]
            case Succession():
                return columns.successions(kind).count[cases]
            case Work(unmatched=Unmatched.STARTS):
                return columns.work(kind).running[cases]
            case Work(unmatched=Unmatched.COMPLETIONS):
                return columns.work(kind).unstarted[cases]
            case Work():
                return columns.work(kind).seconds(cases, self.calendars() if kind.business_time else 0)
            case Ratio(of):
                return self.value(of)
            case None:
                return self.moment(None)
            case _:
                assert_never(kind)

    def _elapsed(self, name: str, kind: Elapsed) -> IntArray:
        """Whole seconds, rounded to the nearest, halves up; negative where the end lies before the start."""
        start, end = self.moment(kind.start), self.moment(kind.end)
        known = (start != MISSING) & (end != MISSING)
        self.negative[name] = known & (end < start)
        places = np.flatnonzero(known)
        spans = self._spans(kind, places, start[places], end[places])
        seconds = np.full(len(start), MISSING, dtype=np.int64)
        seconds[places] = (spans + ROUND_HALF) // SECOND_US
        return seconds

    def _spans(self, kind: Elapsed, places: IntArray, start: IntArray, end: IntArray) -> IntArray:
        """Signed microseconds on the clock of the measure. places: which of the cases."""
        early, late = np.minimum(start, end), np.maximum(start, end)
        ran = self._clock(kind, places, early, late)
        if kind.paused is not None:
            case, begins, ends = self.columns.pauses(kind.paused).between(self.cases[places], early, late)
            np.subtract.at(ran, case, self._clock(kind, places[case], begins, ends))
        return np.where(end < start, -ran, ran)

    def _clock(self, kind: Elapsed, places: IntArray, start: IntArray, end: IntArray) -> IntArray:
        """Microseconds between start and end, of working time where that is asked for. places: which of the cases."""
        if not kind.business_time:
            return end - start
        return by_calendar(self.columns, self.calendars()[places], working_us, start, end)

    def calendars(self) -> IntArray:
        """Which of `SystemSpec.calendars` each case follows."""
        if self.spec.calendar_by is None:
            return np.zeros(len(self.cases), dtype=np.int64)
        return np.maximum(self.columns.calendar(self.spec.calendar_by).value[self.cases], 0)

    def _flag(self, flag: Flag) -> IntArray:
        """1 or 0; MISSING where the attribute or the other measure is."""
        match flag.condition:
            case AttributeIs() as condition:
                answer = self.columns.match(condition).value[self.cases]
            case Above(name, limit):
                answer = self._above(name, limit)
            case Occurred() as occurred if occurred.is_bounded:
                answer = (self._within(occurred)[0] > 0).astype(np.int64)
            case Occurred(activities):
                answer = (self.columns.tally(activities).count[self.cases] > 0).astype(np.int64)
            case None:
                return self.moment(None)
            case _:
                assert_never(flag.condition)
        return np.where(answer == MISSING, MISSING, 1 - answer) if flag.negate else answer

    def _above(self, name: str, limit: float) -> IntArray:
        measure, values = self.spec.measure_by_name[name], self.value(name)
        # A whole number lies above a limit if and only if it lies above its floor: no rounding at the border.
        multiples = math.floor(exact(limit) / exact(measure.resolution))
        above = np.where(values == MISSING, MISSING, (values > multiples).astype(np.int64))
        if isinstance(measure.kind, Elapsed) and self.now_us is not None:
            above[self._overdue(measure.kind, multiples, self.now_us)] = 1
        return above

    def _overdue(self, kind: Elapsed, limit_s: int, now_us: int) -> IntArray:
        """Cases whose duration has no end yet and has run for longer than the limit; `due_us` of those that still may.

        The clock of a case stops when it closes: closed within the limit without the end, it is not observed.
        """
        start, closed = self.moment(kind.start), self.moment(Closed())
        running = np.flatnonzero((start != MISSING) & (self.moment(kind.end) == MISSING))
        start, closed = start[running], closed[running]
        stop = np.where(closed == MISSING, now_us, np.minimum(closed, now_us))
        # The first span that is above the limit once it is rounded to seconds.
        needed_us = (limit_s + 1) * SECOND_US - ROUND_HALF
        left_us = needed_us - self._spans(kind, running, start, stop)
        waits = (left_us > 0) & ((closed == MISSING) | (closed > now_us))
        # Working time runs no faster than the clock, so that a case is looked at in time; where it stood still, again.
        due_us = stop[waits] + left_us[waits]
        self.due_us[running[waits]] = np.minimum(self.due_us[running[waits]], due_us)
        return running[left_us <= 0]
