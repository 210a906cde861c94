"""Times and lengths as people write them, as the contract has them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from andon_client.presentation.phrases import LocalisedError

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w)", re.ASCII)
_UNIT_S = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
# What a google.protobuf.Duration holds: ten thousand years.
_LENGTH_S_MAX = 315_576_000_000


class MalformedLength(ValueError):
    """Not a length such as 90min, 12h, 14d or 6w."""


class MalformedTime(LocalisedError):
    """Not a time such as 2026-10-25, 2026-10-25T14:30 or 2026-10-25T14:30+01:00."""


class UnclearTime(LocalisedError):
    """A time without an offset that the clocks of its zone show twice, or not at all."""


def entered_time(text: str) -> date:
    """A day, or a time with its offset or without one. Raises MalformedTime."""
    written = text.strip()
    try:
        return date.fromisoformat(written)
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(written)
        time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedTime("bad_time", text=text) from error
    return time


def timestamp(time: date, zone: tzinfo = UTC) -> Timestamp:
    """A day is its first moment. zone: of a time that has none itself. Raises UnclearTime."""
    made = Timestamp()
    if not isinstance(time, datetime):
        # Where midnight comes twice the first is meant, and where it is left out the moment that follows it.
        made.FromDatetime(datetime(time.year, time.month, time.day, tzinfo=zone).astimezone(UTC))
        return made
    if time.tzinfo is None:
        first, second = (time.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        shift = (first.utcoffset() or timedelta()) - (second.utcoffset() or timedelta())
        if shift:
            clear = sorted(one.astimezone(UTC).astimezone(zone) for one in (first, second))
            choices = [f"{one:%Y-%m-%dT%H:%M:%S%z}" for one in clear]
            places = {name: f"{one[:-2]}:{one[-2:]}" for name, one in zip(("first", "second"), choices, strict=True)}
            phrase = "time_twice" if shift > timedelta() else "time_skipped"
            raise UnclearTime(phrase, text=time.isoformat(), zone=zone, **places)
        time = first
    made.FromDatetime(time)
    return made


def length(written: str) -> Duration:
    """ "14d" -> 1,209,600 s."""
    matched = _LENGTH.fullmatch(written.strip())
    length_s = float(matched[1]) * _UNIT_S[matched[2]] if matched else float("inf")
    if length_s > _LENGTH_S_MAX:
        raise MalformedLength(f"{written} is no length such as 90min, 12h, 14d or 6w")
    made = Duration()
    made.FromNanoseconds(round(length_s * 1_000_000_000))
    return made
