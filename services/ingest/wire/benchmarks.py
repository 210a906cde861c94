"""Benchmarks: what is stored of a message, and the message that shows it."""

from andon.ingest.v1 import benchmark_pb2

from services.ingest.registry.benchmarks.model import EARLIEST_US, LATEST_US, StoredBenchmark, Validity, state_at
from services.ingest.wire.times import micros, timestamp

BENCHMARK_PREFIX = "benchmarks/"
_SET_BY_SERVER = ("name", "etag", "create_time", "update_time", "state", "expire_time")


def document(message: benchmark_pb2.Benchmark) -> bytes:
    """What people write of it."""
    written = benchmark_pb2.Benchmark()
    written.CopyFrom(message)
    for field in _SET_BY_SERVER:
        written.ClearField(field)  # type: ignore[arg-type]
    return written.SerializeToString(deterministic=True)


def etag(stored: StoredBenchmark) -> str:
    return str(stored.revision)


def benchmark_message(stored: StoredBenchmark, now_us: int) -> benchmark_pb2.Benchmark:
    message = benchmark_pb2.Benchmark.FromString(stored.document)
    message.name, message.etag = BENCHMARK_PREFIX + stored.id, etag(stored)
    if stored.created_at_us:
        message.create_time.CopyFrom(timestamp(stored.created_at_us))
        message.update_time.CopyFrom(timestamp(stored.updated_at_us))
    state, expire_us = state_at([_validity(one) for one in message.values], now_us)
    message.state = benchmark_pb2.BenchmarkState.ValueType(state)
    if expire_us is not None:
        message.expire_time.CopyFrom(timestamp(expire_us))
    return message


def _validity(value: benchmark_pb2.BenchmarkValue) -> Validity:
    span = value.validity
    return Validity(
        micros(span.start) if span.HasField("start") else EARLIEST_US,
        micros(span.end) if span.HasField("end") else LATEST_US,
    )
