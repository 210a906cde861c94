"""A series against a benchmark that ingest stores, over real gRPC: converted, expired, of another kind."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from andon.common.v1.interval_pb2 import Interval
from andon.ingest.v1 import benchmark_pb2
from andon.scoring.v1 import benchmark_comparison_pb2 as pb
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.services.scoring.conftest import DAY_S, MONDAY, make_event

LOWER, HIGHER = benchmark_pb2.BENCHMARK_DIRECTION_LOWER_IS_BETTER, benchmark_pb2.BENCHMARK_DIRECTION_HIGHER_IS_BETTER
SERIES = "desk/main/waiting@day"


def at(day: float) -> Timestamp:
    return Timestamp(seconds=int(MONDAY.timestamp() + day * DAY_S))


def spec() -> system_pb.IndicatorSystemSpec:
    waiting, late = system_pb.Measure(name="waiting"), system_pb.Measure(name="late")
    waiting.value.attribute = "waiting"
    late.flag.occurred.activities.append("Late")
    common: dict[str, Any] = {
        "direction": system_pb.DIRECTION_LOWER_IS_BETTER,
        "windows": [system_pb.WINDOW_DAY],
        "count_min": 1,
    }
    mean, share = system_pb.Indicator.AGGREGATE_MEAN, system_pb.Indicator.AGGREGATE_SHARE
    return system_pb.IndicatorSystemSpec(
        measures=[waiting, late],
        indicators=[
            system_pb.Indicator(name="waiting", measure="waiting", aggregate=mean, unit="min", **common),
            system_pb.Indicator(name="late", measure="late", aggregate=share, **common),
        ],
    )


def reason_of(caught: Any) -> str:
    info = error_details_pb2.ErrorInfo()
    assert any(one.Unpack(info) for one in rpc_status.from_call(caught.value).details)
    return str(info.reason)


async def store(suite: Any, name: str, unit: str, *values: tuple[float, float, float | None], **fields: Any) -> str:
    """values: mean, and from and to which day of the log it holds."""
    one = benchmark_pb2.Benchmark(**{"source": "Table 2", "unit": unit, "direction": LOWER, **fields})
    for mean, start, end in values:
        one.values.add(mean=mean, validity=Interval(start=at(start), end=None if end is None else at(end)))
    request = benchmark_pb2.CreateBenchmarkRequest(benchmark_id=name, benchmark=one)
    made = await suite.benchmarks().CreateBenchmark(request)
    return str(made.benchmark.name)


async def test_windows_are_compared_while_a_value_holds_and_have_no_valid_benchmark_after(suite: Any) -> None:
    await suite.activate(spec())
    waits = [10.0, 20.0, 40.0, 20.0]
    through = await suite.write(
        [make_event(f"e{day}", f"case-{day}", "Served", day * DAY_S, waiting=wait) for day, wait in enumerate(waits)]
    )
    await suite.content_hash(through)
    hours = await store(suite, "hours", "h", (0.5, 0, 1), (0.25, 1, 2), (0.25, 2, 2.5), indicator="waiting")

    async def compare(benchmark: str = hours, series: str = SERIES, **fields: Any) -> Any:
        request = pb.GetBenchmarkComparisonRequest(benchmark=benchmark, series=series, **fields)
        return await suite.benchmark_comparisons().GetBenchmarkComparison(request)

    found = await compare()
    assert (found.benchmark.state, found.benchmark.expire_time) == (benchmark_pb2.BENCHMARK_STATE_EXPIRED, at(2.5))
    assert [one.value for one in found.comparisons] == [pytest.approx(wait / 60) for wait in waits]
    assert [one.validity for one in found.comparisons] == [
        pb.BENCHMARK_VALIDITY_VALID,
        pb.BENCHMARK_VALIDITY_VALID,
        pb.BENCHMARK_VALIDITY_PARTIAL,
        pb.BENCHMARK_VALIDITY_EXPIRED,
    ]
    assert [one.relation for one in found.comparisons] == [
        pb.BENCHMARK_RELATION_BETTER,
        pb.BENCHMARK_RELATION_WORSE,
        pb.BENCHMARK_RELATION_NO_VALID_BENCHMARK,
        pb.BENCHMARK_RELATION_NO_VALID_BENCHMARK,
    ]
    assert [one.value_index for one in found.comparisons] == [0, 1, 2, 2]
    assert [one.HasField("difference") for one in found.comparisons] == [True, True, False, False]
    assert found.comparisons[0].difference == pytest.approx(10 / 60 - 0.5)
    second = await compare(interval=Interval(start=at(1), end=at(2)))
    assert list(second.comparisons) == [found.comparisons[1]]
    share = await store(suite, "share", "1", (0.1, 0, None))
    shown = (await compare(share, "desk/main/late@day")).comparisons[0]
    assert (shown.value, shown.relation) == (0.0, pb.BENCHMARK_RELATION_BETTER)
    for name, unit, fields, reason in (
        ("euros", "EUR", {}, "UNITS_DIFFER"),
        ("upwards", "h", {"direction": HIGHER}, "DIRECTIONS_DIFFER"),
        ("another", "h", {"indicator": "late"}, "INDICATORS_DIFFER"),
    ):
        other = await store(suite, name, unit, (3.0, 0, None), **fields)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await compare(other)
        assert reason_of(caught) == reason
    for missing in ({"benchmark": "benchmarks/none"}, {"series": "desk/main/none@day"}):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await compare(**missing)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
