"""`andon benchmark`: what others reach, and how a series compares with it."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer
from andon.ingest.v1 import benchmark_pb2 as pb
from andon.scoring.v1 import benchmark_comparison_pb2 as comparison_pb

from andon_client.commands.filters import Json, Series, Since, Until, chosen, interval_of
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.listing import list_benchmarks, read_notation
from andon_client.presentation.benchmark_tables import (
    benchmark_values_table,
    benchmarks_table,
    comparison_heading,
    comparisons_table,
)
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, loaded, run, screen, show_table

Name = Annotated[str, typer.Argument(help="Id of the benchmark, for example seen-in-time.")]
File = Annotated[
    Path,
    typer.Option(
        "--file", "-f", exists=True, dir_okay=False, help="YAML: source, unit, direction and values of the benchmark."
    ),
]


def create(
    context: typer.Context,
    name: Name,
    file: File,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Store a benchmark: who publishes it, its unit, and its values with their validity."""
    options: Context = context.obj
    one = loaded(options, lambda: load_document(file, pb.Benchmark))
    key = request_key(request_id, validate_only)
    request = pb.CreateBenchmarkRequest(benchmark_id=name, benchmark=one, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Benchmark:
        return (await suite.benchmarks.CreateBenchmark(request)).benchmark

    _show(run(options, work), options, as_json)


def update(
    context: typer.Context,
    name: Name,
    file: File,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Replace a benchmark, for example to add the values of a new year."""
    options: Context = context.obj
    one = loaded(options, lambda: load_document(file, pb.Benchmark))
    one.name = f"benchmarks/{name}"
    key = request_key(request_id, validate_only)
    request = pb.UpdateBenchmarkRequest(benchmark=one, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Benchmark:
        return (await suite.benchmarks.UpdateBenchmark(request)).benchmark

    _show(run(options, work), options, as_json)


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a benchmark and its values."""
    options: Context = context.obj

    async def work(suite: Suite) -> pb.Benchmark:
        return (await suite.benchmarks.GetBenchmark(pb.GetBenchmarkRequest(name=f"benchmarks/{name}"))).benchmark

    _show(run(options, work), options, as_json)


def list_all(
    context: typer.Context,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only valid, expired or upcoming ones; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List benchmarks, and which of them have expired."""
    options: Context = context.obj
    states = [chosen(pb.BenchmarkState, one, "--state") for one in state or ()]

    async def work(suite: Suite) -> list[pb.Benchmark]:
        return [one async for one in list_benchmarks(suite, pb.ListBenchmarksRequest(states=states))]

    emit(run(options, work), as_json, benchmarks_table, options.locale)


def compare(
    context: typer.Context,
    name: Name,
    series: Series,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Compare the windows of a series with the values that held for them; where none held, nothing is compared."""
    options: Context = context.obj
    request = comparison_pb.GetBenchmarkComparisonRequest(benchmark=f"benchmarks/{name}", series=series)

    async def work(suite: Suite) -> tuple[comparison_pb.GetBenchmarkComparisonResponse, tzinfo]:
        zone = (await read_notation(suite, [series])).zone(series)
        request.interval.CopyFrom(interval_of(since, until, zone))
        return await suite.benchmark_comparisons.GetBenchmarkComparison(request), zone

    found, zone = run(options, work)
    if as_json:
        emit_json(found)
        return
    heading = comparison_heading(found.benchmark, options.locale)
    screen.print(heading, markup=False, highlight=False, soft_wrap=True)
    show_table(comparisons_table(found, options.locale, zone), options.locale)


def _show(one: pb.Benchmark, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(one)
        return
    emit([one], False, benchmarks_table, options.locale)
    show_table(benchmark_values_table(one, options.locale), options.locale)
