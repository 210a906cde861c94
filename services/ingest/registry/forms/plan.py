"""What a form's sampling plan asks for: drawn from the plan alone, and compared with what was observed.

Theory of operation. A candidate is a unit in a shift of a day. Its hash is SHA-256 of
"<seed>|<form id>|<day>|<shift>|<unit>", and of each stratum of a period those with the smallest hashes are planned: a
simple random sample without replacement that needs no state, no random number generator and no library, so it is the
same on every machine and in every release. A period is always drawn as a whole, whatever part of it is asked for.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from heapq import nsmallest
from itertools import islice
from operator import attrgetter
from zoneinfo import ZoneInfo

from services.ingest.model import SECOND_US, SourceId
from services.ingest.registry.forms.model import PlannedState, PlanPeriod, PlanShift, PlanStratum, SamplingPlan

PLANNED_MAX = 5_000
CANDIDATES_MAX = 500_000
_WHOLE_DAY = PlanShift("", 0, 0)
_HASH_SPAN = 1 << 64
# A period that begins before the last days of the calendar ends in it.
_ROOM_DAYS = 62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PlanTooLarge(Exception):
    """The interval has more to draw from, or more that is planned, than one answer takes."""


@dataclass(frozen=True)
class Planned:
    """An observation in [start_us, end_us) of the unit is the one that is planned, for about `time_us`."""

    id: str
    unit: str
    shift: str
    time_us: int
    start_us: int
    end_us: int
    state: PlannedState = PlannedState.OPEN
    observation: str = ""


@dataclass(frozen=True)
class Seen:
    """An observation, as far as a plan looks at it."""

    observation_id: str
    time_us: int
    object: str
    place: str


def planned(form: SourceId, plan: SamplingPlan, start_us: int, end_us: int) -> list[Planned]:
    """Those whose shift begins in [start_us, end_us), by time. Raises PlanTooLarge."""
    zone = ZoneInfo(plan.time_zone)
    first, last = max(plan.first_day, _day_of(start_us, zone)), _day_of(end_us, zone)
    if plan.last_day is not None:
        last = min(plan.last_day, last)
    shifts = plan.shifts or (_WHOLE_DAY,)
    drawn_from = 0
    found: list[Planned] = []
    for begin, end in _periods(plan, first, last):
        drawn_from += (end - begin) * len(shifts) * len(plan.units)
        if drawn_from > CANDIDATES_MAX:
            raise PlanTooLarge
        drawn = _drawn(form, plan, shifts, begin, end, zone)
        found += [one for one in drawn if start_us <= one.start_us < end_us]
        if len(found) > PLANNED_MAX:
            raise PlanTooLarge
    return sorted(found, key=lambda one: (one.time_us, one.id))


def _periods(plan: SamplingPlan, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The days [begin, end) of each period that the days first to last touch, cut to those of the plan."""
    day = first
    while day <= last:
        begin, end = _period_of(plan.period, day)
        closing = end if plan.last_day is None else min(end, plan.last_day + 1)
        yield max(begin, plan.first_day), closing
        day = end


def _period_of(period: PlanPeriod, day: int) -> tuple[int, int]:
    when = date.fromordinal(day)
    match period:
        case PlanPeriod.DAY:
            return day, day + 1
        case PlanPeriod.WEEK:
            return day - when.weekday(), day - when.weekday() + 7
        case PlanPeriod.MONTH:
            begin = when.replace(day=1)
            return begin.toordinal(), (begin + timedelta(days=31)).replace(day=1).toordinal()


def _drawn(
    form: SourceId, plan: SamplingPlan, shifts: Sequence[PlanShift], begin: int, end: int, zone: ZoneInfo
) -> Iterator[Planned]:
    """The planned ones of the days [begin, end), which are a period."""
    strata: dict[str, list[tuple[bytes, int, PlanShift, str]]] = {}
    for day in range(begin, end):
        written = date.fromordinal(day).isoformat()
        for shift in shifts:
            head = f"{plan.seed}|{form}|{written}|{shift.name}|"
            for unit in plan.units:
                name = {PlanStratum.PERIOD: "", PlanStratum.SHIFT: shift.name, PlanStratum.UNIT: unit}[plan.stratum]
                one = (sha256((head + unit).encode()).digest(), day, shift, unit)
                strata.setdefault(name, []).append(one)
    for members in strata.values():
        # Nobody finds two candidates of one hash.
        for digest, day, shift, unit in nsmallest(plan.count, members, key=lambda one: one[0]):
            start_us, end_us = _span(day, shift, zone)
            share = int.from_bytes(digest[8:16], "big") * (end_us - start_us) // _HASH_SPAN
            # To the minute: an observer reads it off a list.
            time_us = start_us + share // (60 * SECOND_US) * (60 * SECOND_US)
            yield Planned(digest[:8].hex(), unit, shift.name, time_us, start_us, end_us)


def _span(day: int, shift: PlanShift, zone: ZoneInfo) -> tuple[int, int]:
    ends_on = day if shift.end_min > shift.start_min else day + 1
    return _us_of(day, shift.start_min, zone), _us_of(ends_on, shift.end_min, zone)


def _us_of(day: int, minute: int, zone: ZoneInfo) -> int:
    midnight = datetime.combine(date.fromordinal(day), datetime.min.time())
    return int((midnight + timedelta(minutes=minute)).replace(tzinfo=zone).timestamp()) * SECOND_US


def _day_of(us: int, zone: ZoneInfo) -> int:
    """The days of years that no calendar has are the first or the last that one has."""
    try:
        return (_EPOCH + timedelta(microseconds=us)).astimezone(zone).date().toordinal()
    except OverflowError:
        return date.min.toordinal() if us < 0 else date.max.toordinal() - _ROOM_DAYS


def compared(plan: Sequence[Planned], seen: Sequence[Seen], now_us: int) -> list[Planned]:
    """What became of each: the earliest observation of its unit in its shift, each observation for one of them."""
    by_unit: dict[str, list[Seen]] = {}
    for one in sorted(seen, key=_order):
        for name in {one.object, one.place} - {""}:
            by_unit.setdefault(name, []).append(one)
    used: set[str] = set()
    return [_compared(one, by_unit.get(one.unit, []), used, now_us) for one in plan]


_order = attrgetter("time_us", "observation_id")


def _compared(one: Planned, seen: list[Seen], used: set[str], now_us: int) -> Planned:
    for each in islice(seen, bisect_left(seen, (one.start_us, ""), key=_order), None):
        if each.time_us >= one.end_us:
            break
        if each.observation_id not in used:
            used.add(each.observation_id)
            return replace(one, state=PlannedState.DONE, observation=each.observation_id)
    return replace(one, state=PlannedState.MISSED if one.end_us <= now_us else PlannedState.OPEN)
