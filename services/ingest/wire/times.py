"""Times and spans: protobuf and microseconds, both ways."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.ingest.model import SECOND_US


def timestamp(us: int) -> Timestamp:
    return Timestamp(seconds=us // SECOND_US, nanos=us % SECOND_US * 1_000)


def duration(us: int) -> Duration:
    # Seconds and nanos of a negative span must have the same sign.
    seconds, rest = divmod(abs(us), SECOND_US)
    sign = -1 if us < 0 else 1
    return Duration(seconds=sign * seconds, nanos=sign * rest * 1_000)


def micros(value: Timestamp | Duration) -> int:
    return int(value.seconds * SECOND_US + value.nanos // 1_000)
