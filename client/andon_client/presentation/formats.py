"""Times, intervals, numbers and names of the contract as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from andon.common.v1.errors_pb2 import ErrorReason
from google.protobuf.timestamp_pb2 import Timestamp

UNITS_ZH = {"s": "秒", "min": "分钟", "h": "小时", "d": "天", "points": "分"}
ALL_TIME = {"en": "all time", "zh": "全部时间"}


def language_of(locale: str) -> str:
    """ "zh-CN" -> "zh"; everything that is not Chinese is shown in English."""
    return "zh" if locale.startswith("zh") else "en"


def when(moment: Timestamp, zone: tzinfo = UTC) -> str:
    """ "2016-02-29 00:00", by the clocks of the zone; "01:30 (+1030)" where they show that time twice."""
    at = datetime.fromtimestamp(moment.seconds, zone)
    # Where a clock goes forward a fold tells nothing apart that exists.
    comes_twice = (at.replace(fold=0).utcoffset() or timedelta()) > (at.replace(fold=1).utcoffset() or timedelta())
    return f"{at:%Y-%m-%d %H:%M}" + (f" ({at:%z})" if comes_twice else "")


def moment(at: Timestamp, zone: tzinfo) -> str:
    """A midnight is its day: "2016-02-29"; else as `when`."""
    shown = when(at, zone)
    return shown.removesuffix(" 00:00")


def span(interval: Any, locale: str, zone: tzinfo) -> str:
    """A window by its start, by the clocks of the zone: "2016-02-29", "2016-02-29 01:00", "all time".

    Only what ends at midnight too is named by its day: the first hour of a day is "2016-02-29 00:00".
    """
    if not interval.HasField("start") or interval.start.seconds == 0:
        return ALL_TIME[language_of(locale)]
    start, end = (datetime.fromtimestamp(one.seconds, zone) for one in (interval.start, interval.end))
    is_whole_days = start.time() == time.min and (end.time() == time.min or not interval.HasField("end"))
    return f"{start:%Y-%m-%d}" if is_whole_days else when(interval.start, zone)


def stretch(intervals: Iterable[Any], zone: tzinfo) -> str:
    """Each from its first to its last moment; whole days end on their own date: "2016-02-29 – 2016-03-04"."""
    return ", ".join(" – ".join(dict.fromkeys((span(one, "en", zone), _last(one, zone)))) for one in intervals)


def _last(interval: Any, zone: tzinfo) -> str:
    start, end = (datetime.fromtimestamp(one.seconds, zone) for one in (interval.start, interval.end))
    whole_days = start.time() == end.time() == time.min
    return f"{end - timedelta(days=1):%Y-%m-%d}" if whole_days else f"{end:%Y-%m-%d %H:%M}"


def number(value: float | None) -> str:
    """Four significant digits, with a thousands separator."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.4g}"


def measured(value: float | None, unit: str, is_share: bool, locale: str) -> str:
    """A value of an indicator as tables show it: "1.75 h", "29.27 %"."""
    if value is None:
        return "-"
    shown, unit = (number(100.0 * value), "%") if is_share else (number(value), unit)
    return f"{shown} {_unit(unit, locale)}".rstrip()


def changed(change: float, unit: str, is_share: bool, locale: str) -> str:
    """A difference of two values of an indicator: "-1.75 h", "+29.27 percentage points"."""
    signed = f"{100.0 * change if is_share else change:+,.4g}"
    points = {"en": "percentage points", "zh": "个百分点"}[language_of(locale)]
    return f"{signed} {points if is_share else _unit(unit, locale)}".rstrip()


def _unit(unit: str, locale: str) -> str:
    return UNITS_ZH.get(unit, unit) if language_of(locale) == "zh" else unit


def quantity(value: float | None, unit: str, locale: str) -> str:
    """A number that adds up with others, and its unit: "251.429 min", "29.42 %"; six digits, whole numbers in full."""
    if value is None:
        return "-"
    whole = value == round(value) or abs(value) >= 1e6
    text = f"{round(value):,}" if whole else f"{value:,.6g}"
    return f"{text} {_unit(unit, locale)}".rstrip()


def optional(message: Any, name: str) -> float | None:
    return getattr(message, name) if message.HasField(name) else None


def localised(text: Any, locale: str) -> str:
    """The text in the reader's language, else in the other one."""
    first, second = (text.zh, text.en) if language_of(locale) == "zh" else (text.en, text.zh)
    return str(first or second)


def refusal_name(reason: ErrorReason.ValueType) -> str:
    """ERROR_REASON_EVENT_ID_MISSING -> EVENT_ID_MISSING."""
    return ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


def short(enum: Any, value: int) -> str:
    """WINDOW_WEEK -> week."""
    names: list[str] = enum.keys()
    prefix = names[0].removesuffix("UNSPECIFIED")
    return str(enum.Name(value)).removeprefix(prefix).lower().replace("_", " ")
