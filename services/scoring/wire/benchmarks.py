"""Benchmarks of ingest as references, and comparisons as messages."""

from __future__ import annotations

from collections.abc import Mapping

from andon.ingest.v1 import benchmark_pb2
from andon.scoring.v1 import benchmark_comparison_pb2 as pb

from services.scoring.scores.benchmarks import ReferenceValue, WindowComparison
from services.scoring.scores.results import Score
from services.scoring.system.model import Direction
from services.scoring.wire.scores import bounds, interval

DIRECTIONS: Mapping[int, Direction] = {
    benchmark_pb2.BENCHMARK_DIRECTION_LOWER_IS_BETTER: Direction.LOWER_IS_BETTER,
    benchmark_pb2.BENCHMARK_DIRECTION_HIGHER_IS_BETTER: Direction.HIGHER_IS_BETTER,
    benchmark_pb2.BENCHMARK_DIRECTION_TARGET_IS_BETTER: Direction.TARGET_IS_BETTER,
}
MEDIAN = 0.5


def reference(message: benchmark_pb2.BenchmarkValue) -> ReferenceValue:
    """The target before the mean before the median."""
    quantiles = tuple((one.share, one.value) for one in message.quantiles)
    medians = [value for share, value in quantiles if share == MEDIAN]
    value = (
        message.target
        if message.HasField("target")
        else message.mean
        if message.HasField("mean")
        else next(iter(medians), None)
    )
    low, high = (quantiles[0][1], quantiles[-1][1]) if value is None else (value, value)
    return ReferenceValue(
        value,
        message.low if message.HasField("low") else low,
        message.high if message.HasField("high") else high,
        quantiles,
        *bounds(message.validity),
    )


def comparison_message(
    score: Score, value: float | None, reference: ReferenceValue, found: WindowComparison
) -> pb.WindowComparison:
    """reference: the one that was looked at. value: in its unit."""
    return pb.WindowComparison(
        interval=interval(score.window),
        value=value,
        count=score.count,
        complete=score.complete,
        validity=pb.BenchmarkValidity.ValueType(found.validity.value),
        relation=pb.BenchmarkRelation.ValueType(found.relation.value),
        value_index=found.place,
        reference=reference.value,
        difference=found.difference,
        share_lower=found.share_lower,
        share_upper=found.share_upper,
    )
