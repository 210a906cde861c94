"""Times, texts and members of enums as messages have them."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

from andon.common.v1 import interval_pb2, text_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.improvement.model import Text

Member = TypeVar("Member", bound=Enum)


def stamp(time_us: int) -> Timestamp:
    return Timestamp(seconds=time_us // 1_000_000, nanos=time_us % 1_000_000 * 1_000)


def micros(time: Timestamp) -> int:
    return time.seconds * 1_000_000 + time.nanos // 1_000


def duration(length_us: int) -> Duration:
    return Duration(seconds=length_us // 1_000_000, nanos=length_us % 1_000_000 * 1_000)


def length_us(length: Duration) -> int:
    return length.seconds * 1_000_000 + length.nanos // 1_000


def interval(start_us: int, end_us: int) -> interval_pb2.Interval:
    return interval_pb2.Interval(start=stamp(start_us), end=stamp(end_us))


def span_of(message: interval_pb2.Interval) -> tuple[int, int]:
    return micros(message.start), micros(message.end)


def text(given: Text) -> text_pb2.Text:
    return text_pb2.Text(en=given.en, zh=given.zh)


def text_of(message: text_pb2.Text) -> Text:
    return Text(message.en, message.zh)


def number(kind: Any, prefix: str, member: Enum) -> Any:
    """The contract's number of a member: `number(Verdict, "VERDICT", IMPROVED)` is that of VERDICT_IMPROVED."""
    return kind.Value(f"{prefix}_{member.name}")


def member(kind: Any, prefix: str, value: int, of: type[Member]) -> Member:
    return of[str(kind.Name(value)).removeprefix(f"{prefix}_")]
