"""Windows and working time in a time zone: exact across clock changes, for whole arrays of instants at once.

Instants are microseconds since 1970 UTC, local times microseconds since 1970 on the local clock, days count from 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.scoring.system.case_model import Calendar
from services.scoring.system.model import Window
from services.scoring.system.windows import ALL_TIME, WindowId

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
YEAR_US = 31_556_952 * SECOND_US
YEARS = (1900, 2200)
"""Clock changes are known between these years; before and after, the offset of the edge stands."""
WINDOWS_KNOWN_MAX = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR = 2**62

IntArray = NDArray[np.int64]


@lru_cache(maxsize=4096)
def _changes(zone: str, year: int) -> tuple[tuple[int, int], ...]:
    """Clock changes of one year (UTC): (second since 1970, new offset in seconds)."""
    clock = ZoneInfo(zone)
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
    marks = range(start, end + 1, 86_400)
    offsets = [_offset_s(clock, mark) for mark in marks]
    return tuple(
        _bisected(clock, marks[place], marks[place + 1])
        for place in range(len(marks) - 1)
        if offsets[place] != offsets[place + 1]
    )


def _offset_s(clock: ZoneInfo, second: int) -> int:
    offset = (EPOCH + timedelta(seconds=second)).astimezone(clock).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _bisected(clock: ZoneInfo, low: int, high: int) -> tuple[int, int]:
    before = _offset_s(clock, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_s(clock, middle) == before else (low, middle)
    return high, _offset_s(clock, high)


@dataclass(frozen=True)
class Segments:
    """Spans of constant offset. starts[0] is the beginning of time; day_floor: the latest local day reached before."""

    starts: IntArray
    offsets: IntArray
    local_ends: IntArray
    day_floor: IntArray


@lru_cache(maxsize=256)
def _segments(zone: str, first_year: int, last_year: int) -> Segments:
    changes = [change for year in range(first_year, last_year + 1) for change in _changes(zone, year)]
    first = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
    starts = np.array([-FAR] + [second * SECOND_US for second, _ in changes], dtype=np.int64)
    offsets = (
        np.array([_offset_s(ZoneInfo(zone), first)] + [offset for _, offset in changes], dtype=np.int64) * SECOND_US
    )
    ends = np.append(starts[1:], FAR) + offsets
    reached = np.maximum.accumulate((ends[:-1] - 1) // DAY_US)
    day_floor = np.concatenate([np.array([-FAR], dtype=np.int64), reached])
    return Segments(starts, offsets, np.maximum.accumulate(ends), day_floor)


def _years(us: IntArray) -> tuple[int, int]:
    """The years that cover these instants, rounded to decades so that few tables are made."""
    if not us.size:
        return 1970, 1979
    # Mean years: off by days at most, and there is a year to spare.
    low, high = (1970 + int(edge) // YEAR_US for edge in (us.min(), us.max()))
    first, last = (min(max(year, YEARS[0]), YEARS[1]) for year in (low - 1, high + 1))
    return max(YEARS[0], first // 10 * 10), min(YEARS[1], last // 10 * 10 + 9)


@dataclass(frozen=True)
class Zone:
    """The local clock of a time zone."""

    name: str

    def segments(self, us: IntArray) -> Segments:
        return _segments(self.name, *_years(us))

    def days(self, us: IntArray) -> IntArray:
        """The local day of each instant. Where the clock goes back over midnight, the day that has begun goes on."""
        segments = self.segments(us)
        if len(segments.starts) == 1:
            return np.asarray((us + segments.offsets[0]) // DAY_US)
        place = np.searchsorted(segments.starts, us, side="right") - 1
        return np.asarray(np.maximum((us + segments.offsets[place]) // DAY_US, segments.day_floor[place]))

    def instants(self, local_us: IntArray) -> IntArray:
        """The first instant at which the local clock shows this time or a later one."""
        segments = self.segments(local_us)
        place = np.searchsorted(segments.local_ends, local_us, side="right")
        place = np.minimum(place, len(segments.starts) - 1)
        return np.asarray(np.maximum(segments.starts[place], local_us - segments.offsets[place]))

    def clock_positions(self, us: IntArray) -> IntArray:
        """Where instants lie on an axis of the local clock: what it shows, as microseconds since 1970 on that clock.

        An hour that comes twice has room for once, so both times share it, in order: positions never run backwards.
        """
        segments = self.segments(us)
        place = np.searchsorted(segments.starts, us, side="right") - 1
        clock = us + segments.offsets[place]
        for at in range(1, len(segments.starts)):
            change, back = segments.starts[at], segments.offsets[at - 1] - segments.offsets[at]
            twice = (us >= change - back) & (us < change + back)
            if back > 0 and twice.any():
                begins = change - back
                clock = np.where(twice, begins + segments.offsets[at - 1] + (us - begins) // 2, clock)
        return np.asarray(clock)

    def day_starts(self, days: IntArray) -> IntArray:
        return self.instants(days * DAY_US)

    def hours(self, us: IntArray) -> tuple[IntArray, IntArray]:
        """Start and end of the local hour around each instant; an hour is also cut where the clock changes."""
        segments = self.segments(us)
        place = np.searchsorted(segments.starts, us, side="right") - 1
        start = us - (us + segments.offsets[place]) % HOUR_US
        following = np.append(segments.starts[1:], FAR)
        return np.maximum(start, segments.starts[place]), np.minimum(start + HOUR_US, following[place])


def window_numbers(zone: Zone, window: Window, us: IntArray, days: IntArray) -> IntArray:
    """Which window each instant lies in, as a number that grows with time. days: `zone.days(us)`.

    Days and what is longer are counted from 1970; an hour's number is its first instant; all time is number 0.
    """
    match window:
        case Window.HOUR:
            return zone.hours(us)[0]
        case Window.DAY:
            return days
        case Window.WEEK:
            return (days + 3) // 7
        case Window.MONTH:
            return days.astype("M8[D]").astype("M8[M]").astype(np.int64)
        case Window.QUARTER:
            return days.astype("M8[D]").astype("M8[M]").astype(np.int64) // 3
        case Window.YEAR:
            return days.astype("M8[D]").astype("M8[Y]").astype(np.int64)
        case Window.ALL:
            return np.zeros(len(us), dtype=np.int64)


def window_bounds(zone: Zone, window: Window, numbers: IntArray) -> tuple[IntArray, IntArray]:
    """First instant of each window, and of the next."""
    match window:
        case Window.HOUR:
            return zone.hours(numbers)
        case Window.DAY:
            return zone.day_starts(numbers), zone.day_starts(numbers + 1)
        case Window.WEEK:
            return zone.day_starts(numbers * 7 - 3), zone.day_starts(numbers * 7 + 4)
        case Window.MONTH:
            return zone.day_starts(_month_days(numbers)), zone.day_starts(_month_days(numbers + 1))
        case Window.QUARTER | Window.YEAR:
            months = 3 if window is Window.QUARTER else 12
            return zone.day_starts(_month_days(numbers * months)), zone.day_starts(_month_days((numbers + 1) * months))
        case Window.ALL:
            return np.full(len(numbers), ALL_TIME.start_us), np.full(len(numbers), ALL_TIME.end_us)


def windows_after(zone: Zone, window: Window, start_us: int, count: int) -> list[WindowId]:
    """The next windows from a boundary on, in order."""
    if window is Window.HOUR:
        # An hour is cut where the clock changes, by a quarter of an hour at the finest.
        numbers = start_us + np.arange(4 * count, dtype=np.int64) * (HOUR_US // 4)
    else:
        at = np.array([start_us], dtype=np.int64)
        # A day that a zone leaves out is no window.
        numbers = window_numbers(zone, window, at, zone.days(at)) + np.arange(count + 2, dtype=np.int64)
    starts, ends = window_bounds(zone, window, numbers)
    found = dict.fromkeys(zip(starts.tolist(), ends.tolist(), strict=True))
    return [WindowId(start, end) for start, end in found if start_us <= start < end][:count]


def window_around(zone: Zone, window: Window, at_us: int) -> WindowId:
    """The window that holds an instant."""
    at = np.array([at_us], dtype=np.int64)
    starts, ends = window_bounds(zone, window, window_numbers(zone, window, at, zone.days(at)))
    return WindowId(int(starts[0]), int(ends[0]))


def _month_days(months: IntArray) -> IntArray:
    return months.astype("M8[M]").astype("M8[D]").astype(np.int64)


@dataclass
class WindowIds:
    """The windows that were met last, by number, so that each is rarely made twice."""

    zone: Zone
    known: dict[tuple[Window, int], WindowId] = field(default_factory=dict)

    def of(self, window: Window, numbers: list[int]) -> list[WindowId]:
        if len(self.known) > WINDOWS_KNOWN_MAX:
            self.known.clear()
        missing = {number for number in numbers if (window, number) not in self.known}
        if missing:
            starts, ends = window_bounds(self.zone, window, np.array(sorted(missing), dtype=np.int64))
            for number, start, end in zip(sorted(missing), starts.tolist(), ends.tolist(), strict=True):
                self.known[window, number] = WindowId(start, end)
        return [self.known[window, number] for number in numbers]


@dataclass(frozen=True)
class WorkingSpans:
    """Disjoint spans of working time in ascending order; `before`: working microseconds before each span."""

    starts: IntArray
    ends: IntArray
    before: IntArray

    def elapsed(self, us: IntArray) -> IntArray:
        """Working microseconds from the first span up to each instant."""
        place = np.searchsorted(self.starts, us, side="right") - 1
        inside = np.minimum(us, self.ends[place]) - self.starts[place]
        return np.where(place < 0, 0, self.before[place] + inside)

    def reached(self, worked_us: IntArray) -> IntArray:
        """The first instant with so many working microseconds since the first span; FAR: the spans do not have them."""
        place = np.maximum(np.searchsorted(self.before, worked_us, side="left") - 1, 0)
        at = self.starts[place] + np.maximum(worked_us - self.before[place], 0)
        return np.where(at > self.ends[place], FAR, at)


@lru_cache(maxsize=64)
def _working_spans(calendar: Calendar, zone: Zone, first_day: int, last_day: int) -> WorkingSpans:
    days = np.arange(first_day, last_day + 1, dtype=np.int64)
    holidays = np.array(
        [(date.fromisoformat(text) - date(1970, 1, 1)).days for text in calendar.holidays], dtype=np.int64
    )
    days = days[~np.isin(days, holidays)]
    pieces = [_spans_of_weekday(calendar, zone, days, weekday) for weekday in range(1, 8)]
    starts = np.concatenate([piece[0] for piece in pieces])
    ends = np.concatenate([piece[1] for piece in pieces])
    order = np.argsort(starts, kind="stable")
    starts, ends = _joined(starts[order], ends[order])
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(ends - starts)[:-1]])
    return WorkingSpans(starts, ends, before)


def _joined(starts: IntArray, ends: IntArray) -> tuple[IntArray, IntArray]:
    """Spans in the order of their starts, those that overlap as one: a shift over midnight and one of the next day."""
    if not starts.size:
        return starts, ends
    firsts = np.flatnonzero(np.append(True, starts[1:] > np.maximum.accumulate(ends)[:-1]))
    return starts[firsts], np.maximum.reduceat(ends, firsts)


def _spans_of_weekday(calendar: Calendar, zone: Zone, days: IntArray, weekday: int) -> tuple[IntArray, IntArray]:
    local = days[(days + 3) % 7 + 1 == weekday] * DAY_US
    starts = [zone.instants(local + start * MINUTE_US) for start, _ in working_minutes(calendar, weekday)]
    ends = [zone.instants(local + end * MINUTE_US) for _, end in working_minutes(calendar, weekday)]
    nothing = np.zeros(0, dtype=np.int64)
    return np.concatenate([nothing, *starts]), np.concatenate([nothing, *ends])


def working_minutes(calendar: Calendar, weekday: int) -> list[tuple[int, int]]:
    """Working spans of a weekday in local minutes, overlaps joined. A calendar without hours works around the clock."""
    if not calendar.hours:
        return [(0, 1440)]
    joined: list[tuple[int, int]] = []
    for start, end in sorted((h.start_minute, h.end_minute) for h in calendar.hours if h.weekday == weekday):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def working_us(calendar: Calendar, zone: Zone, start_us: IntArray, end_us: IntArray) -> IntArray:
    """Working microseconds between pairs of instants, start <= end; two binary searches a pair.

    A span across a clock change counts the time that really passed.
    """
    if not start_us.size:
        return np.zeros(0, dtype=np.int64)
    years = _years(np.concatenate([start_us, end_us]))
    edges = np.array([f"{years[0]}-01-01", f"{years[1]}-12-31"], dtype="M8[D]").astype(np.int64)
    spans = _working_spans(calendar, zone, int(edges[0]) - 1, int(edges[1]) + 1)
    if not len(spans.starts):
        return np.zeros(len(start_us), dtype=np.int64)
    return spans.elapsed(end_us) - spans.elapsed(start_us)


def working_moments(calendar: Calendar, zone: Zone, start_us: IntArray, worked_us: IntArray) -> IntArray:
    """The first instants at which so much working time lies between them and the starts; FAR: none before 2200.

    worked_us: microseconds, negative for instants before the starts. The inverse of `working_us`.
    """
    if not start_us.size:
        return np.zeros(0, dtype=np.int64)
    weekly = sum(end - start for day in range(1, 8) for start, end in working_minutes(calendar, day)) * MINUTE_US
    found = np.full(len(start_us), FAR, dtype=np.int64)
    if not weekly:
        return found
    # Holidays stretch it, which a year more allows for; where they do not leave enough, the last year is tried.
    reach = min((int(np.abs(worked_us).max()) // weekly + 1) * 7 * DAY_US + YEAR_US, FAR // 2)
    first, last = int(start_us.min()) - reach, int(start_us.max()) + reach
    for edge in (last, FAR):
        years = _years(np.array([first, edge], dtype=np.int64))
        days = np.array([f"{years[0]}-01-01", f"{years[1]}-12-31"], dtype="M8[D]").astype(np.int64)
        spans = _working_spans(calendar, zone, int(days[0]) - 1, int(days[1]) + 1)
        if len(spans.starts):
            found = spans.reached(spans.elapsed(start_us) + worked_us)
        if (found < FAR).all():
            break
    return found
