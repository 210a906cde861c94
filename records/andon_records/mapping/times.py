"""Times read from whole columns of text, as UTC; what does not exist is never turned into something that does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from andon_records.mapping.time_formats import EPOCHS, EXCEL, ISO, TimeFormat, day_and_month_swapped, time_format
from andon_records.mapping.time_zones import is_region, offset_min
from andon_records.messages import Message, message

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

UTC_MICROSECONDS = pa.timestamp("us", "UTC")
DAY_US = 86_400_000_000
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_OF = {
    **{name: number for number, name in enumerate(_MONTH_NAMES, 1)},
    **{name: number for number, name in enumerate(_MONTHS, 1)},
    **{"sept": 9, "januar": 1, "februar": 2, "märz": 3, "mär": 3, "mrz": 3, "mai": 5, "juni": 6, "juli": 7},
    **{"oktober": 10, "okt": 10, "dezember": 12, "dez": 12},
}
_DAYS_BEFORE = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_DAYS_IN = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
# No-break, thin and wide spaces, as spreadsheets and web pages write them.
_SPACES = "\u00a0\u2007\u2009\u202f\u3000"
# Of the years 1 to 9999.
EARLIEST_US, LATEST_US = -62_135_596_800_000_000, 253_402_300_800_000_000
# 1980 to 2100, in which a bare number is taken for a count since a day. By no two units of epochs a count lies in it.
_RECORDS_US = (315_532_800_000_000, 4_102_444_800_000_000)
_LONG_YEAR = re.compile(r"[+-]?[0-9]{5,}-[0-9]{1,2}-[0-9]{1,2}(?:\D|$)")


class Outcome(IntEnum):
    """What became of a text, the most telling last."""

    READ = 0
    NO_FORMAT = 1
    IMPOSSIBLE = 2
    ZONE_UNKNOWN = 3
    SKIPPED = 4


@dataclass(frozen=True)
class Times:
    """times: microseconds, UTC, null where a text is none.

    outcomes: an Outcome per text. folded: local times that come twice, of which the first was taken.
    swappable: dates such as 3/4/2026, whose day and month would make another date the other way round.
    telling: dates such as 25/4/2026, which can be read in one way only.
    """

    times: pa.Array
    outcomes: NDArray[np.uint8]
    folded: Bool
    swappable: Bool
    telling: Bool


def read_times(texts: pa.Array, formats: Sequence[TimeFormat], zone: str) -> Times:
    """The first format that fits wins; times without an offset are local times of `zone`.

    Cost: O(distinct texts), in columns.
    """
    coded = pc.dictionary_encode(texts)
    distinct = coded.dictionary
    if not pc.all(pc.string_is_ascii(distinct), skip_nulls=True).as_py():
        distinct = pc.replace_substring_regex(distinct, f"[{_SPACES}]", " ")
    read = _read_distinct(distinct, formats, zone)
    indices = coded.indices
    where = np.asarray(indices.fill_null(0))
    if len(coded.dictionary) == 0:
        nothing, none = pa.nulls(len(texts), UTC_MICROSECONDS), np.zeros(len(texts), np.bool_)
        return Times(nothing, np.zeros(len(texts), np.uint8), none, none, none)
    given = np.asarray(indices.is_valid())
    folded, swappable, telling = (mask[where] & given for mask in (read.folded, read.swappable, read.telling))
    return Times(pc.take(read.times, indices), read.outcomes[where] * given, folded, swappable, telling)


def _read_distinct(texts: pa.Array, formats: Sequence[TimeFormat], zone: str) -> Times:
    count = len(texts)
    utc, outcomes = np.zeros(count, np.int64), np.full(count, Outcome.NO_FORMAT, np.uint8)
    folded, swappable, telling = (np.zeros(count, np.bool_) for _ in range(3))
    for one, place in ((format, place) for format in formats for place in range(len(format.patterns))):
        left = np.flatnonzero(outcomes != Outcome.READ)
        if len(left) == 0:
            break
        rest = texts if len(left) == count else texts.take(pa.array(left))
        found = pc.extract_regex(rest, one.patterns[place])
        matched = np.asarray(found.is_valid())
        if not matched.any():
            continue
        here = left[matched]
        parts = _Parts(found.drop_null() if not matched.all() else found, one.groups[place], one.written == ISO)
        instants, state, twice = _instants(parts, one, zone)
        better = (state == Outcome.READ) | (state > outcomes[here])
        outcomes[here] = np.where(better, state, outcomes[here])
        read = state == Outcome.READ
        utc[here[read]], folded[here[read]] = instants[read], twice[read]
        if day_and_month_swapped(one) is not None:
            day, month = parts.number("d", 0)[read], parts.number("m", 0)[read]
            swappable[here[read]] = (day <= 12) & (day != month)
            telling[here[read]] = day > 12
    times = pa.array(utc, mask=outcomes != Outcome.READ).cast(UTC_MICROSECONDS)
    return Times(times, outcomes, folded, swappable, telling)


class _Parts:
    """The parts that a format found, as numbers; what it has not, or an optional part that is empty, has a default."""

    def __init__(self, found: pa.StructArray, groups: Sequence[str], optional: bool) -> None:
        self._optional = optional
        self._texts = {name: found.field(place) for place, name in enumerate(groups)}
        self.count = len(found)

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    def number(self, name: str, default: int) -> Int:
        if name not in self._texts:
            return np.full(self.count, default, np.int64)
        texts = self._texts[name]
        filled = pc.if_else(pc.equal(texts, ""), str(default), texts) if self._optional else texts
        return np.asarray(pc.cast(filled, pa.int64()))

    def given(self, name: str) -> Bool:
        return np.asarray(pc.not_equal(self._texts[name], "")) if name in self else np.zeros(self.count, np.bool_)

    def texts(self, name: str) -> pa.Array:
        return self._texts[name]

    def fraction(self) -> NDArray[np.float64]:
        """The digits after the mark as a part of the unit before it."""
        digits = pc.binary_join_element_wise("0.", self._texts["f"], "0", "")
        return np.asarray(pc.cast(digits, pa.float64()))

    def fraction_us(self) -> Int:
        """The same of a second, in whole microseconds: what is finer is cut off."""
        digits = pc.utf8_slice_codeunits(pc.binary_join_element_wise(self._texts["f"], "000000", ""), 0, 6)
        return np.asarray(pc.cast(digits, pa.int64()))


def _instants(parts: _Parts, format: TimeFormat, zone: str) -> tuple[Int, NDArray[np.uint8], Bool]:
    if format.epoch is not None:
        utc, possible = _since_epoch(parts, format.epoch)
        outcomes = np.where(possible, Outcome.READ, Outcome.NO_FORMAT).astype(np.uint8)
        return utc, outcomes, np.zeros(parts.count, np.bool_)
    if format.written == EXCEL:
        local, possible = _spreadsheet_days(parts)
        utc, outcomes, folded = _to_utc(parts, local, zone, dated=~parts.given("f"))
        outcomes[~possible] = Outcome.NO_FORMAT
        return utc, outcomes, folded
    days, possible = _days(parts)
    of_day, leap, within = _of_day(parts)
    local = days * DAY_US + of_day
    # A date alone is its first instant, also where the clocks show no midnight, or two.
    utc, outcomes, folded = _to_utc(parts, local, zone, dated=~(parts.given("H") | parts.given("I")))
    # A second 60 is one that was inserted: before midnight UTC at the end of June or December.
    months = utc.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    at_start = utc == months.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    possible &= within & (~leap | (at_start & (months % 6 == 0)))
    outcomes[~possible] = Outcome.IMPOSSIBLE
    return utc, outcomes, folded


def _since_epoch(parts: _Parts, unit: tuple[int, int]) -> tuple[Int, Bool]:
    numerator, denominator = unit
    whole = parts.number("w", 0)
    possible = (whole >= EARLIEST_US * denominator // numerator) & (whole < LATEST_US // numerator * denominator)
    whole = np.where(possible, whole, 0)
    part_us = (parts.fraction() * numerator / denominator + 1e-7).astype(np.int64)
    negative = np.asarray(pc.starts_with(parts.texts("w"), "-"))
    utc = whole * numerator // denominator + np.where(negative, -part_us, part_us)
    # A count of seconds among milliseconds is not a time in January 1970.
    other_unit = np.zeros(parts.count, np.bool_)
    for numerator, denominator in EPOCHS.values():
        earliest, latest = (bound * denominator // numerator for bound in _RECORDS_US)
        other_unit |= (whole >= earliest) & (whole < latest)
    of_records = (utc >= _RECORDS_US[0]) & (utc < _RECORDS_US[1])
    return utc, possible & (of_records | ~other_unit)


def _spreadsheet_days(parts: _Parts) -> tuple[Int, Bool]:
    """Local microseconds, to the millisecond: a day's fraction in a double of 15 digits tells no more.

    Before March 1900 spreadsheets differ by a day, as some have a 29 February then.
    """
    whole = parts.number("w", 0)
    possible = (whole > 60) & (whole < 2_958_466)
    days = np.where(possible, whole, 61) - 25_569
    return days * DAY_US + np.rint(parts.fraction() * (DAY_US / 1_000)).astype(np.int64) * 1_000, possible


def _days(parts: _Parts) -> tuple[Int, Bool]:
    """Days since 1970-01-01, and whether the day exists."""
    if "G" in parts:
        return _week_days(parts)
    year = parts.number("Y", 1970) if "Y" in parts else _century(parts.number("y", 70))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    if "j" in parts:
        ordinal = parts.number("j", 1)
        return _new_year(year) + ordinal - 1, (year >= 1) & (ordinal >= 1) & (ordinal <= 365 + leap)
    month, day = _month(parts), parts.number("d", 1)
    exists = (year >= 1) & (month >= 1) & (month <= 12)
    month = np.where(exists, month, 1)
    exists &= (day >= 1) & (day <= _DAYS_IN[month] + (leap & (month == 2)))
    return _new_year(year) + _DAYS_BEFORE[month] + (leap & (month > 2)) + day - 1, exists


def _century(two_digits: Int) -> Int:
    """As POSIX has it: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068."""
    return two_digits + np.where(two_digits >= 69, 1900, 2000)


def _new_year(year: Int) -> Int:
    before = year - 1
    return 365 * before + before // 4 - before // 100 + before // 400 - 719_162


def _week_days(parts: _Parts) -> tuple[Int, Bool]:
    """ISO weeks: week 1 holds the year's first Thursday."""
    year, week, weekday = parts.number("G", 1970), parts.number("V", 1), parts.number("u", 1)

    def first_monday(of: Int) -> Int:
        fourth = _new_year(of) + 3
        return fourth - (fourth + 3) % 7

    start = first_monday(year)
    days = start + 7 * (week - 1) + weekday - 1
    return days, (year >= 1) & (week >= 1) & (start + 7 * (week - 1) < first_monday(year + 1))


def _month(parts: _Parts) -> Int:
    if "b" not in parts:
        return parts.number("m", 1)
    names = pc.utf8_lower(parts.texts("b"))
    coded = pc.dictionary_encode(names)
    numbers = np.array([_MONTH_OF.get(name, 0) for name in coded.dictionary.to_pylist()], np.int64)
    return np.take(numbers, np.asarray(coded.indices))


def _of_day(parts: _Parts) -> tuple[Int, Bool, Bool]:
    """Microseconds since midnight, whether the second is a 60th, and whether the clock can show it."""
    hour, minute, second = _hour(parts), parts.number("M", 0), parts.number("S", 0)
    of_day = (hour * 3600 + minute * 60 + second) * 1_000_000
    if "f" in parts:
        by_second = np.ones(parts.count, np.bool_) if "S" not in parts else parts.given("S")
        of_day = of_day + np.where(by_second, parts.fraction_us(), 0)
        rough = ~by_second & parts.given("f")
        if rough.any():
            unit_us = np.where(parts.given("M"), 60_000_000, 3_600_000_000)
            of_day = of_day + np.where(rough, np.rint(parts.fraction() * unit_us), 0).astype(np.int64)
    within = (hour >= 0) & (minute <= 59) & (second <= 60) & ((hour <= 23) | (of_day == DAY_US))
    return of_day, second == 60, within


def _hour(parts: _Parts) -> Int:
    if "I" not in parts:
        return parts.number("H", 0)
    twelve = parts.number("I", 12)
    if "p" not in parts:
        return np.where((twelve >= 1) & (twelve <= 12), twelve, -1)
    afternoon = np.asarray(pc.match_substring_regex(parts.texts("p"), "^(?:[Pp]|下午)"))
    return np.where((twelve >= 1) & (twelve <= 12), twelve % 12 + 12 * afternoon, -1)


def _to_utc(parts: _Parts, local: Int, zone: str, dated: Bool) -> tuple[Int, NDArray[np.uint8], Bool]:
    """By the offset that is written, else by the zone that is, else by `zone`."""
    outcomes, folded = np.zeros(parts.count, np.uint8), np.zeros(parts.count, np.bool_)
    utc = local.copy()
    by_offset = parts.given("z")
    by_name = parts.given("Z") & ~by_offset
    for mask, group in ((by_offset, "z"), (by_name, "Z")):
        if mask.any():
            names = pc.if_else(pa.array(mask), parts.texts(group), None)
            coded = pc.dictionary_encode(names)
            codes = np.asarray(coded.indices.fill_null(-1))
            for code, name in enumerate(coded.dictionary.to_pylist()):
                _shift(name, codes == code, local, dated, utc, outcomes, folded)
    rest = ~(by_offset | by_name)
    if rest.any():
        _shift(zone, rest, local, dated, utc, outcomes, folded)
    return utc, outcomes, folded


def _shift(zone: str, rows: Bool, local: Int, dated: Bool, utc: Int, outcomes: NDArray[np.uint8], folded: Bool) -> None:
    minutes = offset_min(zone)
    if minutes is not None:
        utc[rows] = local[rows] - minutes * 60_000_000
    elif is_region(zone):
        utc[rows], skipped, folded[rows] = _of_region(local[rows], dated[rows], zone)
        outcomes[rows] = np.where(skipped, Outcome.SKIPPED, Outcome.READ)
    else:
        outcomes[rows] = Outcome.ZONE_UNKNOWN


def _of_region(local: Int, dated: Bool, zone: str) -> tuple[Int, Bool, Bool]:
    """UTC, and which local times the clocks skip and which they show twice (the first is taken).

    dated: midnights that mean their day; where the clocks skip midnight, the day's first instant is taken.
    """
    naive = pa.array(local).cast(pa.timestamp("us"))

    def assumed(ambiguous: str, nonexistent: str) -> Int:
        zoned = pc.assume_timezone(naive, zone, ambiguous=ambiguous, nonexistent=nonexistent)
        utc: Int = np.asarray(zoned.cast(pa.int64()))
        return utc

    first = assumed("earliest", "earliest")
    last = assumed("latest", "latest")
    if np.array_equal(first, last):
        nothing = np.zeros(len(local), np.bool_)
        return first, nothing, nothing
    after = assumed("earliest", "latest")
    skipped = first != after
    late = skipped & dated
    if late.any():
        shown = pc.local_timestamp(pa.array(after[late]).cast(UTC_MICROSECONDS).cast(pa.timestamp("us", zone)))
        # A whole day can be missing, where a country changed its side of the date line.
        late[late] = np.asarray(shown.cast(pa.int64())) // DAY_US == local[late] // DAY_US
    return np.where(late, after, first), skipped & ~late, (first != last) & ~skipped & ~dated


def unread(
    text: str | None, formats: Sequence[TimeFormat], zone: str, sample: Sequence[str] = (), mixed: bool = False
) -> Message:
    """Why a text is no time, and what to write instead: what fits its column's `sample` too, else what fits it.

    mixed: the formats read other texts of the column, and must not be lost for the one that is missing.
    """
    if text is None:
        return message("time_absent")
    (outcome,) = read_times(pa.array([text]), formats, zone).outcomes
    if outcome == Outcome.SKIPPED:
        return message("time_skipped", text=f'"{text}"', zone=zone)
    if outcome == Outcome.ZONE_UNKNOWN:
        return message("time_zone_unknown", text=f'"{text}"')
    known = tuple(formats) if mixed else ()
    hint = _hint(tuple(dict.fromkeys((*sample, text))), zone, known)
    if sample and hint.key == "no_hint":
        hint = _hint((text,), zone, known)
    if outcome == Outcome.IMPOSSIBLE:
        return message("time_impossible", text=f'"{text}"', hint=hint)
    if hint.key == "no_hint":
        hint = message("time_hint_year" if _LONG_YEAR.match(text) else "time_hint_pattern")
    return message("time_no_format", text=f'"{text}"', formats=named(formats), hint=hint)


def swapped_formats(texts: pa.Array, formats: Sequence[TimeFormat], zone: str) -> list[TimeFormat]:
    """The formats with day and month the other way round, where so they read every text and as they are they do not."""
    distinct = pc.unique(texts).drop_null()
    if not read_times(distinct, formats, zone).times.null_count:
        return []
    swapped = [day_and_month_swapped(one) or one for one in formats]
    outcomes = read_times(distinct, swapped, zone).outcomes
    return swapped if swapped != list(formats) and (outcomes == Outcome.READ).all() else []


def named(formats: Sequence[TimeFormat]) -> str:
    """Formats as a message names them."""
    return ", ".join("ISO 8601" if one.written == ISO else f'"{one.written}"' for one in formats)


@lru_cache(maxsize=64)
def _hint(texts: tuple[str, ...], zone: str, known: tuple[TimeFormat, ...]) -> Message:
    """Formats for the texts, after those of the `known` that leave one meaning to each date."""
    fitting = formats_that_fit(dict.fromkeys(texts), zone)
    month_first = [one for one in fitting if one.startswith("%m")]
    day_first = [one for one in fitting if one.startswith("%d")]

    def with_known(format: str) -> str:
        swapped = day_and_month_swapped(time_format(format))
        names = [one.written for one in known if one != swapped]
        return ", ".join(_quoted(name) for name in (*names, format))

    if month_first and day_first:
        return message("time_hint_or", formats=with_known(day_first[0]), others=with_known(month_first[0]))
    return message("time_hint", formats=with_known(fitting[0])) if fitting else message("no_hint")


def _quoted(format: str) -> str:
    return format if format.isidentifier() else f'"{format}"'


_DATES = (
    *("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y"),
    *("%a, %d %b %Y", "%Y年%m月%d日"),
)
COUNTS = (*EPOCHS, EXCEL)
_TIMES_OF_DAY = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H.%M", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S %z", "%H:%M %Z")


def formats_that_fit(texts: Iterable[str], zone: str) -> list[str]:
    """Formats in common use that read every one of the texts."""
    column = pa.array(list(texts), pa.utf8())
    written = [
        *(f"{date}{gap}{of_day}" for date, of_day, gap in product(_DATES, _TIMES_OF_DAY, (" ", "T", ", ")) if of_day),
        *_DATES,
    ]
    # Most are ruled out by the first text's digits, letters and marks alone.
    looks = _skeleton(column[0].as_py())
    likely = ["iso", *COUNTS, *(one for one in written if _skeleton(_example(one)) == looks)]
    return [one for one in likely if _fits(column, one, zone)]


def _fits(column: pa.Array, format: str, zone: str) -> bool:
    """Any number is a count of something since a day: it is a time only where it falls into the age of such records."""
    times = read_times(column, [time_format(format)], zone).times
    if times.null_count:
        return False
    if format not in COUNTS:
        return True
    within = pc.min_max(times.cast(pa.int64()))
    return bool(within["min"].as_py() >= _RECORDS_US[0] and within["max"].as_py() < _RECORDS_US[1])


def _example(format: str) -> str:
    """A text of the format's kind: a digit for each number, a letter for each name."""
    return re.sub("%.", "0", re.sub("%[abpZ]", "x", format.replace("%z", "+0")))


def _skeleton(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[^\W\d_]+", "x", re.sub(r"\d+", "0", text)))
