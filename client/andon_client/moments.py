"""Times and lengths as people write them, as the contract has them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w)", re.ASCII)
_UNIT_S = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
# What a google.protobuf.Duration holds: ten thousand years.
_LENGTH_S_MAX = 315_576_000_000


class MalformedLength(ValueError):
    """Not a length such as 90min, 12h, 14d or 6w."""


def timestamp(time: date, zone: tzinfo = UTC) -> Timestamp:
    """A day is its first moment. zone: of a time that has none itself."""
    moment = time if isinstance(time, datetime) else datetime(time.year, time.month, time.day)
    made = Timestamp()
    made.FromDatetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))
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
