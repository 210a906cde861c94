"""BenchmarkService over real gRPC and real Postgres: stored, listed by state, replaced, refused with their field."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import pytest
from andon.common.v1.interval_pb2 import Interval
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import benchmark_pb2, benchmark_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

LOWER = benchmark_pb2.BENCHMARK_DIRECTION_LOWER_IS_BETTER
ROLES = ("operator", "reader")


def year(number: int) -> Timestamp:
    moment = Timestamp()
    moment.FromJsonString(f"{number:04}-01-01T00:00:00Z")
    return moment


def benchmark(*values: tuple[float, int, int | None], **fields: Any) -> benchmark_pb2.Benchmark:
    """values: mean, and from and to which year it holds."""
    made = benchmark_pb2.Benchmark(source="Statistics, table 2", unit="min", direction=LOWER, **fields)
    for mean, start, end in values:
        validity = Interval(start=year(start), end=None if end is None else year(end))
        made.values.add(mean=mean, validity=validity)
    return made


def detail_of(caught: Any, kind: Any) -> Any:
    found = kind()
    assert any(one.Unpack(found) for one in rpc_status.from_call(caught.value).details)
    return found


@pytest.fixture
def benchmarks(served: Any) -> Any:
    return benchmark_pb2_grpc.BenchmarkServiceStub(served.channel(ROLES))


async def create(benchmarks: Any, name: str, one: benchmark_pb2.Benchmark, **fields: Any) -> benchmark_pb2.Benchmark:
    request = benchmark_pb2.CreateBenchmarkRequest(benchmark_id=name, benchmark=one, **fields)
    made: benchmark_pb2.Benchmark = (await benchmarks.CreateBenchmark(request)).benchmark
    return made


async def test_benchmarks_are_listed_with_their_state_and_replaced_at_the_version_read(benchmarks: Any) -> None:
    dry = await create(benchmarks, "ended", benchmark((30.0, 2020, 2021)), validate_only=True)
    assert dry.state == benchmark_pb2.BENCHMARK_STATE_EXPIRED
    ended = await create(benchmarks, "ended", benchmark((30.0, 2020, 2021), title=Text(en="Waiting", zh="等候")))
    open_ = await create(benchmarks, "open", benchmark((30.0, 2020, 2021), (25.0, 2021, None)))
    later = await create(benchmarks, "later", benchmark((30.0, 2999, None)))
    assert (ended.state, ended.expire_time) == (benchmark_pb2.BENCHMARK_STATE_EXPIRED, year(2021))
    assert (open_.state, open_.HasField("expire_time")) == (benchmark_pb2.BENCHMARK_STATE_VALID, False)
    assert later.state == benchmark_pb2.BENCHMARK_STATE_UPCOMING
    assert (await benchmarks.GetBenchmark(benchmark_pb2.GetBenchmarkRequest(name=ended.name))).benchmark == ended
    page = benchmark_pb2.ListBenchmarksRequest(page_size=2)
    first = await benchmarks.ListBenchmarks(page)
    page.page_token = first.next_page_token
    rest = await benchmarks.ListBenchmarks(page)
    assert [*first.benchmarks, *rest.benchmarks] == [ended, later, open_]
    expired = benchmark_pb2.ListBenchmarksRequest(states=[benchmark_pb2.BENCHMARK_STATE_EXPIRED])
    assert list((await benchmarks.ListBenchmarks(expired)).benchmarks) == [ended]
    ended.values.add(mean=28.0, validity=Interval(start=year(2021)))
    request = benchmark_pb2.UpdateBenchmarkRequest(benchmark=ended, request_id=str(uuid.uuid4()))
    renewed = (await benchmarks.UpdateBenchmark(request)).benchmark
    assert (renewed.state, renewed.create_time) == (benchmark_pb2.BENCHMARK_STATE_VALID, ended.create_time)
    assert renewed.etag != ended.etag
    assert (await benchmarks.UpdateBenchmark(request)).benchmark == renewed
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await benchmarks.UpdateBenchmark(benchmark_pb2.UpdateBenchmarkRequest(benchmark=ended))
    assert detail_of(caught, error_details_pb2.ErrorInfo).reason == "ETAG_STALE"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(benchmarks, "ended", benchmark((1.0, 2020, None)))
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_each_field_of_a_benchmark_that_is_wrong_is_named(benchmarks: Any) -> None:
    wrong = benchmark((30.0, 2020, 2022), (25.0, 2021, None), (20.0, 2025, 2025), indicator="Not One")
    wrong.source, wrong.values[0].low, wrong.values[1].count = " ", 31.0, -1
    wrong.ClearField("direction")
    wrong.values[2].ClearField("mean")
    wrong.values[1].quantiles.add(share=0.5, value=3.0)
    wrong.values[1].quantiles.add(share=0.25, value=2.0)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(benchmarks, "Bad Name", wrong)
    found = detail_of(caught, error_details_pb2.BadRequest)
    assert {one.field for one in found.field_violations} == {
        "benchmark_id",
        "benchmark.source",
        "benchmark.indicator",
        "benchmark.direction",
        "benchmark.values[0].low",
        "benchmark.values[1].count",
        "benchmark.values[1].validity",
        "benchmark.values[1].quantiles[1].share",
        "benchmark.values[1].quantiles[1].value",
        "benchmark.values[2]",
        "benchmark.values[2].validity",
    }


async def test_another_tenant_has_none_of_them(served: Any, benchmarks: Any) -> None:
    await create(benchmarks, "ours", benchmark((1.0, 2020, None)))
    theirs = benchmark_pb2_grpc.BenchmarkServiceStub(served._channel("other", ROLES))
    assert not (await theirs.ListBenchmarks(benchmark_pb2.ListBenchmarksRequest())).benchmarks
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await theirs.GetBenchmark(benchmark_pb2.GetBenchmarkRequest(name="benchmarks/ours"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
