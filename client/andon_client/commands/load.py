"""`andon load`: a file into ingest, with a progress bar and an answer for every row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import grpc
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from andon_client.commands.filters import Json
from andon_client.connection import connection_file
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_document, given, notes, run, screen

if TYPE_CHECKING:
    from andon_client.loading import Batch, Bookmark, LoadReport
    from andon_client.mapping import CsvMapping


def load_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, plain or .gz.")],
    mapping: Annotated[
        Path, typer.Option("--mapping", "-m", exists=True, dir_okay=False, help="YAML: how columns become events.")
    ],
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin at the first row even after a broken load.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Load a file. Loading it again changes nothing; a broken load goes on where it stopped."""
    # Loaded only where columns are read: no other command should wait for it.
    from andon_client.loading import Bookmark
    from andon_client.mapping import load_mapping

    rules = given(lambda: load_mapping(mapping))
    options: Context = context.obj
    bookmark = Bookmark(connection_file(options.home).parent / "loads", file, mapping)
    skip = 0 if restart else bookmark.rows()
    report = run(options, lambda suite: _load(suite, file, rules, bookmark, skip, file.stat().st_size, as_json))
    bookmark.clear()
    report.skipped = skip
    _show(report, as_json)
    if report.quarantined:
        raise typer.Exit(2)


async def _load(
    suite: Suite, file: Path, mapping: CsvMapping, bookmark: Bookmark, skip: int, bytes_total: int, quiet: bool
) -> LoadReport:
    from andon_client.loading import load, read_batches, register_source

    await register_source(suite.ingest, mapping)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, disable=quiet or not notes.is_terminal) as progress:
        bar = progress.add_task(file.name, total=bytes_total, rows=0)

        def on_written(batch: Batch, report: LoadReport) -> None:
            progress.update(bar, completed=batch.bytes_read, rows=report.received)
            bookmark.keep(batch.first_row + batch.rows - 1)

        def on_break(error: grpc.aio.AioRpcError) -> None:
            progress.console.print(f"[yellow]connection lost ({error.code().name}); trying again[/]")

        return await load(suite.ingest, read_batches(file, mapping, skip), on_written, on_break)


def _show(report: LoadReport, as_json: bool) -> None:
    if as_json:
        emit_document({**vars(report), "rejected": [vars(row) for row in report.rejected]})
        return
    if report.skipped:
        screen.print(f"{report.skipped:,} rows were durable from a broken load before")
    screen.print(
        f"[bold]{report.received:,}[/] received = [green]{report.accepted:,}[/] accepted"
        f" + {report.duplicate:,} duplicate + [red]{report.quarantined:,}[/] quarantined"
    )
    for name, count in report.unparsed.items():
        told = f"  {count:,} values of {name} could not be read; kept as text under unparsed.{name}"
        screen.print(told, markup=False)
    for reason, count in report.by_reason.most_common():
        screen.print(f"  {count:,} x {reason}")
    for row in report.rejected:
        screen.print(f"    row {row.row:,}: {row.field}: {row.message}", markup=False)
