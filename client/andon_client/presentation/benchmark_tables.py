"""Benchmarks, and series compared with them, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, Literal

from andon.ingest.v1 import benchmark_pb2 as pb
from andon.scoring.v1 import benchmark_comparison_pb2 as comparison_pb

from andon_client.presentation.formats import localised, moment, number, optional, quantity, span
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, TableCell, table_columns, table_row

_STYLES: Mapping[int, Literal["good", "bad"]] = {
    comparison_pb.BENCHMARK_RELATION_BETTER: "good",
    comparison_pb.BENCHMARK_RELATION_WORSE: "bad",
    comparison_pb.BENCHMARK_RELATION_WITHIN: "good",
}


def benchmarks_table(benchmarks: Sequence[pb.Benchmark], locale: str) -> Table:
    rows = [
        [
            TableCell(one.name),
            TableCell(localised(one.title, locale) or "-"),
            TableCell(one.indicator or "-"),
            TableCell(one.unit or "-"),
            TableCell(named(pb.BenchmarkDirection, one.direction, locale)),
            TableCell(localised(one.population, locale) or "-"),
            TableCell(one.source),
            TableCell(
                named(pb.BenchmarkState, one.state, locale),
                "good" if one.state == pb.BENCHMARK_STATE_VALID else "bad",
            ),
            TableCell(moment(one.expire_time, UTC) if one.HasField("expire_time") else "-"),
        ]
        for one in benchmarks
    ]
    names = ("=name", "title", "indicator", "unit", "direction", "population", "publisher", "state", "expires")
    return Table(say("benchmarks", locale), table_columns(locale, *names), rows)


def benchmark_values_table(one: pb.Benchmark, locale: str) -> Table:
    rows = [
        table_row(
            _validity(value.validity),
            number(optional(value, "mean")),
            number(optional(value, "target")),
            number(optional(value, "low")),
            number(optional(value, "high")),
            ", ".join(f"{100 * each.share:g} %: {number(each.value)}" for each in value.quantiles) or "-",
            f"{value.count:,}" if value.count else "-",
            moment(value.publish_time, UTC) if value.HasField("publish_time") else "-",
        )
        for value in one.values
    ]
    names = ("holds", ">mean", ">target", ">low", ">high", "quantiles", ">sample", "published")
    return Table(say("benchmark_values", locale), table_columns(locale, *names), rows)


def comparison_heading(one: pb.Benchmark, locale: str) -> str:
    """What is compared with, and whether it has expired."""
    phrase = "benchmark_expired" if one.state == pb.BENCHMARK_STATE_EXPIRED else "benchmark_heading"
    parts = [localised(one.title, locale) or one.name, localised(one.population, locale), one.source, one.license_note]
    return say(
        phrase,
        locale,
        about=", ".join(part for part in parts if part),
        state=named(pb.BenchmarkState, one.state, locale),
        time=moment(one.expire_time, UTC) if one.HasField("expire_time") else "",
    )


def comparisons_table(found: comparison_pb.GetBenchmarkComparisonResponse, locale: str, zone: tzinfo) -> Table:
    unit, held = found.benchmark.unit, [_validity(one.validity) for one in found.benchmark.values]
    rows = []
    for one in found.comparisons:
        value = quantity(optional(one, "value"), unit, locale)
        rows.append(
            [
                TableCell(span(one.interval, locale, zone)),
                TableCell(value if one.complete else f"{value} ({say('provisional', locale)})"),
                TableCell(f"{one.count:,}"),
                TableCell(quantity(optional(one, "reference"), unit, locale)),
                TableCell(held[one.value_index] if one.value_index in range(len(held)) else "-"),
                TableCell(
                    named(comparison_pb.BenchmarkValidity, one.validity, locale),
                    "good" if one.validity == comparison_pb.BENCHMARK_VALIDITY_VALID else "bad",
                ),
                TableCell(f"{one.difference:+,.4g}" if one.HasField("difference") else "-"),
                TableCell(_place(one)),
                TableCell(
                    named(comparison_pb.BenchmarkRelation, one.relation, locale).replace("_", " "),
                    _STYLES.get(one.relation, "quiet"),
                ),
            ]
        )
    names = ("window", ">value", ">cases", ">benchmark", "holds", "validity", ">difference", "between", "result")
    title = say("benchmark_comparisons", locale, series=found.series.key)
    return Table(title, table_columns(locale, *names), rows)


def _place(one: comparison_pb.WindowComparison) -> str:
    """Between which quantiles: "25 % – 50 %"; an open side is "…"."""
    shares = (optional(one, "share_lower"), optional(one, "share_upper"))
    sides = ["…" if share is None else f"{100 * share:g} %" for share in shares]
    return " – ".join(sides) if sides != ["…", "…"] else "-"


def _validity(interval: Any) -> str:
    """From when until before when; an open side is "…"."""
    sides = [moment(getattr(interval, name), UTC) if interval.HasField(name) else "…" for name in ("start", "end")]
    return " – ".join(sides)
