"""What a benchmark may say."""

import math
import re
from collections.abc import Sequence

from andon.ingest.v1 import benchmark_pb2

from services.ingest.wire.times import micros
from services.runtime.field_checks import FieldChecks

VALUES_MAX, QUANTILES_MAX = 500, 99
TITLE_CHARS_MAX, TEXT_CHARS_MAX, UNIT_CHARS_MAX = 200, 1_000, 64
COUNT_MAX = 2**53
INDICATOR = re.compile(r"[a-z0-9_]{1,64}")


def check_benchmark(one: benchmark_pb2.Benchmark, checks: FieldChecks) -> None:
    for name, chars_max in (("title", TITLE_CHARS_MAX), ("population", TEXT_CHARS_MAX)):
        for language in ("en", "zh"):
            short = len(getattr(getattr(one, name), language)) <= chars_max
            checks.require(short, f"benchmark.{name}.{language}", f"must have at most {chars_max} characters")
    named = not one.indicator or INDICATOR.fullmatch(one.indicator) is not None
    checks.require(named, "benchmark.indicator", "must be 1 to 64 of [a-z0-9_], or empty")
    sourced = bool(one.source.strip()) and len(one.source) <= TEXT_CHARS_MAX
    checks.require(sourced, "benchmark.source", f"must have 1 to {TEXT_CHARS_MAX} characters", "FIELD_REQUIRED")
    short = len(one.license_note) <= TEXT_CHARS_MAX
    checks.require(short, "benchmark.license_note", f"must have at most {TEXT_CHARS_MAX} characters")
    short = len(one.unit) <= UNIT_CHARS_MAX
    checks.require(short, "benchmark.unit", f"must have at most {UNIT_CHARS_MAX} characters")
    known = one.direction in benchmark_pb2.BenchmarkDirection.values()
    directed = known and one.direction != benchmark_pb2.BENCHMARK_DIRECTION_UNSPECIFIED
    checks.require(directed, "benchmark.direction", "must say which way is better", "FIELD_REQUIRED")
    checks.require(1 <= len(one.values) <= VALUES_MAX, "benchmark.values", f"must be 1 to {VALUES_MAX}")
    before: benchmark_pb2.BenchmarkValue | None = None
    for index, value in enumerate(one.values[:VALUES_MAX]):
        at = f"benchmark.values[{index}]"
        _check_value(value, at, checks)
        follows = before is None or _follows(before, value)
        checks.require(follows, f"{at}.validity", "must start where the one before ends, or later")
        before = value


def _check_value(value: benchmark_pb2.BenchmarkValue, at: str, checks: FieldChecks) -> None:
    references = [getattr(value, name) for name in ("mean", "target") if value.HasField(name)]
    says = bool(references) or bool(value.quantiles)
    checks.require(says, at, "must have a mean, a target or quantiles", "FIELD_REQUIRED")
    for name in ("mean", "target", "low", "high"):
        finite = not value.HasField(name) or math.isfinite(getattr(value, name))
        checks.require(finite, f"{at}.{name}", "must be finite")
    # The interval is that of the target where there is one, as the comparison is.
    centre = references[-1] if references else None
    for name, ordered in (
        ("low", centre is not None and value.low <= centre),
        ("high", centre is not None and value.high >= centre),
    ):
        fits = not value.HasField(name) or ordered  # type: ignore[arg-type]
        checks.require(fits, f"{at}.{name}", "must enclose the target or the mean")
    _check_quantiles(value.quantiles, at, checks)
    checks.require(0 <= value.count <= COUNT_MAX, f"{at}.count", "must not be negative, and at most 2^53")
    span = value.validity
    bounded = span.HasField("start") and span.HasField("end")
    lasting = not bounded or micros(span.start) < micros(span.end)
    checks.require(lasting, f"{at}.validity", "must end after it starts")


def _check_quantiles(quantiles: Sequence[benchmark_pb2.BenchmarkQuantile], at: str, checks: FieldChecks) -> None:
    checks.require(len(quantiles) <= QUANTILES_MAX, f"{at}.quantiles", f"must be at most {QUANTILES_MAX}")
    before: benchmark_pb2.BenchmarkQuantile | None = None
    for index, one in enumerate(quantiles[:QUANTILES_MAX]):
        place = f"{at}.quantiles[{index}]"
        rising = 0 < one.share < 1 and (before is None or before.share < one.share)
        checks.require(rising, f"{place}.share", "must lie between 0 and 1, above the one before")
        ordered = math.isfinite(one.value) and (before is None or before.value <= one.value)
        checks.require(ordered, f"{place}.value", "must be finite, and not below the one before")
        before = one


def _follows(before: benchmark_pb2.BenchmarkValue, value: benchmark_pb2.BenchmarkValue) -> bool:
    if not before.validity.HasField("end") or not value.validity.HasField("start"):
        return False
    return micros(before.validity.end) <= micros(value.validity.start)
