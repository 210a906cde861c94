"""Ingest's contract as scoring calls it: its log as it comes, all events of some cases, and how far it reaches."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass

import grpc
import pyarrow as pa
from andon.ingest.v1 import benchmark_pb2, benchmark_pb2_grpc, ingest_pb2, ingest_pb2_grpc
from andon_client.follow import follow
from google.protobuf.duration_pb2 import Duration

from services.runtime.errors import Unavailable
from services.scoring.system.event_clock import EventClock
from services.scoring.system.lint_log import LogVocabulary, SeenAttribute
from services.scoring.system.model import SystemSpec
from services.scoring.wire.scores import microseconds

BOUNDS_S_MAX = 5.0
VOCABULARY_S_MAX = 3.0
BENCHMARK_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class ReceivedPage:
    """A run of events of one partition as an Arrow stream."""

    partition: int
    first_offset: int
    event_count: int
    arrow_ipc: bytes
    traceparents: Sequence[str]


@dataclass(frozen=True, slots=True)
class Received:
    """One response of the log; everything through the cursor `through` has come with it. size_bytes: as sent.

    watermark_us: see `EventClock`. None: none of the system's sources has said anything yet.
    """

    pages: tuple[ReceivedPage, ...]
    through: str
    lag_s: float
    watermark_us: int | None
    size_bytes: int


@dataclass(frozen=True)
class IngestBounds:
    """partition_count 0: nothing was ever written. newest: a cursor, empty where there is no event."""

    partition_count: int
    newest: str


class IngestClient:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ingest_pb2_grpc.IngestServiceStub(channel)
        self._benchmarks = benchmark_pb2_grpc.BenchmarkServiceStub(channel)

    async def bounds(self) -> IngestBounds:
        found = await self._stub.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest(), timeout=BOUNDS_S_MAX)
        return IngestBounds(found.partition_count, found.newest if found.event_count else "")

    async def vocabulary(self) -> LogVocabulary | None:
        """What the log's events are called; None: it is not known in full, or ingest does not answer."""
        request = ingest_pb2.GetLogVocabularyRequest()
        try:
            found = await self._stub.GetLogVocabulary(request, timeout=VOCABULARY_S_MAX)
        except grpc.aio.AioRpcError:
            return None
        if not found.complete:
            return None
        attributes = {
            one.name: SeenAttribute(frozenset(one.types), frozenset(one.values) if one.values_complete else None)
            for one in found.attributes
        }
        return LogVocabulary(frozenset(found.activities), attributes)

    async def benchmark(self, name: str) -> benchmark_pb2.Benchmark | None:
        """None: there is none of this name. Raises Unavailable where ingest does not answer."""
        request = benchmark_pb2.GetBenchmarkRequest(name=name)
        try:
            return (await self._benchmarks.GetBenchmark(request, timeout=BENCHMARK_S_MAX)).benchmark
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT):
                return None
            raise Unavailable("UPSTREAM_UNAVAILABLE", "ingest, which stores benchmarks, does not answer") from error

    async def follow(
        self, partitions: Sequence[int], after: str, heartbeat_s: float, spec: SystemSpec
    ) -> AsyncIterator[Received]:
        """The pages of these partitions from a cursor on, and heartbeats without any, for a system with this spec."""
        clock = EventClock(spec.sources, spec.idle_us)
        heartbeat = Duration()
        heartbeat.FromMilliseconds(round(heartbeat_s * 1000))

        def open_stream(after: str) -> AsyncIterable[ingest_pb2.ReadEventsResponse]:
            request = ingest_pb2.ReadEventsRequest(
                after=after, follow=True, encoding=ingest_pb2.ENCODING_ARROW, partitions=partitions, heartbeat=heartbeat
            )
            return self._stub.ReadEvents(request)

        async for response in follow(open_stream, after):
            yield received(response, clock)

    async def cases(self, case_ids: Sequence[str], through: str) -> list[pa.Table]:
        """All events of these cases, corrections included.

        Several tables, since the types of an attribute may differ between pages: each producer writes its own, and
        texts may be encoded as a dictionary or not.
        """
        request = ingest_pb2.ReadCasesRequest(case_ids=case_ids, through=through, encoding=ingest_pb2.ENCODING_ARROW)
        answers = [response.events.arrow_ipc async for response in self._stub.ReadCases(request)]
        return [table_of(arrow_ipc) for arrow_ipc in answers if arrow_ipc]


def received(response: ingest_pb2.ReadEventsResponse, clock: EventClock) -> Received:
    return Received(
        tuple(
            ReceivedPage(
                page.partition, page.first_offset, page.event_count, page.events.arrow_ipc, tuple(page.traceparents)
            )
            for page in response.pages
        ),
        response.through,
        response.lag.seconds + response.lag.nanos / 1e9,
        clock.after(
            {one.source: microseconds(one.time) for one in response.source_watermarks},
            microseconds(response.server_time),
        ),
        response.ByteSize(),
    )


def table_of(arrow_ipc: bytes) -> pa.Table:
    # Small pages: handing their columns to threads costs more than decoding them.
    return pa.ipc.open_stream(arrow_ipc, options=pa.ipc.IpcReadOptions(use_threads=False)).read_all()
