"""A rich indicator system, events as rows, and a reference fold: one case at a time, in plain Python."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import strategies as st

from services.scoring.fold.step import DecodedPage
from services.scoring.scores import statistics
from services.scoring.system.case_model import (
    Above,
    AttributeIs,
    AttributeTime,
    Calendar,
    CalendarBy,
    CalendarChoice,
    CaseRule,
    Closed,
    Count,
    Elapsed,
    FirstOf,
    Flag,
    Handover,
    Hours,
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
from services.scoring.system.model import (
    Aggregate,
    Dimension,
    Indicator,
    IndicatorSystem,
    Observe,
    Slice,
    SystemSpec,
    Window,
)
from services.scoring.system.series import series_key

TIME = pa.timestamp("us", tz="UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TRANSITION, INSTANCE = "lifecycle:transition", "concept:instance"
Result = dict[tuple[str, int], tuple[int, int, int, tuple[tuple[int, int], ...], int]]
"""Count, sum, sum of squares, histogram and cases without a value, by series and window."""


@dataclass(frozen=True)
class Event:
    id: str
    case_id: str
    activity: str
    time: datetime
    source: str = "desk"
    resource: str | None = None
    supersedes: str | None = None
    retracts: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def as_table(events: Sequence[Event]) -> pa.Table:
    """A page as ingest writes it: only the columns that are used."""
    columns: dict[str, pa.Array] = {}
    for name in ("id", "source", "case_id", "activity", "resource", "supersedes", "retracts"):
        columns[name] = pa.array([getattr(event, name) for event in events], type=pa.utf8())
    columns["activity"] = columns["activity"].dictionary_encode()
    columns["time"] = pa.array([event.time for event in events], type=TIME)
    for name in sorted({name for event in events for name in event.attributes}):
        columns[f"attributes.{name}"] = pa.array([event.attributes.get(name) for event in events])
    return pa.table(columns)


REOPENED = LastOf(("Reopened",))


NIGHTS = Calendar((Hours(6, 22 * 60, 30 * 60), Hours(7, 0, 8 * 60), Hours(2, 23 * 60, 25 * 60)), ("2026-03-08",))


def rich_system() -> IndicatorSystem:
    charted = tuple(Window)

    def indicator(name: str, aggregate: Aggregate, **more: Any) -> Indicator:
        return Indicator(name, name, aggregate, windows=more.pop("windows", (Window.WEEK, Window.ALL)), **more)

    spec = SystemSpec(
        time_zone="America/New_York",
        sources=("desk",),
        calendar=Calendar(tuple(Hours(day, 9 * 60, 17 * 60 + 30) for day in range(1, 6)), ("2026-03-10",)),
        calendar_by=CalendarBy("channel", (CalendarChoice(("phone,web",), NIGHTS),), Pick.FIRST),
        case_rule=CaseRule(FirstOf(("Created",)), LastOf(("Closed", "Cancelled"))),
        measures=(
            Measure("cycle", Elapsed(Opened(), Closed())),
            Measure("working", Elapsed(FirstOf(), LastOf(("Resolved",)), business_time=True)),
            Measure("promised", Elapsed(LastOf(), AttributeTime("due"))),
            Measure("touches", Count()),
            Measure("waits", Count(("Waiting",))),
            Measure("late", Flag(Above("cycle", 86_400.0))),
            Measure("reopened", Flag(Occurred(("Reopened",)))),
            Measure("kept", Flag(AttributeIs("sla", (False, "no", 0)), negate=True)),
            Measure("rating", NumberAttribute("csat", Pick.FIRST, resolution=0.1)),
            Measure("cost", NumberAttribute("cost")),
            Measure("rework", Rework()),
            Measure("work_again", Rework(("Started", "Waiting"))),
            Measure("hands", Handover()),
            Measure("teams", Handover("team")),
            Measure("worked", Work()),
            Measure("attended", Work(("Started", "Waiting"), business_time=True)),
            Measure("running", Work(unmatched=Unmatched.STARTS)),
            Measure("unstarted", Work(("Started",), unmatched=Unmatched.COMPLETIONS)),
            Measure("coarse", NumberAttribute("cost", Pick.FIRST, resolution=0.5)),
            Measure("waiting_share", Ratio("waits", "touches")),
            Measure("cost_per_wait", Ratio("cost", "waits", "touches")),
            Measure("touches_per_cost", Ratio("rating", "coarse")),
            Measure("answer", Elapsed(REOPENED, FirstOf(("Started", "Resolved"), after=REOPENED))),
            Measure("last_wait", Elapsed(LastOf(("Waiting",), before=Closed()), Closed(), business_time=True)),
            Measure("touches_since", Count(after=REOPENED, before=AttributeTime("due"))),
            Measure("waits_again", Flag(Occurred(("Waiting",), after=FirstOf(("Waiting",))))),
            Measure("ours", Elapsed(Opened(), Closed(), paused=Paused(("Waiting",)))),
            Measure(
                "desk_time",
                Elapsed(AttributeTime("due"), LastOf(("Resolved",)), True, Paused(("blue", "?"), ("red",), "team")),
            ),
            Measure("ping_pong", Handover(back=True)),
            Measure("team_back", Handover("team", back=True)),
            Measure("waits_then_ends", Succession(("Waiting", "Started"), ("Resolved", "Closed", "Started"))),
            Measure("after_wait", Succession(("Waiting",))),
        ),
        dimensions=(
            Dimension("team", "team", unknown_values=("?",)),
            Dimension("channel", "channel", pick=Pick.FIRST),
        ),
        indicators=(
            indicator(
                "cycle", Aggregate.MEDIAN, windows=charted, slices=(Slice(("team",)), Slice(("team", "channel")))
            ),
            indicator("working", Aggregate.MEAN, anchor=Opened(), observe=Observe.ALWAYS),
            indicator(
                "promised", Aggregate.QUANTILE, quantile=0.9, observe=Observe.ALWAYS, anchor=AttributeTime("due")
            ),
            indicator("touches", Aggregate.SUM, observe=Observe.ALWAYS, anchor=LastOf(), windows=(Window.DAY,)),
            indicator("waits", Aggregate.MEAN),
            indicator("late", Aggregate.SHARE, slices=(Slice(("channel",)),)),
            indicator(
                "reopened", Aggregate.SHARE, observe=Observe.ALWAYS, anchor=FirstOf(), slices=(Slice(("team",)),)
            ),
            indicator("kept", Aggregate.SHARE),
            indicator("rating", Aggregate.MEAN, anchor=FirstOf()),
            indicator("cost", Aggregate.SUM, observe=Observe.ALWAYS, anchor=FirstOf()),
            indicator("rework", Aggregate.MEAN, observe=Observe.ALWAYS, anchor=FirstOf()),
            indicator("work_again", Aggregate.MEAN, slices=(Slice(("team",)),)),
            indicator("hands", Aggregate.MEAN, observe=Observe.ALWAYS, anchor=FirstOf()),
            indicator("teams", Aggregate.MEAN),
            indicator("worked", Aggregate.MEDIAN, observe=Observe.ALWAYS, anchor=FirstOf()),
            indicator("attended", Aggregate.SUM, observe=Observe.ALWAYS, anchor=FirstOf()),
            indicator("running", Aggregate.SUM, observe=Observe.ALWAYS, anchor=FirstOf()),
            indicator("unstarted", Aggregate.MEAN),
            indicator("waiting_share", Aggregate.SHARE, slices=(Slice(("team",)),)),
            indicator("cost_per_wait", Aggregate.MEAN, observe=Observe.ALWAYS, anchor=FirstOf()),
            indicator("touches_per_cost", Aggregate.MEAN, slices=(Slice(("team", "channel")),)),
            *(
                indicator(name, Aggregate.MEAN, observe=Observe.ALWAYS, anchor=FirstOf(), windows=(Window.DAY,))
                for name in ("answer", "touches_since", "waits_again", "desk_time", "team_back", "after_wait")
            ),
            indicator("last_wait", Aggregate.MINIMUM),
            indicator("ours", Aggregate.MEAN, slices=(Slice(("team",)),)),
            indicator("ping_pong", Aggregate.SUM),
            indicator("waits_then_ends", Aggregate.MEAN),
        ),
    )
    return IndicatorSystem("processes/desk/indicatorSystems/main", 1, spec)


def us(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


class Reference:
    """One case, by its events in order; every measure straight from its definition."""

    def __init__(self, system: IndicatorSystem, events: Sequence[Event]) -> None:
        self.spec = system.spec
        self.events = sorted(
            events, key=lambda event: (event.time, int((re.findall(r"\d{1,8}$", event.id) or ["0"])[0]))
        )

    def moment(self, moment: Milestone | None) -> datetime | None:
        match moment:
            case FirstOf() | LastOf():
                times = [event.time for event in self.among(moment)]
                return (times[0] if isinstance(moment, FirstOf) else times[-1]) if times else None
            case AttributeTime(attribute):
                return self.picked(attribute, Pick.LAST, lambda value: isinstance(value, datetime))
            case Opened():
                return self.moment(self.spec.case_rule.opened or FirstOf())
            case Closed():
                closed = self.moment(self.spec.case_rule.closed)
                named = self.spec.case_rule.reopened
                again = [
                    event.time
                    for event in self.events
                    if (event.activity in named if named else "reopen" in event.activity.lower())
                ]
                return None if closed is not None and again and again[-1] > closed else closed
            case None:
                return None

    def among(self, wanted: FirstOf | LastOf | Count | Occurred) -> list[Event]:
        """Events of some activities, strictly between two moments."""
        found = [event for event in self.events if not wanted.activities or event.activity in wanted.activities]
        if wanted.after is not None:
            after = self.moment(wanted.after)
            found = [event for event in found if after is not None and event.time > after]
        if wanted.before is not None:
            before = self.moment(wanted.before)
            found = [event for event in found if before is not None and event.time < before]
        return found

    def picked(self, attribute: str, pick: Pick, suits: Callable[[Any], bool]) -> Any:
        values = [event.attributes[attribute] for event in self.events if event.attributes.get(attribute) is not None]
        values = [value for value in values if suits(value)]
        return (values[0] if pick is Pick.FIRST else values[-1]) if values else None

    def value(self, name: str) -> int | None:
        kind = self.spec.measure_by_name[name].kind
        match kind:
            case Elapsed(start, end, business, paused):
                return self.elapsed(self.moment(start), self.moment(end), business, paused)
            case Count():
                return len(self.among(kind))
            case Flag(condition, negate):
                answer = self.condition(condition)
                return None if answer is None else int(answer != negate)
            case NumberAttribute(attribute, pick, resolution):
                value = self.picked(attribute, pick, lambda value: isinstance(value, int | float))
                return None if value is None else round(value / resolution)
            case Rework(activities):
                times = Counter(event.activity for event in self.events)
                return sum(n - 1 for name, n in times.items() if not activities or name in activities)
            case Succession(activities, by):
                return sum(
                    1
                    for a, b in pairwise(self.events)
                    if (not activities or a.activity in activities) and (not by or b.activity in by)
                )
            case Handover(attribute, back):
                texts = [event.attributes.get(attribute) if attribute else event.resource for event in self.events]
                known = [text for text in texts if text is not None]
                if back:
                    runs = [text for text, _ in groupby(known)]
                    return sum(1 for a, b in zip(runs, runs[2:], strict=False) if a == b)
                return sum(1 for a, b in pairwise(known) if a != b)
            case Work(activities, business, unmatched):
                return self.work(activities, business, unmatched)
        raise AssertionError(kind)

    def observation(self, indicator: Indicator) -> tuple[int, int, int] | None:
        """Count, sum and sum of squares that the case adds; None: it has no value."""
        kind = self.spec.measure_by_name[indicator.measure].kind
        if not isinstance(kind, Ratio):
            value = self.value(indicator.measure)
            return None if value is None else (1, value, value * value)
        of, per = self.value(kind.of), self.value(kind.per)
        if of is None or per is None or per <= 0:
            return None
        if indicator.aggregate is Aggregate.SHARE:
            return (per, of, of) if 0 <= of <= per else None
        squares = self.value(kind.squares) if kind.squares else 0
        return None if squares is None else (per, of, squares)

    def work(self, activities: tuple[str, ...], business: bool, unmatched: Unmatched | None) -> int | None:
        """First in, first out, one event after the other."""
        waiting: dict[tuple[str, str | None], list[datetime]] = {}
        spans, unstarted = [], 0
        ends = {"start": False, "resume": False, "complete": True, "suspend": True}
        events = [(event.time, ends.get(str(event.attributes.get(TRANSITION)).lower()), event) for event in self.events]
        for time, is_end, event in sorted((one for one in events if one[1] is not None), key=lambda one: one[:2]):
            if activities and event.activity not in activities:
                continue
            queue = waiting.setdefault((event.activity, event.attributes.get(INSTANCE)), [])
            if not is_end:
                queue.append(time)
            elif queue:
                start = queue.pop(0)
                spans.append(self.working(start, time) if business else time - start)
            else:
                unstarted += 1
        match unmatched:
            case Unmatched.STARTS:
                return sum(map(len, waiting.values()))
            case Unmatched.COMPLETIONS:
                return unstarted
        return (us(EPOCH + sum(spans, timedelta())) + 500_000) // 1_000_000 if spans else None

    def condition(self, condition: Any) -> bool | None:
        match condition:
            case Above(measure, limit):
                value = self.value(measure)
                return None if value is None else value > limit
            case Occurred():
                return bool(self.among(condition))
            case AttributeIs(attribute, equals, pick):
                value = self.picked(attribute, pick, lambda value: True)
                same = [other == value and isinstance(other, bool) == isinstance(value, bool) for other in equals]
                return None if value is None else any(same)
        raise AssertionError(condition)

    def elapsed(
        self, start: datetime | None, end: datetime | None, business: bool, paused: Paused | None
    ) -> int | None:
        if start is None or end is None:
            return None

        def clock(early: datetime, late: datetime) -> timedelta:
            return self.working(early, late) if business else late - early

        early, late = min(start, end), max(start, end)
        span = clock(early, late)
        for stops, goes_on in self.stops(paused) if paused is not None else ():
            begins, ends = max(stops, early), late if goes_on is None else min(goes_on, late)
            span -= clock(begins, ends) if begins < ends else timedelta()
        return (us(EPOCH + (span if start <= end else -span)) + 500_000) // 1_000_000

    def stops(self, paused: Paused) -> list[tuple[datetime, datetime | None]]:
        """From when to when a clock stands still; None: it still does."""
        found: list[tuple[datetime, datetime | None]] = []
        for event in self.events:
            state = event.attributes.get(paused.attribute) if paused.attribute else event.activity
            open_since = found[-1][0] if found and found[-1][1] is None else None
            if state in paused.states and open_since is None:
                found.append((event.time, None))
            elif (
                state is not None
                and open_since
                and (state in paused.until if paused.until else state not in paused.states)
            ):
                found[-1] = (open_since, event.time)
        return found

    def working(self, start: datetime, end: datetime) -> timedelta:
        zone, total, calendar = ZoneInfo(self.spec.time_zone), timedelta(), self.spec.calendar
        if self.spec.calendar_by is not None:
            chosen = self.picked(self.spec.calendar_by.attribute, self.spec.calendar_by.pick, lambda value: True)
            found = [one.calendar for one in self.spec.calendar_by.choices if chosen in one.values]
            calendar = found[0] if found else calendar
        spans: list[tuple[datetime, datetime]] = []
        day = start.astimezone(zone).date() - timedelta(days=2)
        while day <= end.astimezone(zone).date():
            spans += [
                (local(zone, day, hours.start_minute), local(zone, day, hours.end_minute))
                for hours in calendar.hours
                if hours.weekday == day.isoweekday() and day.isoformat() not in calendar.holidays
            ]
            day += timedelta(days=1)
        reached = start
        for opens, shuts in sorted(spans):
            total += max(min(end, shuts) - max(reached, opens), timedelta())
            reached = max(reached, shuts)
        return total

    def slice(self, names: Sequence[str]) -> tuple[tuple[str, str], ...] | None:
        pairs = []
        for name in names:
            dimension = next(d for d in self.spec.dimensions if d.name == name)
            unknown = frozenset(dimension.unknown_values)
            value = self.picked(dimension.attribute, dimension.pick, lambda value, out=unknown: value not in out)  # type: ignore[misc]
            if value is None:
                return None
            pairs.append((name, value))
        return tuple(pairs)


def local(zone: ZoneInfo, day: date, minute: int) -> datetime:
    day, minute = day + timedelta(days=minute // 1440), minute % 1440
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone).astimezone(UTC)


def window_start(zone: ZoneInfo, window: Window, time: datetime) -> int:
    here = time.astimezone(zone)
    match window:
        case Window.ALL:
            return 0
        case Window.HOUR:
            return us(time - timedelta(minutes=here.minute, seconds=here.second, microseconds=here.microsecond))
        case Window.DAY:
            return us(local(zone, here.date(), 0))
        case Window.WEEK:
            return us(local(zone, here.date() - timedelta(days=here.weekday()), 0))
        case Window.MONTH:
            return us(local(zone, here.date().replace(day=1), 0))
        case Window.QUARTER:
            return us(local(zone, here.date().replace(month=(here.month - 1) // 3 * 3 + 1, day=1), 0))
        case Window.YEAR:
            return us(local(zone, here.date().replace(month=1, day=1), 0))


def live(events: Sequence[Event]) -> list[Event]:
    named = {(e.source, name) for e in events for name in (e.supersedes, e.retracts) if name and name != e.id}
    return [event for event in events if (event.source, event.id) not in named and not event.retracts]


def reference_parts(system: IndicatorSystem, events: Sequence[Event]) -> Result:
    """Every window of every series by direct computation."""
    spec, zone = system.spec, ZoneInfo(system.spec.time_zone)
    values: dict[tuple[str, int], list[tuple[int, int, int] | None]] = {}
    spread: set[str] = set()
    for case_id in {event.case_id for event in events}:
        mine = live(
            [event for event in events if event.case_id == case_id and event.source in (spec.sources or [event.source])]
        )
        case = Reference(system, mine)
        for indicator in spec.indicators if mine else ():
            anchor, value = case.moment(spec.anchor(indicator)), case.observation(indicator)
            if anchor is None or (spec.waits_for_close(indicator) and case.moment(Closed()) is None):
                continue
            for window in indicator.windows:
                for sliced in (Slice(()), *indicator.slices):
                    pairs = case.slice(sliced.dimensions)
                    if pairs is not None:
                        series = series_key(system, indicator.name, window, pairs)
                        spread |= {series} if indicator.needs_histogram else set()
                        values.setdefault((series, window_start(zone, window, anchor)), []).append(value)
    results: Result = {}
    for key, every in values.items():
        v = [value for value in every if value is not None]
        histogram = tuple(sorted(Counter(total for _, total, _ in v).items())) if key[0] in spread else ()
        sums = tuple(sum(one[place] for one in v) for place in range(3))
        results[key] = (sums[0], sums[1], sums[2], histogram, len(every) - len(v))
    return results


def as_result(parts: Sequence[statistics.PartChange]) -> Result:
    return {
        (part.series, part.window.start_us): (
            part.stats.count,
            part.stats.total,
            part.stats.squares,
            ()
            if part.stats.histogram is None
            else tuple(zip(*(a.tolist() for a in part.stats.histogram), strict=True)),
            part.stats.unobserved,
        )
        for part in parts
    }


def as_page(events: Sequence[Event], position: int = 1) -> DecodedPage:
    return DecodedPage(as_table(events), 0, position)


ACTIVITIES = ["Created", "Started", "Waiting", "Resolved", "Reopened", "Closed", "Cancelled"]
START = datetime(2026, 3, 6, 20, tzinfo=UTC)
"""Two days before clocks go forward in New York."""

minutes = st.integers(0, 12 * 24 * 60)
attributes = st.fixed_dictionaries(
    {},
    optional={
        TRANSITION: st.sampled_from(["start", "start", "Complete", "COMPLETE", "suspend", "resume", "schedule"]),
        INSTANCE: st.sampled_from(["1", "2"]),
        "team": st.sampled_from(["red", "blue", "?"]),
        "channel": st.sampled_from(["mail", "phone,web"]),
        "sla": st.one_of(st.booleans(), st.just("no"), st.just("yes")),
        "csat": st.sampled_from([1.0, 2.5, 4.3, 5.0]),
        "cost": st.one_of(st.integers(-9, 9), st.just(12_345_678_901_234)),
        "due": minutes.map(lambda minute: START + timedelta(minutes=minute)),
    },
)


@st.composite
def log_rows(draw: Any, corrections: bool = False, sources: tuple[str, ...] = ("desk",)) -> list[dict[str, Any]]:
    """Rows of a log: ids are unique, times collide often."""
    size = draw(st.integers(1, 25))
    rows: list[Any] = []
    for number in range(size):
        row: dict[str, Any] = {
            "id": f"{draw(st.sampled_from(['e', 'event-']))}{number}",
            "case_id": draw(st.sampled_from(["A", "B", "Ce"])),
            "activity": draw(st.sampled_from(ACTIVITIES)),
            "time": START + timedelta(minutes=draw(minutes) // 60 * 60),
            "source": draw(st.sampled_from(sources)),
            "resource": draw(st.sampled_from([None, "ann", "bob"])),
            "attributes": draw(attributes),
        }
        if corrections and rows and draw(st.integers(0, 3)) == 0:
            target = draw(st.sampled_from(rows))
            row["case_id"], row["source"] = target["case_id"], target["source"]
            row[draw(st.sampled_from(["supersedes", "retracts"]))] = target["id"]
        rows.append(row)
    return rows


def one_kind(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows cut so that an attribute has one type in each piece, as in pages of ingest."""
    pieces: list[list[dict[str, Any]]] = []
    kinds: dict[str, type] = {}
    for row in rows:
        mine = {name: type(value) for name, value in row["attributes"].items()}
        if not pieces or any(kinds.get(name, kind) is not kind for name, kind in mine.items()):
            pieces.append([])
            kinds = {}
        kinds |= mine
        pieces[-1].append(row)
    return pieces


@pytest.fixture
def system() -> IndicatorSystem:
    return rich_system()


@pytest.fixture
def event() -> type[Event]:
    return Event


@pytest.fixture
def page() -> Callable[..., DecodedPage]:
    return as_page


@pytest.fixture
def table() -> Callable[..., pa.Table]:
    return as_table


@pytest.fixture
def result() -> Callable[..., Result]:
    return as_result


@pytest.fixture
def reference() -> Callable[..., Result]:
    return reference_parts


@pytest.fixture
def logs() -> Callable[..., Any]:
    return log_rows


@pytest.fixture
def pieces() -> Callable[[list[dict[str, Any]]], list[list[dict[str, Any]]]]:
    return one_kind
