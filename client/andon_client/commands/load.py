"""`andon load`: a file into ingest, with a progress bar and an answer for every row."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import grpc
import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from andon_client.commands.filters import Json
from andon_client.connection import connection_file
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_document, notes, run, screen

if TYPE_CHECKING:
    from andon_records.batches import Batch
    from andon_records.files.readers import RecordFile
    from andon_records.files.standard_mapping import SourceChoice
    from andon_records.mapping.document import CsvMapping
    from andon_records.messages import Message

    from andon_client.bookmark import Bookmark
    from andon_client.load_report import LoadReport

REFUSED, INTERRUPTED = 2, 130
EVENTS_SHOWN = 5


def load_file(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV, TSV, JSON, JSON Lines, Parquet, .xlsx, XES or OCEL 2.0; text also .gz.",
        ),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping",
            "-m",
            exists=True,
            dir_okay=False,
            help="YAML: how columns become events. XES and OCEL need none.",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Without a mapping: the source of the events. Default: the name of the file.")
    ] = None,
    case_object: Annotated[
        str | None, typer.Option(help="OCEL without a mapping: the type of objects whose events are a case.")
    ] = None,
    time_zone: Annotated[
        str, typer.Option(help="Without a mapping: the zone of times that have none, such as Europe/Berlin.")
    ] = "UTC",
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin at the first row even after a broken load.")
    ] = False,
    validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Read every row, show what the first become, and send nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Load a file. Loading it again changes nothing; a broken load goes on where it stopped."""
    # Loaded only where columns are read: no other command should wait for it.
    from andon_records.files.readers import inspect_or_propose
    from andon_records.mapping.document import load_mapping
    from andon_records.messages import LoadError

    from andon_client.bookmark import Bookmark
    from andon_client.load_messages import message

    options: Context = context.obj
    try:
        given = load_mapping(mapping) if mapping is not None else None
        choice = source_choice(source, case_object, time_zone)
    except LoadError as error:
        _fail(error.what, options, as_json, code=REFUSED)
    except OSError as error:
        _fail(message("plain", text=str(error)), options, as_json, code=REFUSED)
    bookmark: Bookmark | None = None
    try:
        with _read_twice(file) as path:
            identity = mapping.read_bytes() if mapping is not None else repr(choice).encode()
            bookmark = Bookmark(connection_file(options.home).parent / "loads", path, identity)
            checking = message("checking", file=file.name).text(options.locale)
            with nullcontext() if as_json else notes.status(checking):
                layout, rules, said = inspect_or_propose(path, given, choice)
            for guess in said:
                notes.print(escape(f"{file.name}: {guess.text(options.locale)}"), highlight=False, soft_wrap=True)
            if validate_only:
                _validate(layout, rules, options.locale, as_json)
                return
            report = _loaded(options, layout, rules, bookmark, 0 if restart else bookmark.rows(), as_json)
    except KeyboardInterrupt:
        safe = 0 if restart or bookmark is None else bookmark.rows()
        early = message("interrupted_early", file=file.name, safe=safe).text(options.locale)
        notes.print(escape(early), highlight=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    except LoadError as error:
        _fail(error.what, options, as_json, code=REFUSED)
    except OSError as error:
        _fail(message("plain", text=str(error)), options, as_json, code=REFUSED)
    _show(report, rules, options.locale, as_json)
    if report.refused:
        raise typer.Exit(REFUSED)


def source_choice(source: str | None, case_object: str | None, time_zone: str) -> SourceChoice:
    """Checked as a mapping would be."""
    from andon_records.files.standard_mapping import SourceChoice
    from andon_records.mapping.document import checked

    checked("--time-zone", "time_zone", time_zone)
    if source is not None:
        checked("--source", "source", source)
    return SourceChoice(source, case_object, time_zone)


@contextmanager
def _read_twice(file: Path) -> Iterator[Path]:
    """The file, or where it is a pipe a copy of what it gives, which can be checked before it is sent."""
    if file.is_file():
        yield file
        return
    with tempfile.TemporaryDirectory() as folder, file.open("rb") as pipe:
        copy = Path(folder) / file.name
        with copy.open("wb") as target:
            shutil.copyfileobj(pipe, target)
        yield copy


def _fail(what: Message, options: Context, as_json: bool, code: int) -> NoReturn:
    """One line for people, and for programs a document beside it."""
    if as_json:
        emit_document({"error": what.text("en")})
    notes.print(f"[bold red]error[/] {escape(what.text(options.locale))}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def _loaded(
    options: Context, layout: RecordFile, mapping: CsvMapping, bookmark: Bookmark, skip: int, quiet: bool
) -> LoadReport:
    """Loads, and where it is broken off says how far it came and how to go on."""
    from andon_records.batches import batches_of
    from andon_records.messages import LoadError

    from andon_client.load_messages import message

    batches = batches_of(layout, mapping, skip)
    # A beginning that does not fit is refused before anyone is called.
    first = list(islice(batches, 1))

    async def attempt(suite: Suite) -> LoadReport | LoadError:
        try:
            return await _load(suite, layout, mapping, chain(first, batches), bookmark, skip, options.locale, quiet)
        except LoadError as error:
            return error

    def say_how_to_go_on(key: str) -> None:
        said = message(key, safe=bookmark.rows(), rows=layout.records)
        notes.print(said.text(options.locale), highlight=False, soft_wrap=True)

    try:
        report = run(options, attempt)
    except KeyboardInterrupt:
        say_how_to_go_on("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except typer.Exit:
        if bookmark.rows():
            say_how_to_go_on("broken_off")
        raise
    if isinstance(report, LoadError):
        raise report
    bookmark.clear()
    return replace(report, skipped=layout.records - report.rows)


async def _load(
    suite: Suite,
    layout: RecordFile,
    mapping: CsvMapping,
    batches: Iterator[Batch],
    bookmark: Bookmark,
    skip: int,
    locale: str,
    quiet: bool,
) -> LoadReport:
    from andon_client.load_messages import message
    from andon_client.loading import load, register_source

    await register_source(suite.ingest, mapping)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} / {task.total:,.0f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, disable=quiet or not notes.is_terminal) as progress:
        bar = progress.add_task(escape(layout.path.name), total=layout.records, completed=skip)

        def on_written(batch: Batch, report: LoadReport) -> None:
            progress.update(bar, completed=batch.last_row)
            bookmark.store(batch.last_row)

        def on_break(error: grpc.aio.AioRpcError) -> None:
            lost = message("connection_lost", code=error.code().name).text(locale)
            progress.console.print(f"[yellow]{escape(lost)}[/]")

        return await load(suite.ingest, batches, on_written, on_break)


def _show(report: LoadReport, mapping: CsvMapping, locale: str, as_json: bool) -> None:
    from andon_client.load_report import said

    if as_json:
        emit_document(report.document())
        return
    for line, markup in said(report, mapping, locale):
        screen.print(line, markup=markup, soft_wrap=True)


def _validate(layout: RecordFile, mapping: CsvMapping, locale: str, as_json: bool) -> None:
    """Every row is converted as it would be sent; nothing leaves this machine."""
    from andon_records.batches import batches_of

    from andon_client.load_messages import message
    from andon_client.validation import Validation

    validation = Validation(mapping)
    for batch in batches_of(layout, mapping):
        validation.add(batch)
    if as_json:
        emit_document(validation.document())
    else:
        _table(validation.first(EVENTS_SHOWN), message("first_rows").text(locale))
        for line in validation.said(locale):
            screen.print(line, markup=False, soft_wrap=True)
    if validation.refused:
        raise typer.Exit(REFUSED)


def _table(rows: Iterator[dict[str, object]], title: str) -> None:
    """One column per event, since an event has more fields than a screen is wide."""
    events = list(rows)
    if not events:
        return
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    table.add_column("")
    for event in events:
        table.add_column(Text(str(event["row"])), overflow="fold")
    for name in dict.fromkeys(name for event in events for name in event if name != "row"):
        table.add_row(Text(name), *(Text(str(event.get(name, "-"))) for event in events))
    screen.print(table)
