"""BenchmarkComparisonService: the windows of a series against a stored benchmark."""

from __future__ import annotations

import asyncio
from typing import Any

from andon.ingest.v1 import benchmark_pb2
from andon.scoring.v1 import benchmark_comparison_pb2 as pb
from andon.scoring.v1 import benchmark_comparison_pb2_grpc as grpc_stubs

from services.runtime.errors import FailedPrecondition, NotFound, invalid
from services.scoring.scores.benchmarks import compared, factor
from services.scoring.scores.display_unit import display_unit
from services.scoring.scores.results import Score, ScoreState
from services.scoring.servicer.request_context import RequestContext
from services.scoring.servicer.series_values import indicator_of, windows_of
from services.scoring.system.model import Indicator, IndicatorSystem
from services.scoring.system.series import SeriesKey
from services.scoring.wire.benchmarks import DIRECTIONS, comparison_message, reference
from services.scoring.wire.scores import bounds, series_message

WINDOWS_MAX = 2_000


class BenchmarkComparisonServicer(grpc_stubs.BenchmarkComparisonServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self._requests = requests

    async def GetBenchmarkComparison(
        self, request: pb.GetBenchmarkComparisonRequest, context: Any
    ) -> pb.GetBenchmarkComparisonResponse:
        tenant, key = self._requests.tenant, SeriesKey(request.series)
        span = bounds(request.interval)
        system = await self._requests.system_of_series(tenant, key)
        indicator = indicator_of(system, key)
        if indicator is None:
            raise invalid("series", "must be that of an indicator")
        benchmark = await self._requests.replica.ingest(tenant).benchmark(request.benchmark)
        if benchmark is None:
            raise NotFound("NOT_FOUND", "there is no such benchmark")
        scale = _scale(system, indicator, benchmark)
        scores = await windows_of(self._requests, tenant, [key], span, limit=WINDOWS_MAX + 1)
        if len(scores) > WINDOWS_MAX:
            raise invalid("interval", f"holds more than {WINDOWS_MAX:,} windows: narrow it")
        comparisons = await asyncio.to_thread(_comparisons, scores, benchmark, scale)
        return pb.GetBenchmarkComparisonResponse(
            benchmark=benchmark, series=series_message(key, system), comparisons=comparisons
        )


def _scale(system: IndicatorSystem, indicator: Indicator, benchmark: benchmark_pb2.Benchmark) -> float:
    """From the unit of the series to that of the benchmark. FAILED_PRECONDITION where the two differ in kind."""
    if benchmark.indicator not in ("", indicator.name):
        raise FailedPrecondition("INDICATORS_DIFFER", "the benchmark is of another indicator than the series")
    if DIRECTIONS.get(benchmark.direction) is not indicator.direction:
        raise FailedPrecondition("DIRECTIONS_DIFFER", "the indicator and the benchmark differ in which way is better")
    unit = display_unit(system.spec, indicator)
    found = factor(unit.name, benchmark.unit)
    if found is None:
        raise FailedPrecondition(
            "UNITS_DIFFER",
            "the unit of the indicator is of another kind than that of the benchmark",
            metadata={"indicator_unit": unit.name, "benchmark_unit": benchmark.unit},
        )
    return unit.scale * found


def _comparisons(scores: list[Score], benchmark: benchmark_pb2.Benchmark, scale: float) -> list[pb.WindowComparison]:
    references = [reference(one) for one in benchmark.values]
    direction = DIRECTIONS[benchmark.direction]
    made = []
    for score in scores:
        is_known = score.value is not None and score.state is not ScoreState.NOT_ENOUGH_DATA
        value = score.value * scale if score.value is not None and is_known else None
        found = compared(references, direction, score.window, value)
        made.append(comparison_message(score, value, references[found.place], found))
    return made
